/** Which address comes next: over real leases in a folder of the test's own. */

import { writeFileSync } from 'node:fs';
import path from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { parseAddress } from '../../cni/addresses.ts';
import { type Address, addressText, toAddress } from '../../cni/host-local/address.ts';
import { allocate, candidates } from '../../cni/host-local/allocator.ts';
import { type LeaseStore, withLeases } from '../../cni/host-local/lease-store.ts';
import { parseRangeSet, type RangeSet } from '../../cni/host-local/range.ts';
import type { CniIp } from '../../cni/types.ts';
import { temporaryFolder } from './_support.ts';

const setOf = (...subnets: readonly string[]): RangeSet => parseRangeSet(subnets.map((subnet) => ({ subnet })));
const address = (text: string): Address => toAddress(parseAddress(text));
const candidatesOf = (set: RangeSet, last: string | null): string[] =>
  [...candidates(set, last === null ? null : address(last))].map(addressText);

const SMALL = setOf('192.0.2.0/29');

test('candidates begin at the start and leave out network, gateway and broadcast', (t) => {
  t.deepEqual(candidatesOf(SMALL, null), ['192.0.2.2', '192.0.2.3', '192.0.2.4', '192.0.2.5', '192.0.2.6']);
});

test('candidates after the end begin at the start', (t) => {
  t.deepEqual(candidatesOf(SMALL, '192.0.2.6'), ['192.0.2.2', '192.0.2.3', '192.0.2.4', '192.0.2.5', '192.0.2.6']);
});

test('candidates from the middle go round and end with the last one given', (t) => {
  t.deepEqual(candidatesOf(SMALL, '192.0.2.3'), ['192.0.2.4', '192.0.2.5', '192.0.2.6', '192.0.2.2', '192.0.2.3']);
});

test('candidates go on in the next range, and round to the first', (t) => {
  const set = setOf('192.0.2.0/30', '198.51.100.0/30', '203.0.113.0/30');
  t.deepEqual(candidatesOf(set, null), ['192.0.2.2', '198.51.100.2', '203.0.113.2']);
  t.deepEqual(candidatesOf(set, '192.0.2.2'), ['198.51.100.2', '203.0.113.2', '192.0.2.2']);
  t.deepEqual(candidatesOf(set, '198.51.100.1'), ['198.51.100.2', '203.0.113.2', '192.0.2.2']);
});

test('candidates of an IPv6 range have no broadcast address to leave out', (t) => {
  t.deepEqual(candidatesOf(setOf('2001:db8::/126'), null), ['2001:db8::2', '2001:db8::3']);
});

test('a range that was told to may give its broadcast address', (t) => {
  const set = parseRangeSet([{ subnet: '192.0.2.0/30', rangeEnd: '192.0.2.3' }]);
  t.deepEqual(candidatesOf(set, null), ['192.0.2.2', '192.0.2.3']);
});

/** Leases as they are before the test: addresses of others, and what set 0 gave last. */
function prepare(t: ExecutionContext, taken: readonly string[], last?: string): string {
  const folder = temporaryFolder(t);
  for (const name of taken) writeFileSync(path.join(folder, name), 'other\r\neth0');
  if (last !== undefined) writeFileSync(path.join(folder, 'last_reserved_ip.0'), last);
  return folder;
}

function take(folder: string, set: RangeSet, requested?: string, containerId = 'c1'): CniIp {
  const attachment = { containerId, ifName: 'eth0' };
  const run = (store: LeaseStore): CniIp =>
    allocate({ store, attachment, set, setIndex: 0 }, requested === undefined ? undefined : address(requested));
  return withLeases(folder, run);
}

/** `[what, subnets, taken, last, expected]` */
type Case = readonly [string, readonly string[], readonly string[], string | undefined, string];

