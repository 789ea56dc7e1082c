/**
 * Packet builders for tests: whole, valid packets, checksums included, from as little as a test wants to say.
 *
 *     ethernetFrame(ipv4Udp({ payload: [1, 2, 3] }))                     // from and to documentation addresses
 *     ethernetFrame(arpRequest({ targetAddress: '192.0.2.7' }))          // broadcast, EtherType found by itself
 *
 * Addresses are values or text. What is not said comes from TEST_ADDRESSES (RFC 5737, RFC 3849, RFC 7042).
 */

import {
  type IpAddress,
  type Ipv4Address,
  LINK_BROADCAST,
  type LinkAddress,
  parseIpv4,
  parseLinkAddress,
  toIpAddress,
} from '../header/address.ts';
import * as arp from '../header/arp.ts';
import * as ethernet from '../header/ethernet.ts';
import * as icmpv4 from '../header/icmpv4.ts';
import * as icmpv6 from '../header/icmpv6.ts';
import { PROTOCOL_ICMPV4, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP } from '../header/protocol.ts';
import { buildIpFrame } from '../header/send-ip.ts';
import * as tcp from '../header/tcp.ts';
import * as udp from '../header/udp.ts';
import { HEADROOM_BYTES } from '../stack/arena.ts';
import { PacketBuffer } from '../stack/packet-buffer.ts';

/** Addresses of documentation, used where a builder is told none. `local` sends by default, `remote` receives. */
export const TEST_ADDRESSES = {
  localLinkAddress: 0x0000_5e00_5301,
  remoteLinkAddress: 0x0000_5e00_5302,
  localIpv4: '192.0.2.1',
  remoteIpv4: '192.0.2.2',
  localIpv6: '2001:db8::1',
  remoteIpv6: '2001:db8::2',
} as const;

/** Bytes of a payload: as bytes, or as numbers of 0 to 255. */
export type PayloadBytes = Uint8Array | readonly number[];

/** Where an IP packet comes from and goes to. */
export interface IpOptions {
  readonly source?: IpAddress | string;
  readonly destination?: IpAddress | string;
  /** TTL or hop limit. Default 64. */
  readonly hopLimit?: number;
}

/** A UDP datagram. */
export interface UdpOptions extends IpOptions {
  /** Default 1234. */
  readonly sourcePort?: number;
  /** Default 7, echo. */
  readonly destinationPort?: number;
  /** Default empty. */
  readonly payload?: PayloadBytes;
}

/** A TCP segment. */
export interface TcpOptions extends UdpOptions {
  readonly sequence?: number;
  readonly acknowledgment?: number;
  /** `tcp.FLAG_*`; default ACK. */
  readonly flags?: number;
  /** Default 65535. */
  readonly window?: number;
}

/** An ICMP echo message. */
export interface EchoOptions extends IpOptions {
  /** A reply instead of a request. */
  readonly isReply?: boolean;
  readonly identifier?: number;
  readonly sequence?: number;
  readonly payload?: PayloadBytes;
}

/** An Ethernet header. */
export interface FrameOptions {
  readonly source?: LinkAddress | string;
  readonly destination?: LinkAddress | string;
  /** Default: that of the payload, by its IP version or because it is ARP. */
  readonly etherType?: number;
}

/** An ARP request for an IPv4 address. */
export interface ArpOptions {
  readonly senderLinkAddress?: LinkAddress | string;
  readonly senderAddress?: Ipv4Address | string;
  readonly targetAddress?: Ipv4Address | string;
}

/** `byteCount` bytes that count from `first` up, modulo 251, so that shifted or lost bytes are seen. */
export function patternBytes(byteCount: number, first = 1): Uint8Array {
  return Uint8Array.from({ length: byteCount }, (_, index) => (first + index) % 251);
}

/** Puts an Ethernet header before a network packet. ARP requests go to everybody by default. */
export function ethernetFrame(payload: Uint8Array, options: FrameOptions = {}): Uint8Array {
  const etherType = options.etherType ?? etherTypeOf(payload);
  const toAll = etherType === ethernet.ETHERTYPE_ARP ? LINK_BROADCAST : TEST_ADDRESSES.remoteLinkAddress;
  const frame = new Uint8Array(ethernet.HEADER_BYTES + payload.length);
  const source = toLinkAddress(options.source ?? TEST_ADDRESSES.localLinkAddress);
  const destination = toLinkAddress(options.destination ?? toAll);
  ethernet.emit({ destination, source, etherType }, viewOf(frame), 0);
  frame.set(payload, ethernet.HEADER_BYTES);
  return frame;
}

/** "Who has the target address?": 28 bytes. */
export function arpRequest(options: ArpOptions = {}): Uint8Array {
  const packet = new Uint8Array(arp.HEADER_BYTES);
  const senderLink = toLinkAddress(options.senderLinkAddress ?? TEST_ADDRESSES.localLinkAddress);
  const sender = toIpv4(options.senderAddress ?? TEST_ADDRESSES.localIpv4);
  arp.request(viewOf(packet), 0, senderLink, sender, toIpv4(options.targetAddress ?? TEST_ADDRESSES.remoteIpv4));
  return packet;
}

/** A UDP datagram in an IPv4 packet. */
export function ipv4Udp(options: UdpOptions = {}): Uint8Array {
  return ipPacket(options, PROTOCOL_UDP, udpDatagram(options), 4);
}

/** A UDP datagram in an IPv6 packet. */
export function ipv6Udp(options: UdpOptions = {}): Uint8Array {
  return ipPacket(options, PROTOCOL_UDP, udpDatagram(options), 6);
}

