/**
 * IPv6 (RFC 8200 section 3).
 *
 *      0       4              12       16       24          31
 *      |version|traffic class |  flow label                  |
 *      |  payload length               | next   | hop limit  |
 *      |  source address, 16 bytes                           |
 *      |  destination address, 16 bytes                      |
 *
 * What follows is a chain of extension headers and then the upper layer: see ipv6-extension.ts and `transport`.
 */
import { copyIpv6, getIpv6, setIpv6 } from './ip-address.ts';
import type { Ipv6Address } from './ip-address.ts';
import { formatIpv6 } from './ip-text.ts';
import { formatProtocol } from './protocol.ts';

export * from './ipv6-extension.ts';

const VERSION_CLASS_FLOW = 0;
const PAYLOAD_LENGTH = 4;
const NEXT_HEADER = 6;
const HOP_LIMIT = 7;
const SOURCE = 8;
const DESTINATION = 24;

/** Bytes of the fixed header. */
export const HEADER_BYTES = 40;
/** The most that the payload length field tells; jumbograms (RFC 2675) are not spoken. */
export const PAYLOAD_BYTES_MAX = 0xffff;

const CLASS_SHIFT = 20;
const FLOW_MASK = 0xf_ffff;

/** An IPv6 header as a value. */
export interface Ipv6 {
  trafficClass: number;
  flowLabel: number;
  /** Bytes behind the fixed header, extension headers included. */
  payloadBytes: number;
  nextHeader: number;
  hopLimit: number;
  source: Ipv6Address;
  destination: Ipv6Address;
}

/**
 * Whether `at .. end` holds version 6, a whole header and all of the payload length; bytes behind that are the link's
 * padding. The extension headers are not walked.
 */
export const isValid = (view: DataView, at: number, end: number): boolean =>
  end - at >= HEADER_BYTES && version(view, at) === 6 && packetEnd(view, at) <= end;

/** IP version: 6 in a valid header. */
export const version = (view: DataView, at: number): number => view.getUint8(at + VERSION_CLASS_FLOW) >>> 4;
/** Traffic class, 8 bits: DSCP and ECN. */
export const trafficClass = (view: DataView, at: number): number =>
  (view.getUint16(at + VERSION_CLASS_FLOW) >>> 4) & 0xff;
/** Differentiated services code point, 6 bits (RFC 2474). */
export const dscp = (view: DataView, at: number): number => trafficClass(view, at) >>> 2;
/** Explicit congestion notification, 2 bits (RFC 3168). */
export const ecn = (view: DataView, at: number): number => trafficClass(view, at) & 3;
/** Flow label, 20 bits (RFC 6437). */
export const flowLabel = (view: DataView, at: number): number => view.getInt32(at + VERSION_CLASS_FLOW) & FLOW_MASK;
/** Bytes behind the fixed header, extension headers included. */
export const payloadLength = (view: DataView, at: number): number => view.getUint16(at + PAYLOAD_LENGTH);
/** Where the packet ends, in the view. */
export const packetEnd = (view: DataView, at: number): number => at + HEADER_BYTES + payloadLength(view, at);
/** Protocol of the first header behind this one. */
export const nextHeader = (view: DataView, at: number): number => view.getUint8(at + NEXT_HEADER);
/** Hops that are left. */
export const hopLimit = (view: DataView, at: number): number => view.getUint8(at + HOP_LIMIT);
/** Where the source address lies, for `equalIpv6At` and `IpMap.getAt`. */
export const sourceAt = (at: number): number => at + SOURCE;
/** Where the destination address lies, for `equalIpv6At` and `IpMap.getAt`. */
export const destinationAt = (at: number): number => at + DESTINATION;
/** A copy of the source address. Allocates: cold. */
export const source = (view: DataView, at: number): Ipv6Address => getIpv6(view, at + SOURCE);
/** A copy of the destination address. Allocates: cold. */
export const destination = (view: DataView, at: number): Ipv6Address => getIpv6(view, at + DESTINATION);

