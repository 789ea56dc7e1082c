/**
 * IPv4 (RFC 791 section 3.1; the second byte per RFC 2474 and RFC 3168).
 *
 *      0       4       8              16  19                    31
 *      |version|  IHL  |  DSCP    |ECN |  total length           |
 *      |  identification               |flg|  fragment offset    |      flags: 0, DF, MF; the offset counts 8 bytes
 *      |  time to live |  protocol     |  header checksum        |
 *      |  source address                                         |
 *      |  destination address                                    |
 *      |  options, padded with zeros to a multiple of 4 ...      |      header = IHL * 4 = 20 .. 60 bytes
 */
import * as checksums from './checksum.ts';
import type { Ipv4Address } from './ip-address.ts';
import { formatIpv4 } from './ip-text.ts';
import * as optionList from './options.ts';
import { formatProtocol } from './protocol.ts';

export { OPTION_END, OPTION_NOP } from './options.ts';

const VERSION_IHL = 0;
const TRAFFIC_CLASS = 1;
const TOTAL_LENGTH = 2;
const IDENTIFICATION = 4;
const FRAGMENT = 6;
const TIME_TO_LIVE = 8;
const PROTOCOL = 9;
const CHECKSUM = 10;
const SOURCE = 12;
const DESTINATION = 16;
const OPTIONS = 20;

/** Bytes of a header without options. */
export const HEADER_BYTES = 20;
/** Bytes of the longest header: IHL is four bits. */
export const HEADER_BYTES_MAX = 60;
/** The most that the total length field tells. */
export const TOTAL_BYTES_MAX = 0xffff;

/** Of the three flags: more fragments follow (MF). */
export const FLAG_MORE_FRAGMENTS = 1;
/** Of the three flags: routers must not fragment (DF). */
export const FLAG_DONT_FRAGMENT = 2;

/** Record route. */
export const OPTION_RECORD_ROUTE = 7;
/** Internet timestamp. */
export const OPTION_TIMESTAMP = 68;
/** Loose source route. */
export const OPTION_LOOSE_SOURCE_ROUTE = 131;
/** Strict source route. */
export const OPTION_STRICT_SOURCE_ROUTE = 137;
/** Router alert (RFC 2113). */
export const OPTION_ROUTER_ALERT = 148;

const VERSION_4_IHL_5 = 0x45;
const FLAG_SHIFT = 13;
const OFFSET_MASK = 0x1fff;
/** MF and the offset: neither is set in a whole packet. DF is left out. */
const FRAGMENT_MASK = 0x3fff;
const FRAGMENT_UNIT_BYTES = 8;

/** An IPv4 header as a value. */
export interface Ipv4 {
  /** DSCP and ECN, one byte. */
  trafficClass: number;
  /** Bytes behind the header. */
  payloadBytes: number;
  identification: number;
  /** FLAG_DONT_FRAGMENT | FLAG_MORE_FRAGMENTS. */
  flags: number;
  /** In bytes, a multiple of 8. */
  fragmentOffset: number;
  timeToLive: number;
  protocol: number;
  source: Ipv4Address;
  destination: Ipv4Address;
  /** Raw options, 0 .. 40 bytes; `emit` pads them to a multiple of 4. */
  options: Uint8Array;
}

/**
 * Whether `at .. end` holds version 4, a whole header and all of the total length; bytes behind that are the link's
 * padding. The checksum is not looked at: ask `isChecksumValid`, unless the device has.
 */
export const isValid = (view: DataView, at: number, end: number): boolean =>
  end - at >= HEADER_BYTES &&
  version(view, at) === 4 &&
  headerBytes(view, at) >= HEADER_BYTES &&
  totalLength(view, at) >= headerBytes(view, at) &&
  at + totalLength(view, at) <= end;

