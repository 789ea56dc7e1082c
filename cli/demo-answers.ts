/**
 * Answers to a frame, made of the frame itself: ARP and NDP say where we are, ICMP and UDP send back what came.
 *
 * Every function edits the packet and returns true, or leaves it as it is and returns false. Exchanging addresses and
 * ports moves summands of a checksum about without changing the sum, so a checksum, also one that the link has still to
 * complete, stays right, and a super-packet goes back as a super-packet.
 */

import * as arp from '../header/arp.ts';
import * as checksum from '../header/checksum.ts';
import * as ethernet from '../header/ethernet.ts';
import * as icmpv4 from '../header/icmpv4.ts';
import * as icmpv6 from '../header/icmpv6.ts';
import { copyIpv6, equalIpv6At, setIpv6 } from '../header/ip-address.ts';
import * as ipv4 from '../header/ipv4.ts';
import * as ipv6 from '../header/ipv6.ts';
import * as ndp from '../header/ndp.ts';
import { PROTOCOL_ICMPV4, PROTOCOL_ICMPV6, PROTOCOL_UDP } from '../header/protocol.ts';
import * as udp from '../header/udp.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';
import { ECHO_PORT, type Identity } from './demo-addresses.ts';

/** Bytes of a neighbor advertisement with its target link-layer address option. */
const ADVERTISEMENT_BYTES = 32;

/** Turns the frame into its answer. False: it wants none, or is none of our business. */
export function answerInPlace(protocol: number, packet: PacketBuffer, ours: Identity): boolean {
  if (!answerNetwork(protocol, packet, ours)) return false;
  const { view, linkOffset } = packet;
  if (linkOffset < 0) return true;
  ethernet.setDestination(view, linkOffset, ethernet.source(view, linkOffset));
  ethernet.setSource(view, linkOffset, ours.linkAddress); // what came to a group goes back from us
  return true;
}

function answerNetwork(protocol: number, packet: PacketBuffer, ours: Identity): boolean {
  if (protocol === ethernet.ETHERTYPE_IPV4) return answerIpv4(packet, ours);
  if (protocol === ethernet.ETHERTYPE_IPV6) return answerIpv6(packet, ours);
  return protocol === ethernet.ETHERTYPE_ARP && answerArp(packet, ours);
}

function answerArp({ view, networkOffset, end }: PacketBuffer, ours: Identity): boolean {
  if (!arp.isValid(view, networkOffset, end)) return false;
  if (arp.operation(view, networkOffset) !== arp.OPERATION_REQUEST) return false;
  if (arp.targetAddress(view, networkOffset) !== ours.ipv4) return false;
  arp.replyInPlace(view, networkOffset, ours.linkAddress);
  return true;
}

function answerIpv4({ view, networkOffset: at, end }: PacketBuffer, ours: Identity): boolean {
  if (!ipv4.isValid(view, at, end) || ipv4.isFragment(view, at)) return false;
  if (ipv4.destination(view, at) !== ours.ipv4) return false;
  const transport = ipv4.payloadAt(view, at);
  const packetEnd = ipv4.packetEnd(view, at);
  const protocol = ipv4.protocol(view, at);
  if (protocol === PROTOCOL_UDP) {
    if (!answerUdp(view, transport, packetEnd)) return false;
  } else {
    if (protocol !== PROTOCOL_ICMPV4 || !icmpv4.isValid(view, transport, packetEnd)) return false;
    if (icmpv4.type(view, transport) !== icmpv4.TYPE_ECHO_REQUEST) return false;
    icmpv4.echoReplyInPlace(view, transport);
  }
  ipv4.swapAddresses(view, at);
  return true;
}

function answerIpv6(packet: PacketBuffer, ours: Identity): boolean {
  const { view, networkOffset: at, end } = packet;
  if (!ipv6.isValid(view, at, end)) return false;
  const packetEnd = ipv6.packetEnd(view, at);
  const found = ipv6.transport(view, at, packetEnd);
  if (found === ipv6.TRANSPORT_MALFORMED || ipv6.isFragment(found)) return false;
  const transport = at + ipv6.transportOffset(found);
  const protocol = ipv6.transportProtocol(found);
  if (protocol === PROTOCOL_ICMPV6 && ndp.isValidNeighborSolicitation(view, at, transport, packetEnd)) {
    return advertise(packet, transport, ours);
  }
  if (!equalIpv6At(view, ipv6.destinationAt(at), ours.ipv6)) return false;
  if (protocol === PROTOCOL_UDP) {
    if (!answerUdp(view, transport, packetEnd)) return false;
  } else {
    if (protocol !== PROTOCOL_ICMPV6 || !icmpv6.isValid(view, transport, packetEnd)) return false;
    if (icmpv6.type(view, transport) !== icmpv6.TYPE_ECHO_REQUEST) return false;
    icmpv6.echoReplyInPlace(view, transport);
  }
  ipv6.swapAddresses(view, at);
  return true;
}

function answerUdp(view: DataView, at: number, end: number): boolean {
  if (!udp.isValid(view, at, end) || udp.destinationPort(view, at) !== ECHO_PORT) return false;
  udp.swapPorts(view, at);
  return true;
}

/** A solicitation for us becomes an advertisement, which may be 8 bytes longer. */
function advertise(packet: PacketBuffer, at: number, ours: Identity): boolean {
  const { view, networkOffset } = packet;
  const end = at + ADVERTISEMENT_BYTES;
  if (!equalIpv6At(view, ndp.targetAt(at), ours.ipv6) || end > packet.limit) return false;
  // Duplicate address detection asks from "::": to that there is nobody to answer but all nodes.
  if (view.getInt32(ipv6.sourceAt(networkOffset)) === 0) return false;
  ndp.neighborAdvertisement(view, at, ndp.FLAG_SOLICITED | ndp.FLAG_OVERRIDE, ours.ipv6, ours.linkAddress);
  copyIpv6(view, ipv6.sourceAt(networkOffset), ipv6.destinationAt(networkOffset));
  setIpv6(view, ipv6.sourceAt(networkOffset), ours.ipv6);
  ipv6.setPayloadLength(view, networkOffset, end - networkOffset - ipv6.HEADER_BYTES);
  const pseudoHeader = checksum.pseudoHeaderIpv6(view, networkOffset, PROTOCOL_ICMPV6, ADVERTISEMENT_BYTES);
  icmpv6.fillChecksum(view, at, end, pseudoHeader);
  packet.end = end;
  return true;
}
