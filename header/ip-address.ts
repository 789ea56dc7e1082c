/**
 * IP addresses as values: IPv4 as a number, IPv6 as 16 bytes in network order. The type alone tells the family:
 * `typeof address === 'number'`. An IPv4-mapped address (`::ffff:192.0.2.1`, RFC 4291 section 2.5.5.2) is an
 * IPv6 value.
 *
 *     0                   10            12         16 bytes
 *     |  zero             |  ff   ff    |  IPv4    |            an IPv4-mapped IPv6 address
 */

/** A 32-bit address as an unsigned integer: 192.0.2.1 is 0xc0000201. */
export type Ipv4Address = number;

/** Sixteen bytes in network order. */
export type Ipv6Address = Uint8Array;

/** An address of either family. */
export type IpAddress = Ipv4Address | Ipv6Address;

/** The two families, by version number. */
export type IpFamily = 4 | 6;

/** Bytes of an IPv4 address. */
export const IPV4_ADDRESS_BYTES = 4;
/** Bytes of an IPv6 address. */
export const IPV6_ADDRESS_BYTES = 16;
/** 0.0.0.0, which stands for "this host" (RFC 1122 section 3.2.1.3). */
export const IPV4_ANY: Ipv4Address = 0;
/** 255.255.255.255, the limited broadcast (RFC 919). */
export const IPV4_BROADCAST: Ipv4Address = 0xffff_ffff;

/** `::`, no address (RFC 4291 section 2.5.2). A new value each time, since bytes cannot be frozen. */
export const ipv6Unspecified = (): Ipv6Address => new Uint8Array(IPV6_ADDRESS_BYTES);

/** The 32-bit word `index` (0 .. 3) of an IPv6 address, signed, so that it stays a small integer. */
export function ipv6Word(address: Ipv6Address, index: number): number {
  const at = index * 4;
  return (address[at]! << 24) | (address[at + 1]! << 16) | (address[at + 2]! << 8) | address[at + 3]!;
}

/** A copy of the IPv6 address in the 16 bytes at `at`. Allocates: cold. */
export function getIpv6(view: DataView, at: number): Ipv6Address {
  const address = new Uint8Array(IPV6_ADDRESS_BYTES);
  for (let i = 0; i < IPV6_ADDRESS_BYTES; i++) address[i] = view.getUint8(at + i);
  return address;
}

/** Writes 16 bytes at `at`. */
export function setIpv6(view: DataView, at: number, address: Ipv6Address): void {
  for (let i = 0; i < 4; i++) view.setInt32(at + i * 4, ipv6Word(address, i));
}

/** Copies 16 bytes from `from` to `to` inside one view. */
export function copyIpv6(view: DataView, from: number, to: number): void {
  const a = view.getInt32(from);
  const b = view.getInt32(from + 4);
  const c = view.getInt32(from + 8);
  const d = view.getInt32(from + 12);
  view.setInt32(to, a);
  view.setInt32(to + 4, b);
  view.setInt32(to + 8, c);
  view.setInt32(to + 12, d);
}

/** Whether the 16 bytes at `at` are `address`. */
export const equalIpv6At = (view: DataView, at: number, address: Ipv6Address): boolean =>
  view.getInt32(at + 12) === ipv6Word(address, 3) &&
  view.getInt32(at + 8) === ipv6Word(address, 2) &&
  view.getInt32(at + 4) === ipv6Word(address, 1) &&
  view.getInt32(at) === ipv6Word(address, 0);

/** Whether two addresses are the same value of the same family: 192.0.2.1 is not ::ffff:192.0.2.1. */
export function equalIp(a: IpAddress, b: IpAddress): boolean {
  if (typeof a === 'number' || typeof b === 'number') return a === b;
  for (let i = 0; i < IPV6_ADDRESS_BYTES; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The family of an address. */
export const ipFamily = (address: IpAddress): IpFamily => (typeof address === 'number' ? 4 : 6);

/** 224.0.0.0/4 (RFC 5771). */
export const isIpv4Multicast = (address: Ipv4Address): boolean => address >>> 28 === 0xe;

/** 255.255.255.255; a subnet's own broadcast address cannot be told without its prefix. */
export const isIpv4Broadcast = (address: Ipv4Address): boolean => address === IPV4_BROADCAST;

/** 127.0.0.0/8 (RFC 1122 section 3.2.1.3). */
export const isIpv4Loopback = (address: Ipv4Address): boolean => address >>> 24 === 127;

/** ff00::/8 (RFC 4291 section 2.7). */
export const isIpv6Multicast = (address: Ipv6Address): boolean => address[0] === 0xff;

/** fe80::/10 (RFC 4291 section 2.5.6). */
export const isIpv6LinkLocal = (address: Ipv6Address): boolean => address[0] === 0xfe && (address[1]! & 0xc0) === 0x80;

/** `::` (RFC 4291 section 2.5.2). */
export const isIpv6Unspecified = (address: Ipv6Address): boolean =>
  (ipv6Word(address, 0) | ipv6Word(address, 1) | ipv6Word(address, 2) | ipv6Word(address, 3)) === 0;

/** `::1` (RFC 4291 section 2.5.3). */
export const isIpv6Loopback = (address: Ipv6Address): boolean =>
  (ipv6Word(address, 0) | ipv6Word(address, 1) | ipv6Word(address, 2)) === 0 && ipv6Word(address, 3) === 1;

/** Whether the 16 bytes at `at` are in ff00::/8. */
export const isIpv6MulticastAt = (view: DataView, at: number): boolean => view.getUint8(at) === 0xff;

/** Whether the 16 bytes at `at` are in fe80::/10. */
export const isIpv6LinkLocalAt = (view: DataView, at: number): boolean => (view.getUint16(at) & 0xffc0) === 0xfe80;

/** Whether the 16 bytes at `at` are `::`. */
export const isIpv6UnspecifiedAt = (view: DataView, at: number): boolean =>
  (view.getInt32(at) | view.getInt32(at + 4) | view.getInt32(at + 8) | view.getInt32(at + 12)) === 0;

/** Whether an IPv4 address hides in an IPv6 one: ::ffff:0:0/96 (RFC 4291 section 2.5.5.2). */
export const isIpv4Mapped = (address: IpAddress): address is Ipv6Address =>
  typeof address !== 'number' &&
  (ipv6Word(address, 0) | ipv6Word(address, 1)) === 0 &&
  ipv6Word(address, 2) === 0xffff;

/** The IPv4 address inside an IPv4-mapped one; ask `isIpv4Mapped` first. */
export const mappedIpv4 = (address: Ipv6Address): Ipv4Address => ipv6Word(address, 3) >>> 0;

/** The IPv4-mapped IPv6 address of an IPv4 address. Allocates: cold. */
export function toIpv4Mapped(address: Ipv4Address): Ipv6Address {
  const mapped = new Uint8Array(IPV6_ADDRESS_BYTES);
  mapped.set([0xff, 0xff, address >>> 24, address >>> 16, address >>> 8, address], 10);
  return mapped;
}