/** IP version: 4 in a valid header. */
export const version = (view: DataView, at: number): number => view.getUint8(at + VERSION_IHL) >>> 4;
/** Header length in words of 4 bytes (IHL). */
export const headerWords = (view: DataView, at: number): number => view.getUint8(at + VERSION_IHL) & 0xf;
/** Header length in bytes, options included. */
export const headerBytes = (view: DataView, at: number): number => headerWords(view, at) * 4;
/** DSCP and ECN: the byte that was once the type of service. */
export const trafficClass = (view: DataView, at: number): number => view.getUint8(at + TRAFFIC_CLASS);
/** Differentiated services code point, 6 bits (RFC 2474). */
export const dscp = (view: DataView, at: number): number => trafficClass(view, at) >>> 2;
/** Explicit congestion notification, 2 bits (RFC 3168). */
export const ecn = (view: DataView, at: number): number => trafficClass(view, at) & 3;
/** Bytes of header and payload. */
export const totalLength = (view: DataView, at: number): number => view.getUint16(at + TOTAL_LENGTH);
/** Where the payload starts, in the view. */
export const payloadAt = (view: DataView, at: number): number => at + headerBytes(view, at);
/** Where the packet ends, in the view. */
export const packetEnd = (view: DataView, at: number): number => at + totalLength(view, at);
/** What the fragments of one packet have in common. */
export const identification = (view: DataView, at: number): number => view.getUint16(at + IDENTIFICATION);
/** The three flags: FLAG_DONT_FRAGMENT, FLAG_MORE_FRAGMENTS. */
export const flags = (view: DataView, at: number): number => view.getUint16(at + FRAGMENT) >>> FLAG_SHIFT;
/** Position of this fragment in its packet, in bytes. */
export const fragmentOffset = (view: DataView, at: number): number =>
  (view.getUint16(at + FRAGMENT) & OFFSET_MASK) * FRAGMENT_UNIT_BYTES;
/** Whether this is a part of a packet. Only the part at fragmentOffset 0 starts with a transport header. */
export const isFragment = (view: DataView, at: number): boolean =>
  (view.getUint16(at + FRAGMENT) & FRAGMENT_MASK) !== 0;
/** Hops that are left (TTL). */
export const timeToLive = (view: DataView, at: number): number => view.getUint8(at + TIME_TO_LIVE);
/** Protocol of the payload: PROTOCOL_TCP and so on. */
export const protocol = (view: DataView, at: number): number => view.getUint8(at + PROTOCOL);
/** Header checksum. */
export const checksum = (view: DataView, at: number): number => view.getUint16(at + CHECKSUM);
/** Where the source address lies, for `IpMap.getAt`. */
export const sourceAt = (at: number): number => at + SOURCE;
/** Where the destination address lies, for `IpMap.getAt`. */
export const destinationAt = (at: number): number => at + DESTINATION;
/** Source address. */
export const source = (view: DataView, at: number): Ipv4Address => view.getUint32(at + SOURCE);
/** Destination address. */
export const destination = (view: DataView, at: number): Ipv4Address => view.getUint32(at + DESTINATION);

/** Sets DSCP and ECN. */
export const setTrafficClass = (view: DataView, at: number, value: number): void =>
  view.setUint8(at + TRAFFIC_CLASS, value);
/** Sets the total length; `isValid` has to be asked again. */
export const setTotalLength = (view: DataView, at: number, bytes: number): void =>
  view.setUint16(at + TOTAL_LENGTH, bytes);
/** Sets the identification. */
export const setIdentification = (view: DataView, at: number, value: number): void =>
  view.setUint16(at + IDENTIFICATION, value);
/** Sets the three flags and the fragment offset, given in bytes. */
export const setFragment = (view: DataView, at: number, flags: number, offsetBytes: number): void =>
  view.setUint16(at + FRAGMENT, (flags << FLAG_SHIFT) | (offsetBytes / FRAGMENT_UNIT_BYTES));
/** Sets the hops that are left. */
export const setTimeToLive = (view: DataView, at: number, value: number): void =>
  view.setUint8(at + TIME_TO_LIVE, value);
/** Sets the protocol of the payload. */
export const setProtocol = (view: DataView, at: number, value: number): void => view.setUint8(at + PROTOCOL, value);
/** Sets the header checksum. */
export const setChecksum = (view: DataView, at: number, value: number): void => view.setUint16(at + CHECKSUM, value);
/** Sets the source address. */
export const setSource = (view: DataView, at: number, address: Ipv4Address): void =>
  view.setUint32(at + SOURCE, address);
/** Sets the destination address. */
export const setDestination = (view: DataView, at: number, address: Ipv4Address): void =>
  view.setUint32(at + DESTINATION, address);

/** Exchanges source and destination; the checksum stays right, since a sum has no order. */
export function swapAddresses(view: DataView, at: number): void {
  const source = view.getInt32(at + SOURCE);
  view.setInt32(at + SOURCE, view.getInt32(at + DESTINATION));
  view.setInt32(at + DESTINATION, source);
}

