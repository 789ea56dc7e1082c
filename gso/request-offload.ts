/**
 * What a stack asks of its link: to complete a checksum, to cut a super-packet. And the checksum in software, for a
 * link that completes none.
 *
 *     build IP + TCP or UDP headers ──► requestChecksum(packet)                      one packet
 *                                  └──► requestSegmentation(packet, segmentBytes)    up to `endpoint.gso.maxSize`
 *
 * Both read the headers that are there, so the lengths in them must be final: total length (IPv4) or payload length
 * (IPv6), TCP data offset, UDP length. Of a packet with a Routing header, the destination field is taken for the final
 * destination.
 */

import * as checksum from '../header/checksum.ts';
import * as ipv4 from '../header/ipv4.ts';
import * as ipv6 from '../header/ipv6.ts';
import { PROTOCOL_TCP, PROTOCOL_UDP } from '../header/protocol.ts';
import * as tcp from '../header/tcp.ts';
import {
  locateTransport,
  NO_TRANSPORT,
  TCP_CHECKSUM_OFFSET,
  transportHeaderEnd,
  transportOffset,
  transportProtocol,
  UDP_CHECKSUM_OFFSET,
} from './transport.ts';
import type { OffloadMetadata } from './virtio-net-header.ts';

const SEGMENT_BYTES_MAX = 0xffff;

/** What a UDP checksum that comes out as 0 is sent as, for 0 means "none" (RFC 768); equal in ones' complement. */
const ZERO_CHECKSUM = 0xffff;

/** A packet whose headers are built. `networkOffset` -1 means that they begin at `start`. */
export interface OffloadTarget extends OffloadMetadata {
  /** Position of the transport header; set by the requests. */
  transportOffset: number;
}

/**
 * Asks the link to complete the TCP or UDP checksum: writes the pseudo-header's sum into the field, as the next one
 * expects it, and notes where it is. Allocates nothing.
 * @returns false, and nothing is changed, when the packet is no whole TCP or UDP packet
 */
export function requestChecksum(packet: OffloadTarget): boolean {
  const { view } = packet;
  const at = packet.networkOffset < 0 ? packet.start : packet.networkOffset;
  const located = locateTransport(view, at, packet.end);
  if (located === NO_TRANSPORT) return false;
  const protocol = transportProtocol(located);
  if (protocol !== PROTOCOL_TCP && protocol !== PROTOCOL_UDP) return false;
  const transport = at + transportOffset(located);
  const isIpv4 = ipv4.version(view, at) === 4;
  const end = isIpv4 ? ipv4.packetEnd(view, at) : ipv6.packetEnd(view, at);
  const headerEnd = transportHeaderEnd(view, transport, end, protocol);
  if (headerEnd < 0) return false;
  const pseudoHeader = isIpv4 ? checksum.pseudoHeaderIpv4 : checksum.pseudoHeaderIpv6;
  packet.checksum = 'partial';
  packet.checksumStart = transport;
  packet.checksumOffset = protocol === PROTOCOL_TCP ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET;
  packet.transportOffset = transport;
  packet.headerEnd = headerEnd;
  const partial = checksum.fold(pseudoHeader(view, at, protocol, end - transport));
  view.setUint16(transport + packet.checksumOffset, partial);
  return true;
}

/**
 * Asks the link to cut the payload of a TCP or UDP super-packet into segments of `segmentBytes` (TCP: the MSS), each
 * with a copy of the headers; implies `requestChecksum`. A payload that fits one segment is sent as it is.
 * @returns false, and nothing is changed, when the packet is no whole TCP or UDP packet
 * @throws RangeError when `segmentBytes` is no integer of 1 to 65535
 */
export function requestSegmentation(packet: OffloadTarget, segmentBytes: number): boolean {
  if (!Number.isInteger(segmentBytes) || segmentBytes < 1 || segmentBytes > SEGMENT_BYTES_MAX) {
    throw new RangeError(`Cannot segment a packet: its segments have ${segmentBytes} bytes; 1 to 65535 is required`);
  }
  if (!requestChecksum(packet)) return false;
  const { view } = packet;
  const isTcp = packet.checksumOffset === TCP_CHECKSUM_OFFSET;
  const isIpv4 = ipv4.version(view, packet.networkOffset < 0 ? packet.start : packet.networkOffset) === 4;
  packet.gsoType = isTcp ? (isIpv4 ? 'tcp4' : 'tcp6') : 'udp';
  packet.gsoEcn = isTcp && (tcp.flags(view, packet.transportOffset) & tcp.FLAG_CWR) !== 0;
  packet.gsoSize = segmentBytes;
  return true;
}

/**
 * Completes a partial checksum in software: for a link without TX_CHECKSUM_OFFLOAD, to which a packet is forwarded that
 * came from one that left it partial. No effect on other packets. As skb_checksum_help() of Linux, it sums to the end
 * of the frame, and does not look into segmentation: cut super-packets first.
 *
 * @returns false, and nothing is changed, when the field to complete lies outside the frame
 */
export function completeChecksum(packet: OffloadMetadata): boolean {
  if (packet.checksum !== 'partial') return true;
  const { view, checksumStart } = packet;
  if (checksumStart < packet.start || checksumStart + packet.checksumOffset + 2 > packet.end) return false;
  const sum = checksum.finish(checksum.sum(view, checksumStart, packet.end - checksumStart));
  view.setUint16(checksumStart + packet.checksumOffset, sum === 0 ? ZERO_CHECKSUM : sum);
  packet.checksum = 'none';
  packet.checksumStart = -1;
  packet.checksumOffset = 0;
  return true;
}