const TURNS: readonly Case[] = [
  ['a fresh start', ['10.0.0.0/29'], [], undefined, '10.0.0.2/29'],
  ['a fresh start of IPv6', ['2001:db8:1::/64'], [], undefined, '2001:db8:1::2/64'],
  ['the smallest subnet', ['10.0.0.0/30'], [], undefined, '10.0.0.2/30'],
  ['a taken address', ['10.0.0.0/29'], ['10.0.0.2'], undefined, '10.0.0.3/29'],
  ['the one after the last', ['10.0.0.0/29'], [], '10.0.0.5', '10.0.0.6/29'],
  ['taken ones after the last', ['10.0.0.0/29'], ['10.0.0.4', '10.0.0.5'], '10.0.0.3', '10.0.0.6/29'],
  ['round to the beginning', ['10.0.0.0/29'], ['10.0.0.6'], '10.0.0.5', '10.0.0.2/29'],
  ['a last one out of range', ['10.0.0.0/29'], ['10.0.0.2'], '10.0.0.128', '10.0.0.3/29'],
  ['a last one that is no address', ['10.0.0.0/29'], [], 'nonsense', '10.0.0.2/29'],
  [
    'only the last one free',
    ['10.0.0.0/29'],
    ['10.0.0.2', '10.0.0.4', '10.0.0.5', '10.0.0.6'],
    '10.0.0.3',
    '10.0.0.3/29',
  ],
  ['several subnets', ['10.0.0.0/30', '10.0.1.0/30'], [], undefined, '10.0.0.2/30'],
  ['the next subnet', ['10.0.0.0/30', '10.0.1.0/30'], [], '10.0.0.2', '10.0.1.2/30'],
  ['round to the first subnet', ['10.0.0.0/30', '10.0.1.0/30', '10.0.2.0/30'], [], '10.0.2.2', '10.0.0.2/30'],
];

for (const [title, subnets, taken, last, expected] of TURNS) {
  test(`round robin, ${title}: ${expected}`, (t) => {
    const folder = prepare(t, taken, last);
    t.is(take(folder, setOf(...subnets)).address, expected);
  });
}

test('every address is given once, then there are none', (t) => {
  const folder = prepare(t, []);
  for (const [index, host] of [2, 3, 4, 5, 6].entries()) {
    t.deepEqual(take(folder, SMALL, undefined, `c${index}`), { address: `192.0.2.${host}/29`, gateway: '192.0.2.1' });
  }
  const message = 'no IP addresses available in range set: 192.0.2.1-192.0.2.6';
  t.throws(() => take(folder, SMALL, undefined, 'c9'), { message });
});

test('a full set of several ranges names them all', (t) => {
  const folder = prepare(t, ['10.0.0.2', '10.0.1.2']);
  const message = 'no IP addresses available in range set: 10.0.0.1-10.0.0.2,10.0.1.1-10.0.1.2';
  t.throws(() => take(folder, setOf('10.0.0.0/30', '10.0.1.0/30')), { message });
});

test('an address that was given back is not given again at once', (t) => {
  const folder = prepare(t, []);
  t.is(take(folder, SMALL).address, '192.0.2.2/29');
  withLeases(folder, (store) => store.releaseOf({ containerId: 'c1', ifName: 'eth0' }));
  t.is(take(folder, SMALL).address, '192.0.2.3/29');
});

test('an attachment that has an address of the set gets no second one', (t) => {
  const folder = prepare(t, []);
  take(folder, SMALL);
  const message = '192.0.2.2 has been allocated to c1, duplicate allocation is not allowed';
  t.throws(() => take(folder, SMALL), { message });
  t.is(take(folder, setOf('198.51.100.0/29')).address, '198.51.100.2/29');
});

test('a requested address is given if it is in the set, free, and no gateway', (t) => {
  const folder = prepare(t, []);
  t.is(take(folder, SMALL, '192.0.2.5').address, '192.0.2.5/29');
  const set = 'range set 192.0.2.1-192.0.2.6';
  t.throws(() => take(folder, SMALL, '192.0.2.5', 'c2'), {
    message: `requested IP address 192.0.2.5 is not available in ${set}`,
  });
  t.throws(() => take(folder, SMALL, '192.0.2.1', 'c2'), { message: "requested ip 192.0.2.1 is subnet's gateway" });
  t.throws(() => take(folder, SMALL, '192.0.2.7', 'c2'), { message: `192.0.2.7 not in ${set}` });
});

test('a requested address before the start or after the end is refused', (t) => {
  const folder = prepare(t, []);
  const set = parseRangeSet([{ subnet: '192.0.2.0/24', rangeStart: '192.0.2.10', rangeEnd: '192.0.2.20' }]);
  for (const outside of ['192.0.2.9', '192.0.2.21']) {
    t.throws(() => take(folder, set, outside), { message: `${outside} not in range set 192.0.2.10-192.0.2.20` });
  }
});
