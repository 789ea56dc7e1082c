/** What the codec tests share: golden bytes, canary-filled buffers, arbitrary addresses. */
import fc from 'fast-check';

/** What no codec writes by chance; a byte that keeps it was not written. */
export const CANARY = 0xa5;

/** Bytes from hexadecimal text laid out by field; everything from `#` to the end of a line is a comment. */
export function bytesOf(text: string): Uint8Array {
  const digits = text.replaceAll(/#.*$/gm, '').replaceAll(/\s+/g, '');
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** A view of the bytes, put at `at` of a larger canary-filled buffer when `at` is given. */
export function viewOf(bytes: Uint8Array, at: number = 0): DataView {
  const copy = new Uint8Array(at + bytes.length + at).fill(CANARY);
  copy.set(bytes, at);
  return new DataView(copy.buffer);
}

/** A view of `length` canary bytes. */
export const canaries = (length: number): DataView => new DataView(new Uint8Array(length).fill(CANARY).buffer);

/** The bytes of a range of a view. */
export const slice = (view: DataView, start: number, end: number): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice(start, end);

/** Whether everything outside `start .. end` still has the canary. */
export const isUntouchedOutside = (view: DataView, start: number, end: number): boolean =>
  [...slice(view, 0, start), ...slice(view, end, view.byteLength)].every((byte) => byte === CANARY);

export const u8: fc.Arbitrary<number> = fc.integer({ min: 0, max: 0xff });
export const u16: fc.Arbitrary<number> = fc.integer({ min: 0, max: 0xffff });
export const u32: fc.Arbitrary<number> = fc.integer({ min: 0, max: 0xffff_ffff });
export const link: fc.Arbitrary<number> = fc.integer({ min: 0, max: 0xffff_ffff_ffff });
export const ipv6Bytes: fc.Arbitrary<Uint8Array> = fc.uint8Array({ minLength: 16, maxLength: 16 });
/** Raw IPv4 or TCP options, a multiple of four bytes. */
export const rawOptions: fc.Arbitrary<Uint8Array> = fc
  .integer({ min: 0, max: 10 })
  .chain((words) => fc.uint8Array({ minLength: words * 4, maxLength: words * 4 }));
