/**
 * Where a packet's transport header begins and ends, for those who hand its checksum or segmentation to somebody else.
 *
 *      networkOffset         transport                 header end
 *      ├── IPv4, IPv6 ───────┼── TCP, UDP ─────────────┼── payload: what segmentation cuts ──┤
 *      │  and extensions     │            ▲ checksum   │
 *                                         transport + checksum offset
 */

import * as ipv4 from '../header/ipv4.ts';
import * as ipv6 from '../header/ipv6.ts';
import { PROTOCOL_TCP } from '../header/protocol.ts';
import * as tcp from '../header/tcp.ts';
import * as udp from '../header/udp.ts';

/** Bytes from the start of a TCP header to its checksum (RFC 9293 section 3.1). */
export const TCP_CHECKSUM_OFFSET = 16;
/** Bytes from the start of a UDP header to its checksum (RFC 768). */
export const UDP_CHECKSUM_OFFSET = 6;

/** The packet is no whole IP packet, or a fragment: it has no transport header that could be told. */
export const NO_TRANSPORT = -1;

/** An offset and a protocol share one small integer, so that `locateTransport` allocates nothing. */
const OFFSET_SHIFT = 8;
const PROTOCOL_MASK = 0xff;

/**
 * Finds the upper layer of the IP packet in `at .. end`.
 * @returns a number of which `transportOffset` and `transportProtocol` tell the parts, or NO_TRANSPORT
 */
export function locateTransport(view: DataView, at: number, end: number): number {
  if (ipv4.isValid(view, at, end)) {
    if (ipv4.isFragment(view, at)) return NO_TRANSPORT;
    return (ipv4.headerBytes(view, at) << OFFSET_SHIFT) | ipv4.protocol(view, at);
  }
  if (!ipv6.isValid(view, at, end)) return NO_TRANSPORT;
  const found = ipv6.transport(view, at, ipv6.packetEnd(view, at));
  if (found === ipv6.TRANSPORT_MALFORMED || ipv6.isFragment(found)) return NO_TRANSPORT;
  return (ipv6.transportOffset(found) << OFFSET_SHIFT) | ipv6.transportProtocol(found);
}

/** Where the upper layer begins, in bytes from the start of the IP header. */
export const transportOffset = (located: number): number => located >>> OFFSET_SHIFT;
/** Its protocol number. */
export const transportProtocol = (located: number): number => located & PROTOCOL_MASK;

/**
 * Position just behind the TCP (else UDP) header at `at`, options included.
 * @returns -1 when it does not lie in `at .. end`, or is shorter than a TCP header can be
 */
export function transportHeaderEnd(view: DataView, at: number, end: number, protocol: number): number {
  if (protocol === PROTOCOL_TCP) return tcp.isValid(view, at, end) ? tcp.payloadAt(view, at) : -1;
  return end - at >= udp.HEADER_BYTES ? udp.payloadAt(at) : -1;
}
