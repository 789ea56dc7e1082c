/**
 * Ranges of addresses, and sets of them that one address is taken from.
 *
 *     subnet  ├ network ┬ .1 gateway ┬──── start … end ────┬ broadcast ┤     192.0.2.0/24: start .1, end .254
 *
 * Without `rangeStart` and `rangeEnd` the network's own address and, of IPv4, the broadcast address are left out. The
 * gateway may be in the range, and is never given away; it may also be outside the subnet. Texts are the reference's.
 */

import type { IpFamily } from '../../header/ip-address.ts';
import { ADDRESS_BITS, parseAddress, parseCidr } from '../addresses.ts';
import { type JsonObject, stringAt, valueAt } from '../json.ts';
import { type Address, addressText, toAddress } from './address.ts';

/** A range with all defaults filled in. */
export interface Range {
  readonly family: IpFamily;
  /** Length of the subnet's prefix in bits. */
  readonly prefixLength: number;
  /** First address that is given away. */
  readonly start: bigint;
  /** Last address that is given away. */
  readonly end: bigint;
  readonly gateway: Address;
}

/** Ranges of one family that do not overlap; the container gets one address of the set. */
export type RangeSet = readonly Range[];

/**
 * Reads `{ subnet, rangeStart, rangeEnd, gateway }` and fills in what is missing.
 *
 * @throws TypeError on what is no address; Error on a subnet that is too small or no network address, and on
 *   addresses outside it
 */
export function parseRange(value: JsonObject): Range {
  const text = stringAt(value, 'subnet');
  const [startAddress, endAddress, gatewayAddress] = ['rangeStart', 'rangeEnd', 'gateway'].map((key) =>
    addressAt(value, key),
  );
  if (text === undefined && valueAt(value, 'subnet') !== null) throw new Error('IP <nil> not v4 nor v6');
  const { ip, prefixLength } = parseCidr(text ?? '');
  const { family, value: network } = toAddress(ip);
  const last = lastOfSubnet({ family, value: network }, prefixLength);
  const inSubnet = (name: string, address: Address, isIn: (value: bigint) => boolean): bigint => {
    const isInSubnet = address.family === family && address.value >= network && address.value <= last;
    if (isInSubnet && isIn(address.value)) return address.value;
    throw new Error(
      `${name} ${addressText(address)} not in network ${addressText({ family, value: network })}/${prefixLength}`,
    );
  };
  const gateway = gatewayAddress ?? { family, value: network + 1n };
  const end = endAddress ?? { family, value: family === 4 ? last - 1n : last };
  const start =
    startAddress === undefined ? network + 1n : inSubnet('RangeStart', startAddress, (value) => value <= end.value);
  return { family, prefixLength, start, end: inSubnet('RangeEnd', end, (value) => value >= start), gateway };
}

/** Whether the range gives this address away, its gateway included. */
export const rangeContains = (range: Range, { value, family }: Address): boolean =>
  family === range.family && value >= range.start && value <= range.end;

/** Whether two ranges have an address in common. */
export const rangesOverlap = (a: Range, b: Range): boolean =>
  a.family === b.family && a.start <= b.end && b.start <= a.end;

/** `192.0.2.1-192.0.2.254`. */
export const rangeText = ({ family, start, end }: Range): string =>
  `${addressText({ family, value: start })}-${addressText({ family, value: end })}`;

/** Reads the ranges of a set. @throws as {@link parseRange}; Error on an empty set, mixed families, an overlap */
export function parseRangeSet(values: readonly JsonObject[]): RangeSet {
  const set: Range[] = [];
  for (const value of values) {
    const range = parseRange(value);
    if (range.family !== (set[0] ?? range).family) throw new Error('mixed address families');
    set.push(range);
  }
  if (set.length === 0) throw new Error('empty range set');
  const clash = firstPair(set, rangesOverlap);
  if (clash === null) return set;
  const [a, b] = clash;
  throw new Error(`subnets ${rangeText(set[a]!)} and ${rangeText(set[b]!)} overlap`);
}

/** Whether one of the set's ranges gives this address away. */
export const setContains = (set: RangeSet, address: Address): boolean =>
  set.some((range) => rangeContains(range, address));

/** Whether two sets have an address in common. */
export const setsOverlap = (a: RangeSet, b: RangeSet): boolean =>
  a.some((range) => b.some((other) => rangesOverlap(range, other)));

/** `192.0.2.1-192.0.2.126,198.51.100.1-198.51.100.254`. */
export const setText = (set: RangeSet): string => set.map(rangeText).join(',');

/** The indexes of the first two items, in reading order, of which `test` is true; null if there are none. */
export function firstPair<T>(items: readonly T[], test: (a: T, b: T) => boolean): [number, number] | null {
  for (const [i, a] of items.entries()) {
    for (const [j, b] of items.entries()) if (j > i && test(a, b)) return [i, j];
  }
  return null;
}

/** The last address of the subnet. @throws Error if it is too small, or `subnet` is not its first address */
function lastOfSubnet(subnet: Address, prefixLength: number): bigint {
  const hostBits = ADDRESS_BITS[subnet.family] - prefixLength;
  if (hostBits < 2) throw new Error(`Network ${addressText(subnet)}/${prefixLength} too small to allocate from`);
  const hosts = (1n << BigInt(hostBits)) - 1n;
  const network = subnet.value & ~hosts;
  if (network === subnet.value) return network | hosts;
  const state = 'Network has host bits set';
  const right = addressText({ ...subnet, value: network });
  throw new Error(`${state}. For a subnet mask of length ${prefixLength} the network address is ${right}`);
}

/** The address at `key`; empty is as good as absent. */
function addressAt(value: JsonObject, key: string): Address | undefined {
  const text = stringAt(value, key) ?? '';
  return text === '' ? undefined : toAddress(parseAddress(text));
}
