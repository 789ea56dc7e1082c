/**
 * The frames that the generator repeats: real headers, zeros behind them.
 *
 *     | virtio-net header | Ethernet | IPv4 | ICMP echo reply ...        up to 1500 B
 *     | virtio-net header | Ethernet | IPv4 | TCP, checksum and          above: a super-packet, as a kernel with
 *                                             segmentation left open       offloads hands it over
 *
 * An echo reply that nobody asked for is the one packet that an IPv4 stack takes, shows to raw sockets, and says
 * nothing about.
 */

import { parseIpv4 } from '../header/address.ts';
import type { LinkAddress } from '../header/address.ts';
import * as checksum from '../header/checksum.ts';
import * as icmpv4 from '../header/icmpv4.ts';
import { PROTOCOL_ICMPV4, PROTOCOL_TCP } from '../header/protocol.ts';
import { buildIp } from '../header/send-ip.ts';

/** The receiver's host; the generator's is .2. */
export const HOST_IPV4: number = parseIpv4('192.0.2.1');
const GENERATOR_IPV4 = parseIpv4('192.0.2.2');
const GENERATOR_LINK = 0x0200_0000_0002;
/** A station that is nobody: the kernel's own stack throws the frame away at once. */
export const NOBODY_LINK: LinkAddress = 0x0200_0000_0099;

const ETHERNET_BYTES = 14;
const VNET_BYTES = 10;
const HEADROOM = 64;
/** Longest frame that needs no offload, Ethernet header included. */
const MAX_PLAIN_BYTES = 1514;
/** Bytes of a segment of a super-packet. */
const SEGMENT_BYTES = 1448;

/** How a frame looks. */
export interface FrameShape {
  /** Bytes on the fd, Ethernet header included, virtio-net header not. */
  readonly bytes: number;
  readonly hasEthernet: boolean;
  readonly destinationLink?: LinkAddress;
}

/** The first bytes of a frame, from the link header on, as hexadecimal text; zeros follow. */
export function frameHead(shape: FrameShape): string {
  const link = shape.hasEthernet ? ETHERNET_BYTES : 0;
  const isSuper = shape.bytes > MAX_PLAIN_BYTES;
  const bytes = new Uint8Array(HEADROOM + shape.bytes - link);
  const buffer = { bytes, view: new DataView(bytes.buffer), start: HEADROOM + 20, end: bytes.length, base: 0 };
  if (isSuper) writeTcp(buffer.view, buffer.start);
  else
    icmpv4.emit(
      { type: icmpv4.TYPE_ECHO_REPLY, code: 0, checksum: 0, identifier: 1, sequence: 1 },
      buffer.view,
      buffer.start,
    );
  buildIp(
    {
      source: GENERATOR_IPV4,
      destination: HOST_IPV4,
      protocol: isSuper ? PROTOCOL_TCP : PROTOCOL_ICMPV4,
      sourceLinkAddress: GENERATOR_LINK,
      destinationLinkAddress: shape.destinationLink ?? NOBODY_LINK,
    },
    buffer,
  );
  if (isSuper) leaveChecksumOpen(buffer.view, HEADROOM + 20, bytes.length);
  const from = shape.hasEthernet ? buffer.start : HEADROOM;
  return Buffer.from(bytes.subarray(from, HEADROOM + 20 + 20)).toString('hex');
}

/** The virtio-net header before such a frame, as hexadecimal text. */
export function vnetHead(shape: FrameShape): string {
  const header = Buffer.alloc(VNET_BYTES);
  if (shape.bytes <= MAX_PLAIN_BYTES) return header.toString('hex');
  const transportAt = (shape.hasEthernet ? ETHERNET_BYTES : 0) + 20;
  header.writeUInt8(1, 0); // VIRTIO_NET_HDR_F_NEEDS_CSUM
  header.writeUInt8(1, 1); // VIRTIO_NET_HDR_GSO_TCPV4
  header.writeUInt16LE(transportAt + 20, 2);
  header.writeUInt16LE(SEGMENT_BYTES, 4);
  header.writeUInt16LE(transportAt, 6);
  header.writeUInt16LE(16, 8);
  return header.toString('hex');
}

function writeTcp(view: DataView, at: number): void {
  view.setUint16(at, 40_000);
  view.setUint16(at + 2, 80);
  view.setUint8(at + 12, 5 << 4);
  view.setUint8(at + 13, 0x10); // ACK
  view.setUint16(at + 14, 0xffff);
}

/** What NEEDS_CSUM asks for: the folded sum of the pseudo-header, not inverted. */
function leaveChecksumOpen(view: DataView, at: number, end: number): void {
  view.setUint16(at + 16, checksum.fold(checksum.pseudoHeader(GENERATOR_IPV4, HOST_IPV4, PROTOCOL_TCP, end - at)));
}
