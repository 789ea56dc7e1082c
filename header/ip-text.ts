/** IP addresses as text: dotted quads, RFC 4291 section 2.2 in, RFC 5952 out. Cold. */
import { IPV4_BROADCAST, IPV6_ADDRESS_BYTES, isIpv4Mapped, mappedIpv4 } from './ip-address.ts';
import type { IpAddress, Ipv4Address, Ipv6Address } from './ip-address.ts';

const QUAD = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
const GROUP = /^[0-9a-f]{1,4}$/i;
const GROUPS = IPV6_ADDRESS_BYTES / 2;

/**
 * Reads `192.0.2.1`. A number with a leading zero is refused, because some readers take it for octal. Throws a
 * TypeError that quotes the text.
 */
export function parseIpv4(text: string): Ipv4Address {
  const address = readIpv4(text);
  if (address === null) {
    throw new TypeError(`Cannot parse IPv4 address "${text}": four decimal numbers from 0 to 255 are expected`);
  }
  return address;
}

/** Reads the text forms of RFC 4291 section 2.2, without a zone. Throws a TypeError that quotes the text. */
export function parseIpv6(text: string): Ipv6Address {
  const address = readIpv6(text);
  if (address === null) {
    throw new TypeError(`Cannot parse IPv6 address "${text}": the form of RFC 4291, without a zone, is expected`);
  }
  return address;
}

/** Reads an address of either family. Throws a TypeError that quotes the text. */
export function parseIp(text: string): IpAddress {
  const address = readIpv4(text) ?? readIpv6(text);
  if (address === null) {
    throw new TypeError(`Cannot parse IP address "${text}": it is neither an IPv4 nor an IPv6 address`);
  }
  return address;
}

/** `192.0.2.1`. */
export const formatIpv4 = (address: Ipv4Address): string =>
  `${address >>> 24}.${(address >>> 16) & 0xff}.${(address >>> 8) & 0xff}.${address & 0xff}`;

/**
 * The one form of RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups (the first of
 * equals) as `::`, IPv4-mapped addresses with their dotted quad.
 */
export function formatIpv6(address: Ipv6Address): string {
  if (isIpv4Mapped(address)) return `::ffff:${formatIpv4(mappedIpv4(address))}`;
  const groups = Array.from({ length: GROUPS }, (_, i) => (address[i * 2]! << 8) | address[i * 2 + 1]!);
  const run = longestZeroRun(groups);
  const text = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return run.length < 2 ? text(0, GROUPS) : `${text(0, run.start)}::${text(run.start + run.length, GROUPS)}`;
}

/** An address of either family as text. */
export const formatIp = (address: IpAddress): string =>
  typeof address === 'number' ? formatIpv4(address) : formatIpv6(address);

/**
 * Takes an address in any accepted form, checked: a u32, 16 bytes, or text. Throws a TypeError that says what was
 * wrong. Bytes are returned as they are, not copied.
 */
export function toIpAddress(value: IpAddress | string): IpAddress {
  if (typeof value === 'string') return parseIp(value);
  if (typeof value === 'number') {
    if (Number.isInteger(value) && value >= 0 && value <= IPV4_BROADCAST) return value;
    throw new TypeError(`Cannot use ${value} as an IPv4 address: an integer from 0 to 2^32 - 1 is expected`);
  }
  if (value.length === IPV6_ADDRESS_BYTES) return value;
  throw new TypeError(`Cannot use ${value.length} bytes as an IPv6 address: 16 bytes are expected`);
}

function readIpv4(text: string): Ipv4Address | null {
  const match = QUAD.exec(text);
  if (match === null) return null;
  let address = 0;
  for (const digits of match.slice(1)) {
    if (Number(digits) > 255 || (digits.length > 1 && digits.startsWith('0'))) return null;
    address = address * 256 + Number(digits);
  }
  return address;
}

/** `head::tail`, or all eight groups in `head`. "::" stands for at least one group (RFC 4291 section 2.2, 2). */
function readIpv6(text: string): Ipv6Address | null {
  const [head = '', tail, ...more] = text.split('::');
  const first = readGroups(head, tail === undefined);
  const last = readGroups(tail ?? '', true);
  if (first === null || last === null || more.length > 0) return null;
  const missing = GROUPS - first.length - last.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...first, ...new Array<number>(missing).fill(0), ...last];
  return Uint8Array.from(groups.flatMap((group) => [group >>> 8, group & 0xff]));
}

/** Colon-separated groups; where `isLast`, the text may end in a dotted quad, which is two groups. */
function readGroups(text: string, isLast: boolean): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    const quad = isLast && index === parts.length - 1 ? readIpv4(part) : null;
    if (quad !== null) groups.push(quad >>> 16, quad & 0xffff);
    else if (GROUP.test(part)) groups.push(Number.parseInt(part, 16));
    else return null;
  }
  return groups;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
