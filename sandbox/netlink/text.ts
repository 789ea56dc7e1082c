/** Addresses as text on our side and bytes in network order on the kernel's. */

import { NetlinkMessageError } from '../../errors.ts';
import { formatIp, parseIp } from '../../header/ip-text.ts';
import { AF_INET, AF_INET6 } from '../../native/constants.ts';

/** Address families of ip(8). */
export type IpFamily = 'inet' | 'inet6';

/** An address and its family. */
export interface IpBytes {
  readonly family: IpFamily;
  /** 4 or 16. */
  readonly bytes: Uint8Array;
}

/** `192.0.2.1` or `2001:db8::1`. @throws RangeError or TypeError of parseIp */
export function ipBytes(text: string): IpBytes {
  const address = parseIp(text);
  if (typeof address !== 'number') return { family: 'inet6', bytes: address };
  return { family: 'inet', bytes: Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address) };
}

/** Text of an address of 4 or 16 bytes. @throws NetlinkMessageError for another length */
export function ipText(bytes: Uint8Array): string {
  if (bytes.byteLength === 16) return formatIp(bytes);
  if (bytes.byteLength === 4) return bytes.join('.');
  const state = `an IP address has ${bytes.byteLength} bytes; 4 or 16 are required`;
  throw new NetlinkMessageError('Cannot read a netlink message', state);
}

/** `ipText` of what may be missing. */
export const optionalIpText = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined || bytes.byteLength === 0 ? undefined : ipText(bytes);

/** A prefix, or an address with the length of its prefix. */
export interface Prefix extends IpBytes {
  readonly length: number;
}

/** `192.0.2.1/24`; without a length it is the whole address. @throws RangeError */
export function parsePrefix(text: string): Prefix {
  const slash = text.indexOf('/');
  const address = ipBytes(slash < 0 ? text : text.slice(0, slash));
  const most = address.bytes.byteLength * 8;
  const length = slash < 0 ? most : /^\d{1,3}$/.test(text.slice(slash + 1)) ? Number(text.slice(slash + 1)) : -1;
  if (length < 0 || length > most) {
    throw new RangeError(`Cannot parse the prefix "${text}": a length from 0 to ${most} is required behind "/"`);
  }
  return { ...address, length };
}

/** AF_INET or AF_INET6. */
export const familyNumber = (family: IpFamily): number => (family === 'inet' ? AF_INET : AF_INET6);

/** Name of AF_INET or AF_INET6; undefined for others. */
export function familyName(family: number): IpFamily | undefined {
  if (family === AF_INET) return 'inet';
  return family === AF_INET6 ? 'inet6' : undefined;
}

/** `02:00:00:00:00:01`, of any length, as bytes. @throws TypeError */
export function linkAddressBytes(text: string): Uint8Array {
  if (!/^[0-9a-f]{2}(?::[0-9a-f]{2})*$/i.test(text)) {
    throw new TypeError(`Cannot parse the link address "${text}": pairs of hexadecimal digits with ":" are required`);
  }
  return Uint8Array.from(text.split(':'), (pair) => Number.parseInt(pair, 16));
}

/** Text of a link address of any length; undefined for none. */
export function linkAddressText(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined || bytes.byteLength === 0) return undefined;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}