/** Sets version 6, traffic class and flow label, which share a word. */
export const setClassAndFlow = (view: DataView, at: number, trafficClass: number, flowLabel: number): void =>
  view.setInt32(at + VERSION_CLASS_FLOW, (6 << 28) | ((trafficClass & 0xff) << CLASS_SHIFT) | (flowLabel & FLOW_MASK));
/** Sets the traffic class. */
export const setTrafficClass = (view: DataView, at: number, value: number): void =>
  setClassAndFlow(view, at, value, flowLabel(view, at));
/** Sets the flow label. */
export const setFlowLabel = (view: DataView, at: number, value: number): void =>
  setClassAndFlow(view, at, trafficClass(view, at), value);
/** Sets the payload length; `isValid` has to be asked again. */
export const setPayloadLength = (view: DataView, at: number, bytes: number): void =>
  view.setUint16(at + PAYLOAD_LENGTH, bytes);
/** Sets the protocol of the first header behind this one. */
export const setNextHeader = (view: DataView, at: number, value: number): void =>
  view.setUint8(at + NEXT_HEADER, value);
/** Sets the hops that are left. */
export const setHopLimit = (view: DataView, at: number, value: number): void => view.setUint8(at + HOP_LIMIT, value);
/** Sets the source address. */
export const setSource = (view: DataView, at: number, address: Ipv6Address): void =>
  setIpv6(view, at + SOURCE, address);
/** Sets the destination address. */
export const setDestination = (view: DataView, at: number, address: Ipv6Address): void =>
  setIpv6(view, at + DESTINATION, address);

/** Exchanges source and destination; transport checksums stay right, since a sum has no order. */
export function swapAddresses(view: DataView, at: number): void {
  const a = view.getInt32(at + SOURCE);
  const b = view.getInt32(at + SOURCE + 4);
  const c = view.getInt32(at + SOURCE + 8);
  const d = view.getInt32(at + SOURCE + 12);
  copyIpv6(view, at + DESTINATION, at + SOURCE);
  view.setInt32(at + DESTINATION, a);
  view.setInt32(at + DESTINATION + 4, b);
  view.setInt32(at + DESTINATION + 8, c);
  view.setInt32(at + DESTINATION + 12, d);
}

/** Writes the whole header from primitives and two addresses: the hot form of `emit`. Returns 40. */
export function encode(
  view: DataView,
  at: number,
  trafficClass: number,
  flowLabel: number,
  payloadLength: number,
  nextHeader: number,
  hopLimit: number,
  source: Ipv6Address,
  destination: Ipv6Address,
): number {
  setClassAndFlow(view, at, trafficClass, flowLabel);
  view.setUint16(at + PAYLOAD_LENGTH, payloadLength);
  view.setUint8(at + NEXT_HEADER, nextHeader);
  view.setUint8(at + HOP_LIMIT, hopLimit);
  setIpv6(view, at + SOURCE, source);
  setIpv6(view, at + DESTINATION, destination);
  return HEADER_BYTES;
}

/** The header as a value, or null. Cold. */
export function parse(view: DataView, at: number, end: number): Ipv6 | null {
  if (!isValid(view, at, end)) return null;
  return {
    trafficClass: trafficClass(view, at),
    flowLabel: flowLabel(view, at),
    payloadBytes: payloadLength(view, at),
    nextHeader: nextHeader(view, at),
    hopLimit: hopLimit(view, at),
    source: source(view, at),
    destination: destination(view, at),
  };
}

/** Writes all 40 bytes; returns 40. Cold. */
export const emit = (value: Ipv6, view: DataView, at: number): number =>
  encode(
    view,
    at,
    value.trafficClass,
    value.flowLabel,
    value.payloadBytes,
    value.nextHeader,
    value.hopLimit,
    value.source,
    value.destination,
  );

/** `IP6 2001:db8::1 > 2001:db8::2: TCP, hlim 64, length 20`. Cold; never throws. */
export function format(view: DataView, at: number, end: number): string {
  if (!isValid(view, at, end)) return '[|IP6]';
  const addresses = `${formatIpv6(source(view, at))} > ${formatIpv6(destination(view, at))}`;
  const name = formatProtocol(nextHeader(view, at));
  return `IP6 ${addresses}: ${name}, hlim ${hopLimit(view, at)}, length ${payloadLength(view, at)}`;
}