/** The checksum that the header should have, whatever its field holds. */
export const computeChecksum = (view: DataView, at: number): number => {
  const tail = headerBytes(view, at) - SOURCE;
  return checksums.finish(checksums.sum(view, at + SOURCE, tail, checksums.sum(view, at, CHECKSUM)));
};
/** Computes and sets the header checksum. */
export const fillChecksum = (view: DataView, at: number): void => setChecksum(view, at, computeChecksum(view, at));
/** Whether the header arrived intact. */
export const isChecksumValid = (view: DataView, at: number): boolean =>
  checksums.isIntact(checksums.sum(view, at, headerBytes(view, at)));

/** Writes a header without options from primitives: DF, id 0 (RFC 6864 section 4.1), checksum set. Returns 20. */
export function encode(
  view: DataView,
  at: number,
  totalLength: number,
  trafficClass: number,
  timeToLive: number,
  protocol: number,
  source: Ipv4Address,
  destination: Ipv4Address,
): number {
  view.setUint8(at + VERSION_IHL, VERSION_4_IHL_5);
  view.setUint8(at + TRAFFIC_CLASS, trafficClass);
  view.setUint16(at + TOTAL_LENGTH, totalLength);
  view.setUint32(at + IDENTIFICATION, FLAG_DONT_FRAGMENT << FLAG_SHIFT);
  view.setUint8(at + TIME_TO_LIVE, timeToLive);
  view.setUint8(at + PROTOCOL, protocol);
  view.setUint32(at + SOURCE, source);
  view.setUint32(at + DESTINATION, destination);
  fillChecksum(view, at);
  return HEADER_BYTES;
}

/** Where the options start; they end at `payloadAt`. */
export const optionsAt = (at: number): number => at + OPTIONS;

/** Position of the first option of this type in a valid header, or -1 when there is none before a malformed one. */
export const findOption = (view: DataView, at: number, type: number): number =>
  optionList.findOption(view, optionsAt(at), payloadAt(view, at), type);

/** Whether each option of a valid header is well formed, up to the end of the list or of the header. */
export const areOptionsValid = (view: DataView, at: number): boolean =>
  optionList.areOptionsValid(view, optionsAt(at), payloadAt(view, at));

/** The header as a value with its own copy of the options, or null. Cold. */
export function parse(view: DataView, at: number, end: number): Ipv4 | null {
  if (!isValid(view, at, end)) return null;
  return {
    trafficClass: trafficClass(view, at),
    payloadBytes: totalLength(view, at) - headerBytes(view, at),
    identification: identification(view, at),
    flags: flags(view, at),
    fragmentOffset: fragmentOffset(view, at),
    timeToLive: timeToLive(view, at),
    protocol: protocol(view, at),
    source: source(view, at),
    destination: destination(view, at),
    options: optionList.copyOptions(view, optionsAt(at), payloadAt(view, at)),
  };
}

/** Writes every byte of the header, options padded and checksum computed; returns its length in bytes. Cold. */
export function emit(value: Ipv4, view: DataView, at: number): number {
  const bytes = HEADER_BYTES + Math.ceil(value.options.length / 4) * 4;
  encode(
    view,
    at,
    bytes + value.payloadBytes,
    value.trafficClass,
    value.timeToLive,
    value.protocol,
    value.source,
    value.destination,
  );
  view.setUint8(at + VERSION_IHL, (4 << 4) | (bytes / 4));
  setIdentification(view, at, value.identification);
  setFragment(view, at, value.flags, value.fragmentOffset);
  optionList.emitOptions(value.options, view, optionsAt(at), at + bytes);
  fillChecksum(view, at);
  return bytes;
}

/** `IP 192.0.2.1 > 192.0.2.2: TCP, ttl 64, length 40`. Cold; never throws. */
export function format(view: DataView, at: number, end: number): string {
  if (!isValid(view, at, end)) return '[|IP]';
  const addresses = `${formatIpv4(source(view, at))} > ${formatIpv4(destination(view, at))}`;
  const name = formatProtocol(protocol(view, at));
  return `IP ${addresses}: ${name}, ttl ${timeToLive(view, at)}, length ${totalLength(view, at)}`;
}
