/**
 * Ethernet and IP headers put in front of a transport segment, as a user-mode stack sends it, in the headroom of the
 * buffer: nothing is copied.
 *
 *      base              start             end             before
 *      |    headroom     | TCP, UDP, ICMP  |
 *      |     | Eth | IP  | TCP, UDP, ICMP  |
 *            start                         end             after
 *
 * Everything is checked before the first byte is written. IPv4 packets are atomic: DF set, id 0 (RFC 6864 section 4.1).
 */
import * as checksums from './checksum.ts';
import * as ethernet from './ethernet.ts';
import * as icmpv4 from './icmpv4.ts';
import * as icmpv6 from './icmpv6.ts';
import { isIpv4Mapped, mappedIpv4 } from './ip-address.ts';
import type { IpAddress, Ipv4Address } from './ip-address.ts';
import { formatIp, toIpAddress } from './ip-text.ts';
import * as ipv4 from './ipv4.ts';
import * as ipv6 from './ipv6.ts';
import { LINK_BROADCAST, parseLinkAddress } from './link-address.ts';
import type { LinkAddress } from './link-address.ts';
import { PROTOCOL_ICMPV4, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP, formatProtocol } from './protocol.ts';
import * as tcp from './tcp.ts';
import * as udp from './udp.ts';

/** A buffer with room in front of its contents; a PacketBuffer is one. Positions are offsets in `bytes` and `view`. */
export interface HeadroomBuffer {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Where the contents start; `buildIp` moves it down. */
  start: number;
  /** Where they end. */
  end: number;
  /** The lowest value that `start` may have. */
  readonly base: number;
}

/** What `buildIp` puts into the headers. */
export interface SendIpOptions {
  sourceLinkAddress: LinkAddress | string;
  destinationLinkAddress: LinkAddress | string;
  /** A u32, 16 bytes or text. IPv4-mapped addresses stand for their IPv4 address. */
  source: IpAddress | string;
  /** Of the same family as `source`. */
  destination: IpAddress | string;
  /** PROTOCOL_TCP and so on: what the segment is. */
  protocol: number;
  /** TTL or hop limit; 255 by default, which neighbour discovery asks for. */
  hopLimit?: number;
  /** DSCP and ECN; 0 by default. */
  trafficClass?: number;
  /** 20 bits, 0 by default; IPv4 has no such field. */
  flowLabel?: number;
  /** false sends UDP over IPv4 without a checksum; true by default. UDP over IPv6 always has one. */
  udp4Checksum?: boolean;
}

/** The options checked, with defaults and one family. */
interface Plan {
  sourceLink: LinkAddress;
  destinationLink: LinkAddress;
  source: IpAddress;
  destination: IpAddress;
  protocol: number;
  hopLimit: number;
  trafficClass: number;
  flowLabel: number;
  udp4Checksum: boolean;
  /** Bytes of the Ethernet and the IP header. */
  headerBytes: number;
}

/**
 * Puts an Ethernet and an IP header in front of the segment `start .. end` and computes the checksums of IPv4, TCP,
 * UDP, ICMP and ICMPv6; other protocols are left alone. `start` moves down to the Ethernet header. Returns the bytes
 * of the frame.
 *
 * Throws, before anything is written, a TypeError for an address that cannot be read or for mixed families, and a
 * RangeError for a field out of range, a segment shorter than its own header, a packet longer than its length field can
 * tell, or too little headroom.
 */
export function buildIp(options: SendIpOptions, payload: HeadroomBuffer): number {
  const plan = planHeaders(options);
  checkSegment(plan, payload.end - payload.start);
  const headroom = payload.start - payload.base;
  if (headroom < plan.headerBytes) {
    throw new RangeError(`Cannot send with ${headroom} bytes of headroom: the headers need ${plan.headerBytes}`);
  }
  const frameAt = payload.start - plan.headerBytes;
  writeHeaders(plan, payload.view, frameAt, payload.start, payload.end);
  payload.start = frameAt;
  return payload.end - frameAt;
}

/** The same for a segment without headroom: a new frame with a copy of it. Throws what `buildIp` throws. Cold. */
export function buildIpFrame(options: SendIpOptions, payload: Uint8Array): Uint8Array {
  const base = ethernet.HEADER_BYTES + ipv6.HEADER_BYTES;
  const bytes = new Uint8Array(base + payload.length);
  bytes.set(payload, base);
  const buffer = { bytes, view: new DataView(bytes.buffer), start: base, end: bytes.length, base: 0 };
  buildIp(options, buffer);
  return bytes.subarray(buffer.start);
}

