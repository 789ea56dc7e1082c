/**
 * Reads the attributes of a netlink message, netlink(7): a sequence of
 *
 *     | length u16 | type u16: nested 1 bit, byte order 1 bit, type 14 bits | payload … | padding to 4 |
 *
 * Lengths are checked when a sequence is read, widths when a value is: what does not fit is a NetlinkMessageError and
 * never a read beyond the message.
 */

import { NetlinkMessageError } from '../../errors.ts';

const HEADER_BYTES = 4;
const TYPE_MASK = 0x3fff;
const ACTION = 'Cannot read a netlink message';

/** One sequence of attributes. Of a type that comes twice the last one counts, as in the kernel. */
export class Attributes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Type to where its payload begins; its length stands before it. */
  readonly #at = new Map<number, number>();

  /** @throws NetlinkMessageError when the lengths do not add up */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const at of positions(this.#view)) this.#at.set(this.#view.getUint16(at + 2, true) & TYPE_MASK, at);
  }

  /** Whether there is one of this type. */
  has(type: number): boolean {
    return this.#at.has(type);
  }

  /** Payload: a view of the message. */
  bytes(type: number): Uint8Array | undefined {
    const at = this.#at.get(type);
    return at === undefined ? undefined : payload(this.#bytes, this.#view, at);
  }

  /** An 8-bit number. */
  u8(type: number): number | undefined {
    return this.#number(type, 1, (at) => this.#view.getUint8(at));
  }

  /** A 16-bit number in host byte order. */
  u16(type: number): number | undefined {
    return this.#number(type, 2, (at) => this.#view.getUint16(at, true));
  }

  /** A 32-bit number in host byte order. */
  u32(type: number): number | undefined {
    return this.#number(type, 4, (at) => this.#view.getUint32(at, true));
  }

  /** A signed 32-bit number in host byte order. */
  i32(type: number): number | undefined {
    return this.#number(type, 4, (at) => this.#view.getInt32(at, true));
  }

  /** A text, up to its terminating zero. */
  text(type: number): string | undefined {
    const bytes = this.bytes(type);
    if (bytes === undefined) return undefined;
    const end = bytes.indexOf(0);
    return Buffer.from(bytes.subarray(0, end < 0 ? bytes.byteLength : end)).toString('utf8');
  }

  /** The attributes in a nest. */
  nest(type: number): Attributes | undefined {
    const bytes = this.bytes(type);
    return bytes === undefined ? undefined : new Attributes(bytes);
  }

  /** The payloads in a nest that is a list, in order, whatever their types. */
  list(type: number): { readonly type: number; readonly bytes: Uint8Array }[] {
    const bytes = this.bytes(type);
    if (bytes === undefined) return [];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return positions(view).map((at) => ({
      type: view.getUint16(at + 2, true) & TYPE_MASK,
      bytes: payload(bytes, view, at),
    }));
  }

  #number(type: number, width: number, read: (at: number) => number): number | undefined {
    const at = this.#at.get(type);
    if (at === undefined) return undefined;
    const length = this.#view.getUint16(at, true) - HEADER_BYTES;
    if (length < width) {
      throw new NetlinkMessageError(ACTION, `attribute ${type} has ${length} bytes; ${width} are required`);
    }
    return read(at + HEADER_BYTES);
  }
}

/** Where the headers of a sequence are, all lengths checked. */
function positions(view: DataView): number[] {
  const found: number[] = [];
  for (let at = 0; at < view.byteLength; ) {
    const rest = view.byteLength - at;
    const length = rest < HEADER_BYTES ? 0 : view.getUint16(at, true);
    if (length < HEADER_BYTES || length > rest) {
      throw new NetlinkMessageError(ACTION, `an attribute says ${length} of ${rest} bytes; its header has 4`);
    }
    found.push(at);
    at += (length + 3) & ~3;
  }
  return found;
}

function payload(bytes: Uint8Array, view: DataView, at: number): Uint8Array {
  return bytes.subarray(at + HEADER_BYTES, at + view.getUint16(at, true));
}
