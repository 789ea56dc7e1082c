/**
 * The link header of an endpoint: Ethernet, or none. Free functions, so that endpoints and decorators share them.
 *
 * Without a link header the protocol is read from the version nibble of the IP header, as TUN devices require.
 */

import type { LinkAddress } from '../header/address.ts';
import * as address from '../header/address.ts';
import * as ethernet from '../header/ethernet.ts';
import type { PacketBuffer, PacketType } from '../stack/packet-buffer.ts';

/** Protocol of a frame whose first nibble is no IP version. */
export const PROTOCOL_UNKNOWN = 0;

/** Writes an Ethernet header before the packet's network header, from its `egress`; `own` stands for local address 0. */
export function addEthernetHeader(packet: PacketBuffer, own: LinkAddress): void {
  const network = packet.networkOffset < 0 ? packet.start : packet.networkOffset;
  packet.networkOffset = network;
  packet.start = network;
  const at = packet.push(ethernet.HEADER_BYTES);
  packet.linkOffset = at;
  const { localLinkAddress, remoteLinkAddress, protocol } = packet.egress;
  ethernet.encode(packet.view, at, remoteLinkAddress, localLinkAddress === 0 ? own : localLinkAddress, protocol);
}

/**
 * Reads the Ethernet header at `start`.
 * @returns false when the frame is no longer than the header
 */
export function parseEthernetHeader(packet: PacketBuffer): boolean {
  const at = packet.start;
  if (packet.end - at <= ethernet.HEADER_BYTES) return false;
  packet.linkOffset = at;
  packet.networkOffset = at + ethernet.HEADER_BYTES;
  packet.egress.protocol = ethernet.etherType(packet.view, at);
  return true;
}

/**
 * Finds the protocol of a frame without link header by its IP version.
 * @returns false when the frame is empty; an unknown version leaves `egress.protocol` at PROTOCOL_UNKNOWN
 */
export function parseNoHeader(packet: PacketBuffer): boolean {
  const at = packet.start;
  if (packet.end <= at) return false;
  packet.networkOffset = at;
  const version = packet.view.getUint8(at) >> 4;
  packet.egress.protocol =
    version === 4 ? ethernet.ETHERTYPE_IPV4 : version === 6 ? ethernet.ETHERTYPE_IPV6 : PROTOCOL_UNKNOWN;
  return true;
}

/** To whom an Ethernet frame is addressed, seen from the owner of `own` (0: everything unicast is ours). */
export function classify(packet: PacketBuffer, own: LinkAddress): PacketType {
  const destination = ethernet.destination(packet.view, packet.linkOffset);
  if (address.isLinkMulticast(destination)) return address.isLinkBroadcast(destination) ? 'broadcast' : 'multicast';
  return own === 0 || destination === own ? 'host' : 'other-host';
}