/** A TCP segment in an IPv4 packet, or an IPv6 one if an address is. */
export function tcpSegment(options: TcpOptions = {}): Uint8Array {
  const payload = Uint8Array.from(options.payload ?? []);
  const segment = new Uint8Array(tcp.HEADER_BYTES + payload.length);
  tcp.emit(tcpHeader(options), viewOf(segment), 0);
  segment.set(payload, tcp.HEADER_BYTES);
  return ipPacket(options, PROTOCOL_TCP, segment, familyOf(options));
}

/** An ICMP echo request or reply in an IPv4 packet. */
export function icmpEcho(options: EchoOptions = {}): Uint8Array {
  const type = options.isReply === true ? icmpv4.TYPE_ECHO_REPLY : icmpv4.TYPE_ECHO_REQUEST;
  return ipPacket(options, PROTOCOL_ICMPV4, echoMessage(type, options), 4);
}

/** An ICMPv6 echo request or reply in an IPv6 packet. */
export function icmpv6Echo(options: EchoOptions = {}): Uint8Array {
  const type = options.isReply === true ? icmpv6.TYPE_ECHO_REPLY : icmpv6.TYPE_ECHO_REQUEST;
  return ipPacket(options, PROTOCOL_ICMPV6, echoMessage(type, options), 6);
}

/**
 * A packet of `bytes` in private memory, with the whole headroom, owned by nobody: to write, to inject.
 * @param linkHeaderBytes how many of `bytes` are link header; the rest begins with the network header
 */
export function packetFrom(bytes: Uint8Array, linkHeaderBytes = 0): PacketBuffer {
  const memory = new Uint8Array(HEADROOM_BYTES + bytes.length);
  const packet = new PacketBuffer({ bytes: memory, view: viewOf(memory), address: 0 }, 0, 0, memory.length);
  packet.fill(bytes);
  if (linkHeaderBytes > 0) packet.linkOffset = packet.start;
  packet.networkOffset = packet.start + linkHeaderBytes;
  packet.egress.protocol = etherTypeOf(bytes.subarray(linkHeaderBytes));
  return packet;
}

function ipPacket(options: IpOptions, protocol: number, transport: Uint8Array, family: 4 | 6): Uint8Array {
  const { localLinkAddress, remoteLinkAddress } = TEST_ADDRESSES;
  const [source, destination] = addressesOf(options, family);
  const links = { sourceLinkAddress: localLinkAddress, destinationLinkAddress: remoteLinkAddress };
  const frame = buildIpFrame({ ...links, source, destination, protocol, hopLimit: options.hopLimit ?? 64 }, transport);
  return frame.slice(ethernet.HEADER_BYTES);
}

function addressesOf(options: IpOptions, family: 4 | 6): [IpAddress | string, IpAddress | string] {
  const { localIpv4, remoteIpv4, localIpv6, remoteIpv6 } = TEST_ADDRESSES;
  const [local, remote] = family === 4 ? [localIpv4, remoteIpv4] : [localIpv6, remoteIpv6];
  return [options.source ?? local, options.destination ?? remote];
}

function familyOf({ source, destination }: IpOptions): 4 | 6 {
  const address = source ?? destination;
  return address === undefined || typeof toIpAddress(address) === 'number' ? 4 : 6;
}

function udpDatagram(options: UdpOptions): Uint8Array {
  const payload = Uint8Array.from(options.payload ?? []);
  const datagram = new Uint8Array(udp.HEADER_BYTES + payload.length);
  udp.encode(viewOf(datagram), 0, options.sourcePort ?? 1234, options.destinationPort ?? 7, payload.length);
  datagram.set(payload, udp.HEADER_BYTES);
  return datagram;
}

function tcpHeader(options: TcpOptions): tcp.Tcp {
  return {
    sourcePort: options.sourcePort ?? 1234,
    destinationPort: options.destinationPort ?? 7,
    sequence: options.sequence ?? 1,
    acknowledgment: options.acknowledgment ?? 1,
    flags: options.flags ?? tcp.FLAG_ACK,
    window: options.window ?? 0xffff,
    checksum: 0,
    urgentPointer: 0,
    options: new Uint8Array(0),
  };
}

/** ICMP and ICMPv6 echo messages have the same layout (RFC 792, RFC 4443 section 4). */
function echoMessage(type: number, options: EchoOptions): Uint8Array {
  const payload = Uint8Array.from(options.payload ?? []);
  const message = new Uint8Array(icmpv4.HEADER_BYTES + payload.length);
  const { identifier = 1, sequence = 1 } = options;
  icmpv4.emit({ type, code: 0, checksum: 0, identifier, sequence }, viewOf(message), 0);
  message.set(payload, icmpv4.HEADER_BYTES);
  return message;
}

function etherTypeOf(packet: Uint8Array): number {
  const version = (packet[0] ?? 0) >> 4;
  if (version === 4) return ethernet.ETHERTYPE_IPV4;
  if (version === 6) return ethernet.ETHERTYPE_IPV6;
  return arp.isValid(viewOf(packet), 0, packet.length) ? ethernet.ETHERTYPE_ARP : 0;
}

const toLinkAddress = (address: LinkAddress | string): LinkAddress =>
  typeof address === 'string' ? parseLinkAddress(address) : address;

const toIpv4 = (address: Ipv4Address | string): Ipv4Address =>
  typeof address === 'string' ? parseIpv4(address) : address;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
