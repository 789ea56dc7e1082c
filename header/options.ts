/**
 * The option lists of IPv4 (RFC 791 section 3.1) and TCP (RFC 9293 section 3.1), which have one grammar:
 *
 *      | 0 |                              end of the list; what follows is padding
 *      | 1 |                              no operation
 *      | kind | length | data ... |       length counts kind and length, too
 *
 * A list is a range `at .. end` of a header that has been checked. Hot.
 */

/** Ends the list. */
export const OPTION_END = 0;
/** One byte of padding between options. */
export const OPTION_NOP = 1;

/** Bytes of the option at `position`, or -1 where its length is missing, below 2 or beyond the end. */
export function optionBytes(view: DataView, position: number, end: number): number {
  if (view.getUint8(position) <= OPTION_NOP) return 1;
  if (position + 2 > end) return -1;
  const bytes = view.getUint8(position + 1);
  return bytes >= 2 && position + bytes <= end ? bytes : -1;
}

/** Position of the first option of this kind, or -1 when there is none before the end or a malformed one. */
export function findOption(view: DataView, at: number, end: number, kind: number): number {
  for (let position = at; position < end; ) {
    const found = view.getUint8(position);
    const bytes = optionBytes(view, position, end);
    if (bytes < 0) return -1;
    if (found === kind) return position;
    if (found === OPTION_END) return -1;
    position += bytes;
  }
  return -1;
}

/** Whether each option is well formed, up to the end of the list or of the range. */
export function areOptionsValid(view: DataView, at: number, end: number): boolean {
  for (let position = at; position < end && view.getUint8(position) !== OPTION_END; ) {
    const bytes = optionBytes(view, position, end);
    if (bytes < 0) return false;
    position += bytes;
  }
  return true;
}

/** A copy of the list's bytes, padding included. Cold. */
export const copyOptions = (view: DataView, at: number, end: number): Uint8Array =>
  Uint8Array.from(new Uint8Array(view.buffer, view.byteOffset + at, end - at));

/** Writes a list and pads it with OPTION_END up to `end`. Cold. */
export function emitOptions(options: Uint8Array, view: DataView, at: number, end: number): void {
  for (let i = 0; at + i < end; i++) view.setUint8(at + i, options[i] ?? OPTION_END);
}
