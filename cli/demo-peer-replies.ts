/** What the scripted peer understands: the answers to its own questions. Cold: values are made. */

import { equalIpv6At, type LinkAddress } from '../header/address.ts';
import * as arp from '../header/arp.ts';
import * as checksum from '../header/checksum.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../header/ethernet.ts';
import * as icmpv4 from '../header/icmpv4.ts';
import * as icmpv6 from '../header/icmpv6.ts';
import * as ipv4 from '../header/ipv4.ts';
import * as ipv6 from '../header/ipv6.ts';
import * as ndp from '../header/ndp.ts';
import { PROTOCOL_ICMPV4, PROTOCOL_ICMPV6, PROTOCOL_UDP } from '../header/protocol.ts';
import * as udp from '../header/udp.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';
import { ECHO_PORT, OURS } from './demo-addresses.ts';

/** An answer: to ARP or NDP, to an echo request, or an echoed datagram, its payload at `at .. end`. */
export type Reply =
  | { readonly kind: 'link-address'; readonly linkAddress: LinkAddress }
  | { readonly kind: 'echo'; readonly sequence: number }
  | { readonly kind: 'datagram'; readonly at: number; readonly end: number };

/** Reads an answer of ours whose checksums are right; null for anything else. */
export function readReply(protocol: number, packet: PacketBuffer): Reply | null {
  if (protocol === ETHERTYPE_ARP) return readArp(packet);
  if (protocol === ETHERTYPE_IPV4) return readIpv4(packet);
  return protocol === ETHERTYPE_IPV6 ? readIpv6(packet) : null;
}

function readArp({ view, networkOffset: at, end }: PacketBuffer): Reply | null {
  if (!arp.isValid(view, at, end) || arp.operation(view, at) !== arp.OPERATION_REPLY) return null;
  if (arp.senderAddress(view, at) !== OURS.ipv4) return null;
  return { kind: 'link-address', linkAddress: arp.senderLinkAddress(view, at) };
}

function readIpv4(packet: PacketBuffer): Reply | null {
  const { view, networkOffset: at, end } = packet;
  if (!ipv4.isValid(view, at, end) || !ipv4.isChecksumValid(view, at)) return null;
  if (ipv4.source(view, at) !== OURS.ipv4) return null;
  const transport = ipv4.payloadAt(view, at);
  const packetEnd = ipv4.packetEnd(view, at);
  const protocol = ipv4.protocol(view, at);
  const pseudoHeader = checksum.pseudoHeaderIpv4(view, at, protocol, packetEnd - transport);
  if (protocol === PROTOCOL_UDP) return readUdp(packet, transport, packetEnd, pseudoHeader);
  if (protocol !== PROTOCOL_ICMPV4 || !icmpv4.isValid(view, transport, packetEnd)) return null;
  const isReply = icmpv4.type(view, transport) === icmpv4.TYPE_ECHO_REPLY;
  if (!isReply || !icmpv4.isChecksumValid(view, transport, packetEnd)) return null;
  return { kind: 'echo', sequence: icmpv4.sequence(view, transport) };
}

function readIpv6(packet: PacketBuffer): Reply | null {
  const { view, networkOffset: at, end } = packet;
  if (!ipv6.isValid(view, at, end) || !equalIpv6At(view, ipv6.sourceAt(at), OURS.ipv6)) return null;
  const transport = at + ipv6.HEADER_BYTES;
  const packetEnd = ipv6.packetEnd(view, at);
  const protocol = ipv6.nextHeader(view, at);
  const pseudoHeader = checksum.pseudoHeaderIpv6(view, at, protocol, packetEnd - transport);
  if (protocol === PROTOCOL_UDP) return readUdp(packet, transport, packetEnd, pseudoHeader);
  if (protocol !== PROTOCOL_ICMPV6 || !icmpv6.isValid(view, transport, packetEnd)) return null;
  if (!icmpv6.isChecksumValid(view, transport, packetEnd, pseudoHeader)) return null;
  if (ndp.isValidNeighborAdvertisement(view, at, transport, packetEnd)) {
    return { kind: 'link-address', linkAddress: ndp.targetLinkAddress(view, transport, packetEnd) };
  }
  if (icmpv6.type(view, transport) !== icmpv6.TYPE_ECHO_REPLY) return null;
  return { kind: 'echo', sequence: icmpv6.sequence(view, transport) };
}

/** A partial checksum is the sender's promise: there is nothing to verify yet. */
function readUdp(packet: PacketBuffer, at: number, end: number, pseudoHeader: number): Reply | null {
  const { view } = packet;
  if (!udp.isValid(view, at, end) || udp.sourcePort(view, at) !== ECHO_PORT) return null;
  if (packet.checksum !== 'partial' && !udp.isChecksumValid(view, at, end, pseudoHeader)) return null;
  return { kind: 'datagram', at: udp.payloadAt(at), end: udp.datagramEnd(view, at) };
}
