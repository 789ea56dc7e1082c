/**
 * UDP (RFC 768).
 *
 *      0               15 16              31
 *      |  source port    |  destination    |
 *      |  length         |  checksum       |      length counts header and data; checksum 0 = none (IPv4 only)
 *      |  data ...
 *
 * Checksums take the pseudo-header's sum: `checksum.pseudoHeaderIpv4(view, ipAt, PROTOCOL_UDP, length)`.
 */
import * as checksums from './checksum.ts';

const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
const LENGTH = 4;
const CHECKSUM = 6;
const DATA = 8;

/** Bytes of the header. */
export const HEADER_BYTES = 8;

/** In the checksum field: the sender computed none. IPv6 does not allow it (RFC 8200 section 8.1). */
export const NO_CHECKSUM = 0;

/** A UDP header as a value. */
export interface Udp {
  sourcePort: number;
  destinationPort: number;
  /** Bytes behind the header. */
  payloadBytes: number;
  checksum: number;
}

/** Whether `at .. end` holds a whole header and all of its length. */
export const isValid = (view: DataView, at: number, end: number): boolean =>
  end - at >= HEADER_BYTES && length(view, at) >= HEADER_BYTES && at + length(view, at) <= end;

/** Source port; 0 when no answer is expected. */
export const sourcePort = (view: DataView, at: number): number => view.getUint16(at + SOURCE_PORT);
/** Destination port. */
export const destinationPort = (view: DataView, at: number): number => view.getUint16(at + DESTINATION_PORT);
/** Bytes of header and data. */
export const length = (view: DataView, at: number): number => view.getUint16(at + LENGTH);
/** Checksum, or NO_CHECKSUM. */
export const checksum = (view: DataView, at: number): number => view.getUint16(at + CHECKSUM);
/** Where the data starts, in the view. */
export const payloadAt = (at: number): number => at + DATA;
/** Where the datagram ends, in the view. */
export const datagramEnd = (view: DataView, at: number): number => at + length(view, at);

/** Sets the source port. */
export const setSourcePort = (view: DataView, at: number, port: number): void => view.setUint16(at + SOURCE_PORT, port);
/** Sets the destination port. */
export const setDestinationPort = (view: DataView, at: number, port: number): void =>
  view.setUint16(at + DESTINATION_PORT, port);
/** Sets the length of header and data; `isValid` has to be asked again. */
export const setLength = (view: DataView, at: number, bytes: number): void => view.setUint16(at + LENGTH, bytes);
/** Sets the checksum. */
export const setChecksum = (view: DataView, at: number, value: number): void => view.setUint16(at + CHECKSUM, value);

/** Exchanges the ports: a reply in place. The checksum stays right. */
export function swapPorts(view: DataView, at: number): void {
  const port = sourcePort(view, at);
  setSourcePort(view, at, destinationPort(view, at));
  setDestinationPort(view, at, port);
}

/**
 * The checksum that the datagram `at .. end` should have, whatever its field holds. A computed zero is 0xffff, because
 * zero in the field says that there is none (RFC 768).
 */
export function computeChecksum(view: DataView, at: number, end: number, pseudoHeaderSum: number): number {
  const header = pseudoHeaderSum + sourcePort(view, at) + destinationPort(view, at) + length(view, at);
  const checksum = checksums.finish(checksums.sum(view, at + DATA, end - at - DATA, header));
  return checksum === 0 ? 0xffff : checksum;
}
/** Computes and sets the checksum of the datagram `at .. end`. */
export const fillChecksum = (view: DataView, at: number, end: number, pseudoHeaderSum: number): void =>
  setChecksum(view, at, computeChecksum(view, at, end, pseudoHeaderSum));
/** Whether the datagram `at .. end` arrived intact. Over IPv4, ask for NO_CHECKSUM first. */
export const isChecksumValid = (view: DataView, at: number, end: number, pseudoHeaderSum: number): boolean =>
  checksum(view, at) !== NO_CHECKSUM && checksums.isIntact(checksums.sum(view, at, end - at, pseudoHeaderSum));

/** Writes the whole header from primitives, without a checksum: the hot form of `emit`. Returns 8. */
export function encode(
  view: DataView,
  at: number,
  sourcePort: number,
  destinationPort: number,
  payloadBytes: number,
): number {
  view.setUint16(at + SOURCE_PORT, sourcePort);
  view.setUint16(at + DESTINATION_PORT, destinationPort);
  view.setUint16(at + LENGTH, HEADER_BYTES + payloadBytes);
  view.setUint16(at + CHECKSUM, NO_CHECKSUM);
  return HEADER_BYTES;
}

/** The header as a value, or null. Cold. */
export function parse(view: DataView, at: number, end: number): Udp | null {
  if (!isValid(view, at, end)) return null;
  return {
    sourcePort: sourcePort(view, at),
    destinationPort: destinationPort(view, at),
    payloadBytes: length(view, at) - HEADER_BYTES,
    checksum: checksum(view, at),
  };
}

/** Writes all 8 bytes; `fillChecksum` comes after the data. Returns 8. Cold. */
export function emit(value: Udp, view: DataView, at: number): number {
  encode(view, at, value.sourcePort, value.destinationPort, value.payloadBytes);
  setChecksum(view, at, value.checksum);
  return HEADER_BYTES;
}

/** What `format` says behind the ports: `UDP, length 20`. Cold; never throws. */
export const summarize = (view: DataView, at: number, end: number): string =>
  isValid(view, at, end) ? `UDP, length ${length(view, at) - HEADER_BYTES}` : '[|UDP]';

/** `1234 > 53: UDP, length 20`. Cold; never throws. */
export const format = (view: DataView, at: number, end: number): string =>
  isValid(view, at, end)
    ? `${sourcePort(view, at)} > ${destinationPort(view, at)}: ${summarize(view, at, end)}`
    : '[|UDP]';
