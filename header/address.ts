/**
 * Link and IP addresses: the door to link-address, ip-address, ip-text and ip-map, and what needs both kinds at once,
 * the derivation of one from the other.
 *
 * | type          | is                       | example                                   |
 * | ------------- | ------------------------ | ----------------------------------------- |
 * | `LinkAddress` | number, 48 bits          | 0x0200_0000_0001 is 02:00:00:00:00:01     |
 * | `Ipv4Address` | number, 32 bits          | 0xc000_0201 is 192.0.2.1                  |
 * | `Ipv6Address` | Uint8Array of 16 bytes   | network order; never a sub-view of a slot |
 */
import { ipv6Word } from './ip-address.ts';
import type { Ipv4Address, Ipv6Address } from './ip-address.ts';
import type { LinkAddress } from './link-address.ts';

export * from './ip-address.ts';
export * from './ip-map.ts';
export * from './ip-text.ts';
export * from './link-address.ts';

/** 01:00:5e:00:00:00, the block that IPv4 groups map into (RFC 1112 section 6.4). */
const IPV4_GROUP_LINK_BASE = 0x0100_5e00_0000;
/** 33:33:00:00:00:00, the block that IPv6 groups map into (RFC 2464 section 7). */
const IPV6_GROUP_LINK_BASE = 0x3333_0000_0000;
/** The universal/local bit, which the modified EUI-64 format inverts (RFC 4291 appendix A). */
const UNIVERSAL_BIT = 0x02;

/** The link address of an IPv4 group: its low 23 bits behind 01:00:5e (RFC 1112 section 6.4). */
export const ipv4MulticastLinkAddress = (group: Ipv4Address): LinkAddress => IPV4_GROUP_LINK_BASE + (group & 0x7f_ffff);

/** The link address of an IPv6 group: its low 32 bits behind 33:33 (RFC 2464 section 7). */
export const ipv6MulticastLinkAddress = (group: Ipv6Address): LinkAddress =>
  IPV6_GROUP_LINK_BASE + (ipv6Word(group, 3) >>> 0);

/** The link address of the IPv6 group in the 16 bytes at `at`. */
export const ipv6MulticastLinkAddressAt = (view: DataView, at: number): LinkAddress =>
  IPV6_GROUP_LINK_BASE + view.getUint32(at + 12);

/** ff02::1:ffXX:XXXX of an address: the group where its neighbour solicitations go (RFC 4291 section 2.7.1). */
export const solicitedNodeMulticast = (address: Ipv6Address): Ipv6Address =>
  Uint8Array.of(0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, address[13]!, address[14]!, address[15]!);

/** fe80:: with the modified EUI-64 identifier of a link address: ff:fe in the middle (RFC 4291 appendix A). */
export function linkLocalFromLinkAddress(link: LinkAddress): Ipv6Address {
  const upper = Math.floor(link / 0x100_0000);
  const lower = link % 0x100_0000;
  return Uint8Array.of(
    ...[0xfe, 0x80, 0, 0, 0, 0, 0, 0],
    ...[(upper >>> 16) ^ UNIVERSAL_BIT, upper >>> 8, upper, 0xff, 0xfe, lower >>> 16, lower >>> 8, lower],
  );
}