function planHeaders(options: SendIpOptions): Plan {
  const { source, destination } = oneFamily(toIpAddress(options.source), toIpAddress(options.destination));
  const ipBytes = typeof source === 'number' ? ipv4.HEADER_BYTES : ipv6.HEADER_BYTES;
  return {
    source,
    destination,
    sourceLink: toLinkAddress(options.sourceLinkAddress),
    destinationLink: toLinkAddress(options.destinationLinkAddress),
    protocol: inRange('protocol', options.protocol, 0xff),
    hopLimit: inRange('hopLimit', options.hopLimit ?? 255, 0xff),
    trafficClass: inRange('trafficClass', options.trafficClass ?? 0, 0xff),
    flowLabel: inRange('flowLabel', options.flowLabel ?? 0, 0xf_ffff),
    udp4Checksum: options.udp4Checksum ?? true,
    headerBytes: ethernet.HEADER_BYTES + ipBytes,
  };
}

/** IPv4-mapped addresses must not appear on the wire (RFC 4291 section 2.5.5.2 gives them to nodes' own use). */
function oneFamily(source: IpAddress, destination: IpAddress): { source: IpAddress; destination: IpAddress } {
  const [from, to] = [unmapped(source), unmapped(destination)];
  if (typeof from === typeof to) return { source: from, destination: to };
  throw new TypeError(
    `Cannot send from "${formatIp(source)}" to "${formatIp(destination)}": the addresses are of different families`,
  );
}

const unmapped = (address: IpAddress): IpAddress => (isIpv4Mapped(address) ? mappedIpv4(address) : address);

const toLinkAddress = (address: LinkAddress | string): LinkAddress =>
  typeof address === 'string' ? parseLinkAddress(address) : inRange('link address', address, LINK_BROADCAST);

function inRange(name: string, value: number, max: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new RangeError(`Cannot send with ${name} ${value}: an integer from 0 to ${max} is expected`);
}

function checkSegment({ source, protocol }: Plan, bytes: number): void {
  const least = headerBytesOf(protocol);
  if (bytes < least) {
    const name = formatProtocol(protocol);
    throw new RangeError(`Cannot send ${bytes} bytes as ${name}: the header alone has ${least}`);
  }
  const limit = typeof source === 'number' ? ipv4.TOTAL_BYTES_MAX - ipv4.HEADER_BYTES : ipv6.PAYLOAD_BYTES_MAX;
  if (bytes > limit) {
    const name = typeof source === 'number' ? 'IPv4' : 'IPv6';
    throw new RangeError(`Cannot send ${bytes} bytes: one ${name} packet carries at most ${limit}`);
  }
}

function headerBytesOf(protocol: number): number {
  if (protocol === PROTOCOL_TCP) return tcp.HEADER_BYTES;
  if (protocol === PROTOCOL_UDP) return udp.HEADER_BYTES;
  if (protocol === PROTOCOL_ICMPV4) return icmpv4.HEADER_BYTES;
  return protocol === PROTOCOL_ICMPV6 ? icmpv6.HEADER_BYTES : 0;
}

function writeHeaders(plan: Plan, view: DataView, frameAt: number, segmentAt: number, end: number): void {
  const { source, destination, protocol, hopLimit, trafficClass, flowLabel } = plan;
  const ipAt = frameAt + ethernet.HEADER_BYTES;
  const bytes = end - segmentAt;
  if (typeof source === 'number') {
    ethernet.encode(view, frameAt, plan.destinationLink, plan.sourceLink, ethernet.ETHERTYPE_IPV4);
    const to = destination as Ipv4Address;
    ipv4.encode(view, ipAt, ipv4.HEADER_BYTES + bytes, trafficClass, hopLimit, protocol, source, to);
    fillChecksum4(view, segmentAt, end, checksums.pseudoHeaderIpv4(view, ipAt, protocol, bytes), plan);
  } else {
    ethernet.encode(view, frameAt, plan.destinationLink, plan.sourceLink, ethernet.ETHERTYPE_IPV6);
    const to = destination as Uint8Array;
    ipv6.encode(view, ipAt, trafficClass, flowLabel, bytes, protocol, hopLimit, source, to);
    fillChecksum6(view, segmentAt, end, checksums.pseudoHeaderIpv6(view, ipAt, protocol, bytes), protocol);
  }
}

function fillChecksum4(view: DataView, at: number, end: number, pseudoHeaderSum: number, plan: Plan): void {
  if (plan.protocol === PROTOCOL_TCP) tcp.fillChecksum(view, at, end, pseudoHeaderSum);
  else if (plan.protocol === PROTOCOL_ICMPV4) icmpv4.fillChecksum(view, at, end);
  else if (plan.protocol !== PROTOCOL_UDP) return;
  else if (plan.udp4Checksum) udp.fillChecksum(view, at, end, pseudoHeaderSum);
  else udp.setChecksum(view, at, udp.NO_CHECKSUM);
}

function fillChecksum6(view: DataView, at: number, end: number, pseudoHeaderSum: number, protocol: number): void {
  if (protocol === PROTOCOL_TCP) tcp.fillChecksum(view, at, end, pseudoHeaderSum);
  else if (protocol === PROTOCOL_UDP) udp.fillChecksum(view, at, end, pseudoHeaderSum);
  else if (protocol === PROTOCOL_ICMPV6) icmpv6.fillChecksum(view, at, end, pseudoHeaderSum);
}
