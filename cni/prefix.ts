/** What follows from an address with its prefix, `192.0.2.5/24`: network, first host, overlap with another. */

import { formatIp } from '../header/ip-text.ts';
import { ADDRESS_BITS, addressNumber, type Cidr, formatCidr, numberAddress } from './addresses.ts';

/** Whether the address is of IPv4. */
export const isIpv4 = ({ ip }: Cidr): boolean => typeof ip === 'number';

/** 4 or 6. */
export const familyOf = (cidr: Cidr): 4 | 6 => (isIpv4(cidr) ? 4 : 6);

/** `192.0.2.5` */
export const hostText = ({ ip }: Cidr): string => formatIp(ip);

/** 192.0.2.0/24 of 192.0.2.5/24. */
export const networkOf = (cidr: Cidr): Cidr => networkAt(cidr, cidr.prefixLength);

/** `192.0.2.0/24` of 192.0.2.5/24. */
export const networkText = (cidr: Cidr): string => formatCidr(networkOf(cidr));

/** The address after the first one of the prefix, where a gateway is that nobody has said anything about. */
export const firstHost = (cidr: Cidr): string =>
  formatIp(numberAddress(addressNumber(networkOf(cidr).ip) + 1n, familyOf(cidr)));

/** Its mask as Go prints one: `ffffff00`. */
export function maskText(cidr: Cidr): string {
  const bits = ADDRESS_BITS[familyOf(cidr)];
  const mask = ((1n << BigInt(bits)) - 1n) ^ ((1n << BigInt(bits - cidr.prefixLength)) - 1n);
  return mask.toString(16).padStart(bits / 4, '0');
}

/** Whether one prefix is in the other. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  if (isIpv4(a) !== isIpv4(b)) return false;
  const length = Math.min(a.prefixLength, b.prefixLength);
  return formatCidr(networkAt(a, length)) === formatCidr(networkAt(b, length));
}

/** The destination of the route to everything. */
export const defaultDestination = (family: 4 | 6): string => (family === 4 ? '0.0.0.0/0' : '::/0');

function networkAt(cidr: Cidr, prefixLength: number): Cidr {
  const family = familyOf(cidr);
  const hostBits = BigInt(ADDRESS_BITS[family] - prefixLength);
  return { ip: numberAddress((addressNumber(cidr.ip) >> hostBits) << hostBits, family), prefixLength };
}
