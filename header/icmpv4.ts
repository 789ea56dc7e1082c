/**
 * ICMP for IPv4 (RFC 792).
 *
 *      0        8       16               31
 *      | type   | code   |  checksum      |      over the ICMP message alone
 *      | identifier      |  sequence      |      of an echo; other types have other contents here
 *      |  data ...
 */
import * as checksums from './checksum.ts';

const TYPE = 0;
const CODE = 1;
const CHECKSUM = 2;
const IDENTIFIER = 4;
const SEQUENCE = 6;

/** Bytes of the header. */
export const HEADER_BYTES = 8;

/** Echo reply. */
export const TYPE_ECHO_REPLY = 0;
/** Destination unreachable. */
export const TYPE_UNREACHABLE = 3;
/** Redirect. */
export const TYPE_REDIRECT = 5;
/** Echo request. */
export const TYPE_ECHO_REQUEST = 8;
/** Time exceeded. */
export const TYPE_TIME_EXCEEDED = 11;
/** Parameter problem. */
export const TYPE_PARAMETER_PROBLEM = 12;

/** Of TYPE_UNREACHABLE: network. */
export const CODE_NETWORK = 0;
/** Of TYPE_UNREACHABLE: host. */
export const CODE_HOST = 1;
/** Of TYPE_UNREACHABLE: protocol. */
export const CODE_PROTOCOL = 2;
/** Of TYPE_UNREACHABLE: port. */
export const CODE_PORT = 3;
/** Of TYPE_UNREACHABLE: too long, and DF is set; `mtu` tells the limit (RFC 1191). */
export const CODE_FRAGMENTATION_NEEDED = 4;

/** An ICMP header as a value. */
export interface Icmpv4 {
  type: number;
  code: number;
  checksum: number;
  identifier: number;
  sequence: number;
}

/** Whether a whole header lies in `at .. end`. */
export const isValid = (_view: DataView, at: number, end: number): boolean => end - at >= HEADER_BYTES;

/** Type of the message. */
export const type = (view: DataView, at: number): number => view.getUint8(at + TYPE);
/** Code, whose meaning depends on the type. */
export const code = (view: DataView, at: number): number => view.getUint8(at + CODE);
/** Checksum. */
export const checksum = (view: DataView, at: number): number => view.getUint16(at + CHECKSUM);
/** Identifier of an echo. */
export const identifier = (view: DataView, at: number): number => view.getUint16(at + IDENTIFIER);
/** Sequence number of an echo. */
export const sequence = (view: DataView, at: number): number => view.getUint16(at + SEQUENCE);
/** MTU of the next hop, of CODE_FRAGMENTATION_NEEDED (RFC 1191 section 4). */
export const mtu = (view: DataView, at: number): number => view.getUint16(at + SEQUENCE);

/** Sets the type. */
export const setType = (view: DataView, at: number, value: number): void => view.setUint8(at + TYPE, value);
/** Sets the code. */
export const setCode = (view: DataView, at: number, value: number): void => view.setUint8(at + CODE, value);
/** Sets the checksum. */
export const setChecksum = (view: DataView, at: number, value: number): void => view.setUint16(at + CHECKSUM, value);
/** Sets the identifier of an echo. */
export const setIdentifier = (view: DataView, at: number, value: number): void =>
  view.setUint16(at + IDENTIFIER, value);
/** Sets the sequence number of an echo. */
export const setSequence = (view: DataView, at: number, value: number): void => view.setUint16(at + SEQUENCE, value);
/** Sets the MTU of the next hop and the zero in front of it. */
export const setMtu = (view: DataView, at: number, bytes: number): void => view.setUint32(at + IDENTIFIER, bytes);

/** The checksum that the message `at .. end` should have, whatever its field holds. */
export const computeChecksum = (view: DataView, at: number, end: number): number =>
  checksums.finish(checksums.sum(view, at + IDENTIFIER, end - at - IDENTIFIER, view.getUint16(at + TYPE)));
/** Computes and sets the checksum of the message `at .. end`. */
export const fillChecksum = (view: DataView, at: number, end: number): void =>
  setChecksum(view, at, computeChecksum(view, at, end));
/** Whether the message `at .. end` arrived intact. */
export const isChecksumValid = (view: DataView, at: number, end: number): boolean =>
  checksums.isIntact(checksums.sum(view, at, end - at));

/** Turns an echo request into its reply; the checksum is updated for the changed word alone (RFC 1624). */
export function echoReplyInPlace(view: DataView, at: number): void {
  const oldWord = view.getUint16(at + TYPE);
  setType(view, at, TYPE_ECHO_REPLY);
  setChecksum(view, at, checksums.update16(checksum(view, at), oldWord, view.getUint16(at + TYPE)));
}

/** The header as a value, or null. Cold. */
export function parse(view: DataView, at: number, end: number): Icmpv4 | null {
  if (!isValid(view, at, end)) return null;
  return {
    type: type(view, at),
    code: code(view, at),
    checksum: checksum(view, at),
    identifier: identifier(view, at),
    sequence: sequence(view, at),
  };
}

/** Writes all 8 bytes; `fillChecksum` comes after the data. Returns 8. Cold. */
export function emit(value: Icmpv4, view: DataView, at: number): number {
  setType(view, at, value.type);
  setCode(view, at, value.code);
  setChecksum(view, at, value.checksum);
  setIdentifier(view, at, value.identifier);
  setSequence(view, at, value.sequence);
  return HEADER_BYTES;
}

const NAMES: ReadonlyMap<number, string> = new Map([
  [TYPE_ECHO_REPLY, 'echo reply'],
  [TYPE_UNREACHABLE, 'unreachable'],
  [TYPE_REDIRECT, 'redirect'],
  [TYPE_ECHO_REQUEST, 'echo request'],
  [TYPE_TIME_EXCEEDED, 'time exceeded'],
  [TYPE_PARAMETER_PROBLEM, 'parameter problem'],
]);

/** `ICMP echo request, id 1, seq 2, length 64`. Cold; never throws. */
export function format(view: DataView, at: number, end: number): string {
  const value = parse(view, at, end);
  if (value === null) return '[|ICMP]';
  const name = NAMES.get(value.type) ?? `type ${value.type}`;
  const isEcho = value.type === TYPE_ECHO_REQUEST || value.type === TYPE_ECHO_REPLY;
  const detail = isEcho ? `id ${value.identifier}, seq ${value.sequence}` : `code ${value.code}`;
  return `ICMP ${name}, ${detail}, length ${end - at}`;
}
