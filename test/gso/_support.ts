/** Packets with real headers, built by hand, for the offload tests. */

import * as ipv4 from '../../header/ipv4.ts';
import * as ipv6 from '../../header/ipv6.ts';
import { PROTOCOL_TCP, PROTOCOL_UDP } from '../../header/protocol.ts';
import * as tcp from '../../header/tcp.ts';
import * as udp from '../../header/udp.ts';
import { Arena, HEADROOM_BYTES, type PacketBuffer, PacketPool } from '../../stack/index.ts';

const OWN_IPV6 = Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const PEER_IPV6 = Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
const OWN_IPV4 = 0xc000_0201;
const PEER_IPV4 = 0xc000_0202;
const LENGTH_MAX = 0xffff;

/** What to build. */
export interface Shape {
  readonly family: 4 | 6;
  readonly transport: 'tcp' | 'udp';
  readonly payloadBytes: number;
  /** Bytes of the link header before the network header; 14 for Ethernet. */
  readonly linkBytes?: 0 | 14;
  /** Bytes of TCP options, a multiple of 4. */
  readonly optionBytes?: number;
  readonly tcpFlags?: number;
}

/** A packet of this shape, `start` at its link header where it has one; its payload is 0x5a throughout, checksums 0. */
export function buildPacket(shape: Shape): PacketBuffer {
  const { family, payloadBytes, linkBytes = 14 } = shape;
  const networkHeader = family === 4 ? ipv4.HEADER_BYTES : ipv6.HEADER_BYTES;
  const transportHeader = headerBytesOf(shape);
  const total = linkBytes + networkHeader + transportHeader + payloadBytes;
  const packet = new PacketPool(new Arena(1, total)).at(0);
  packet.repoint(packet.base + HEADROOM_BYTES, packet.base + HEADROOM_BYTES + total);
  packet.bytes.fill(0x5a, packet.start, packet.end);
  if (linkBytes > 0) packet.linkOffset = packet.start;
  packet.networkOffset = packet.start + linkBytes;
  writeNetwork(packet, shape, transportHeader + payloadBytes);
  writeTransport(packet, shape, packet.networkOffset + networkHeader, transportHeader);
  return packet;
}

function headerBytesOf({ transport, optionBytes = 0 }: Shape): number {
  return transport === 'tcp' ? tcp.HEADER_BYTES + optionBytes : udp.HEADER_BYTES;
}

/** A length beyond 65,535 is written as 0, as in a jumbogram (and in BIG TCP's IPv4 packets). */
function writeNetwork(packet: PacketBuffer, { family, transport }: Shape, transportBytes: number): void {
  const { view, networkOffset } = packet;
  const protocol = transport === 'tcp' ? PROTOCOL_TCP : PROTOCOL_UDP;
  const fit = (bytes: number): number => (bytes > LENGTH_MAX ? 0 : bytes);
  if (family === 6) {
    const lengths = { flowLabel: 0, payloadBytes: fit(transportBytes), nextHeader: protocol, hopLimit: 64 };
    ipv6.emit({ trafficClass: 0, ...lengths, source: OWN_IPV6, destination: PEER_IPV6 }, view, networkOffset);
    return;
  }
  const totalBytes = fit(ipv4.HEADER_BYTES + transportBytes);
  ipv4.encode(view, networkOffset, totalBytes, 0, 64, protocol, OWN_IPV4, PEER_IPV4);
}

function writeTransport(packet: PacketBuffer, shape: Shape, at: number, headerBytes: number): void {
  const { view, end } = packet;
  packet.bytes.fill(0, at, at + headerBytes);
  view.setUint16(at, 1234);
  view.setUint16(at + 2, 80);
  if (shape.transport === 'udp') return udp.setLength(view, at, end - at > LENGTH_MAX ? 0 : end - at);
  tcp.setHeaderBytes(view, at, headerBytes);
  tcp.setFlags(view, at, shape.tcpFlags ?? tcp.FLAG_ACK);
}

/** Position of the transport header of a packet of `buildPacket`. */
export const transportAt = (packet: PacketBuffer, { family }: Shape): number =>
  packet.networkOffset + (family === 4 ? ipv4.HEADER_BYTES : ipv6.HEADER_BYTES);

/** Position behind the headers of a packet of `buildPacket`. */
export const payloadAt = (packet: PacketBuffer, shape: Shape): number =>
  transportAt(packet, shape) + headerBytesOf(shape);
