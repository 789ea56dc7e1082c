/**
 * Addresses of configurations and results: text in, the one form of RFC 5952 out. An IPv4-mapped IPv6 address is the
 * IPv4 address, as it is for the reference.
 */

import { type IpAddress, type IpFamily, ipFamily, isIpv4Mapped, mappedIpv4 } from '../header/ip-address.ts';
import { formatIp, parseIp } from '../header/ip-text.ts';

/** An address and the length of its prefix in bits; host bits may be set. */
export interface Cidr {
  readonly ip: IpAddress;
  readonly prefixLength: number;
}

/** Bits of an address of each family. */
export const ADDRESS_BITS: Readonly<Record<IpFamily, number>> = { 4: 32, 6: 128 };

/** Reads `192.0.2.1`. @throws TypeError `invalid IP address: …` */
export function parseAddress(text: string): IpAddress {
  const ip = readAddress(text);
  if (ip === null) throw new TypeError(`invalid IP address: ${text}`);
  return ip;
}

/** Reads an address; null for anything else. */
export function readAddress(text: string): IpAddress | null {
  try {
    const ip = parseIp(text);
    return isIpv4Mapped(ip) ? mappedIpv4(ip) : ip;
  } catch {
    return null;
  }
}

/** Reads `192.0.2.1/24`; the prefix must be there. @throws TypeError `invalid CIDR address: …` */
export function parseCidr(text: string): Cidr {
  const [, address = '', digits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const ip = readAddress(address);
  const prefixLength = Number(digits);
  if (ip === null || prefixLength > ADDRESS_BITS[ipFamily(ip)]) throw new TypeError(`invalid CIDR address: ${text}`);
  return { ip, prefixLength };
}

/** `192.0.2.1/24`. */
export const formatCidr = ({ ip, prefixLength }: Cidr): string => `${formatIp(ip)}/${prefixLength}`;

/** An address as a number: what ranges count with. */
export function addressNumber(ip: IpAddress): bigint {
  if (typeof ip === 'number') return BigInt(ip);
  return ip.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** The address that a number stands for in a family. */
export function numberAddress(value: bigint, family: IpFamily): IpAddress {
  if (family === 4) return Number(value);
  return Uint8Array.from({ length: 16 }, (_, index) => Number((value >> BigInt(120 - index * 8)) & 0xffn));
}
