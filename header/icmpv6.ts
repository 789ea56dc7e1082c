/**
 * ICMP for IPv6 (RFC 4443). Neighbour discovery is in ndp.ts.
 *
 *      0        8       16               31
 *      | type   | code   |  checksum      |      over the IPv6 pseudo-header and the message
 *      | identifier      |  sequence      |      of an echo; other types have other contents here
 *      |  data ...
 *
 * Checksums take the pseudo-header's sum: `checksum.pseudoHeaderIpv6(view, ipAt, PROTOCOL_ICMPV6, end - at)`.
 */
import * as checksums from './checksum.ts';

const TYPE = 0;
const CODE = 1;
const CHECKSUM = 2;
const IDENTIFIER = 4;
const SEQUENCE = 6;

/** Bytes of the header. RFC 4443 calls four of them the header; each message type has four more. */
export const HEADER_BYTES = 8;

/** Destination unreachable. */
export const TYPE_UNREACHABLE = 1;
/** Packet too big; `mtu` tells the limit. */
export const TYPE_PACKET_TOO_BIG = 2;
/** Time exceeded. */
export const TYPE_TIME_EXCEEDED = 3;
/** Parameter problem. */
export const TYPE_PARAMETER_PROBLEM = 4;
/** Echo request. */
export const TYPE_ECHO_REQUEST = 128;
/** Echo reply. */
export const TYPE_ECHO_REPLY = 129;
/** Multicast listener query (RFC 2710). */
export const TYPE_MULTICAST_LISTENER_QUERY = 130;
/** Router solicitation (RFC 4861 section 4.1). */
export const TYPE_ROUTER_SOLICITATION = 133;
/** Router advertisement (RFC 4861 section 4.2). */
export const TYPE_ROUTER_ADVERTISEMENT = 134;
/** Neighbour solicitation (RFC 4861 section 4.3). */
export const TYPE_NEIGHBOR_SOLICITATION = 135;
/** Neighbour advertisement (RFC 4861 section 4.4). */
export const TYPE_NEIGHBOR_ADVERTISEMENT = 136;
/** Redirect (RFC 4861 section 4.5). */
export const TYPE_REDIRECT = 137;
/** Multicast listener report, version 2 (RFC 3810). */
export const TYPE_MULTICAST_LISTENER_REPORT_V2 = 143;

/** Of TYPE_UNREACHABLE: no route. */
export const CODE_NO_ROUTE = 0;
/** Of TYPE_UNREACHABLE: address. */
export const CODE_ADDRESS = 3;
/** Of TYPE_UNREACHABLE: port. */
export const CODE_PORT = 4;

/** An ICMPv6 header as a value. */
export interface Icmpv6 {
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
/** MTU of the next hop, of TYPE_PACKET_TOO_BIG (RFC 4443 section 3.2). */
export const mtu = (view: DataView, at: number): number => view.getUint32(at + IDENTIFIER);

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
/** Sets the MTU of the next hop. */
export const setMtu = (view: DataView, at: number, bytes: number): void => view.setUint32(at + IDENTIFIER, bytes);

/** The checksum that the message `at .. end` should have, whatever its field holds. */
export const computeChecksum = (view: DataView, at: number, end: number, pseudoHeaderSum: number): number =>
  checksums.finish(
    checksums.sum(view, at + IDENTIFIER, end - at - IDENTIFIER, pseudoHeaderSum + view.getUint16(at + TYPE)),
  );
/** Computes and sets the checksum of the message `at .. end`. */
export const fillChecksum = (view: DataView, at: number, end: number, pseudoHeaderSum: number): void =>
  setChecksum(view, at, computeChecksum(view, at, end, pseudoHeaderSum));
/** Whether the message `at .. end` arrived intact. */
export const isChecksumValid = (view: DataView, at: number, end: number, pseudoHeaderSum: number): boolean =>
  checksums.isIntact(checksums.sum(view, at, end - at, pseudoHeaderSum));

/**
 * Turns an echo request into its reply; the checksum is updated for the changed word alone (RFC 1624). Exchanging the
 * IPv6 addresses, too, leaves the checksum as it is; any other new source address does not.
 */
export function echoReplyInPlace(view: DataView, at: number): void {
  const oldWord = view.getUint16(at + TYPE);
  setType(view, at, TYPE_ECHO_REPLY);
  setChecksum(view, at, checksums.update16(checksum(view, at), oldWord, view.getUint16(at + TYPE)));
}

/** The header as a value, or null. Cold. */
export function parse(view: DataView, at: number, end: number): Icmpv6 | null {
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
export function emit(value: Icmpv6, view: DataView, at: number): number {
  setType(view, at, value.type);
  setCode(view, at, value.code);
  setChecksum(view, at, value.checksum);
  setIdentifier(view, at, value.identifier);
  setSequence(view, at, value.sequence);
  return HEADER_BYTES;
}

const NAMES: ReadonlyMap<number, string> = new Map([
  [TYPE_UNREACHABLE, 'unreachable'],
  [TYPE_PACKET_TOO_BIG, 'packet too big'],
  [TYPE_TIME_EXCEEDED, 'time exceeded'],
  [TYPE_PARAMETER_PROBLEM, 'parameter problem'],
  [TYPE_ECHO_REQUEST, 'echo request'],
  [TYPE_ECHO_REPLY, 'echo reply'],
  [TYPE_MULTICAST_LISTENER_QUERY, 'multicast listener query'],
  [TYPE_ROUTER_SOLICITATION, 'router solicitation'],
  [TYPE_ROUTER_ADVERTISEMENT, 'router advertisement'],
  [TYPE_NEIGHBOR_SOLICITATION, 'neighbor solicitation'],
  [TYPE_NEIGHBOR_ADVERTISEMENT, 'neighbor advertisement'],
  [TYPE_REDIRECT, 'redirect'],
  [TYPE_MULTICAST_LISTENER_REPORT_V2, 'multicast listener report v2'],
]);

/** `ICMP6, echo request, id 1, seq 2, length 64`. Cold; never throws. */
export function format(view: DataView, at: number, end: number): string {
  const value = parse(view, at, end);
  if (value === null) return '[|ICMP6]';
  const name = NAMES.get(value.type) ?? `type ${value.type}`;
  const isEcho = value.type === TYPE_ECHO_REQUEST || value.type === TYPE_ECHO_REPLY;
  const detail = isEcho ? `id ${value.identifier}, seq ${value.sequence}` : `code ${value.code}`;
  return `ICMP6, ${name}, ${detail}, length ${end - at}`;
}
