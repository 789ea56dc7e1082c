/**
 * What an announcement says, as bytes: the payload of the link header for IPv4, of the IPv6 header for IPv6.
 *
 *     IPv4   ARP, 28 bytes (RFC 826):        ethernet │ 1 0800 6 4 op │ mac │ ip │ tha │ ip
 *     IPv6   ICMPv6, 32 bytes (RFC 4861):    ethernet │ ipv6 │ 136 0 checksum │ 20000000 │ ip │ 2 1 mac
 */

import { formatIp, isIpv4Mapped, mappedIpv4, parseIp, toIpAddress } from '../header/address.ts';
import type { IpAddress, Ipv4Address, Ipv6Address, LinkAddress } from '../header/address.ts';
import {
  IPV4_ANY,
  IPV4_BROADCAST,
  isIpv4Multicast,
  isIpv6Multicast,
  isIpv6Unspecified,
} from '../header/ip-address.ts';
import * as arp from '../header/arp.ts';
import * as ndp from '../header/ndp.ts';
import { InvalidOptionError } from '../errors.ts';

/** 24 bytes of a neighbour advertisement, and 8 of its option. */
const ADVERTISEMENT_BYTES = 32;

/**
 * Form of a gratuitous ARP packet. `request`: what RFC 5227 section 3 recommends, its target link address
 * ff:ff:ff:ff:ff:ff as announcers of virtual functions write it. `reply`: for hosts that learn from replies only; its
 * target link address is the sender's own (RFC 5944 section 4.6), without which Linux takes it for no announcement.
 */
export type GratuitousArpForm = 'request' | 'reply';

/** The 28 bytes by which the station with `linkAddress` announces its IPv4 address. */
export function buildGratuitousArp(
  linkAddress: LinkAddress,
  address: Ipv4Address,
  form: GratuitousArpForm = 'request',
): Uint8Array {
  const bytes = new Uint8Array(arp.HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  if (form === 'request') arp.gratuitous(view, 0, linkAddress, address);
  else arp.reply(view, 0, linkAddress, address, linkAddress, address);
  return bytes;
}

/**
 * The 32 bytes by which the station with `linkAddress` announces its IPv6 address: flags override only, option target
 * link-layer address. The checksum is 0: the kernel fills it on a raw ICMPv6 socket (RFC 3542 section 3.1).
 */
export function buildUnsolicitedAdvertisement(linkAddress: LinkAddress, address: Ipv6Address): Uint8Array {
  const bytes = new Uint8Array(ADVERTISEMENT_BYTES);
  ndp.unsolicitedAdvertisement(new DataView(bytes.buffer), 0, address, linkAddress);
  return bytes;
}

/**
 * An address to announce: text, with or without a prefix length, or a number or bytes. An IPv4-mapped IPv6 address is
 * the IPv4 address in it.
 * @throws InvalidOptionError when the text is no address, or the address is that of no single station; TypeError when a
 * number or bytes are no address
 */
export function announcedAddress(value: IpAddress | string): IpAddress {
  const address = typeof value === 'string' ? parseAddress(value) : toIpAddress(value);
  const plain = isIpv4Mapped(address) ? mappedIpv4(address) : address;
  if (isUnicast(plain)) return plain;
  throw new InvalidOptionError(`Cannot announce ${formatIp(plain)}: it is the address of no single station`);
}

function parseAddress(text: string): IpAddress {
  const [address = '', prefix, ...more] = text.split('/');
  try {
    const parsed = parseIp(address);
    const longest = typeof parsed === 'number' ? 32 : 128;
    const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= longest);
    if (isPrefix && more.length === 0) return parsed;
  } catch {
    // What it is not is said below, with the whole text.
  }
  throw new InvalidOptionError(`Cannot announce "${text}": it is neither an IPv4 nor an IPv6 address`);
}

function isUnicast(address: IpAddress): boolean {
  if (typeof address !== 'number') return !isIpv6Unspecified(address) && !isIpv6Multicast(address);
  return address !== IPV4_ANY && address !== IPV4_BROADCAST && !isIpv4Multicast(address);
}
