/** The configuration of host-local: where ranges and requested addresses come from, and in which order. */

import test from 'ava';

import { addressText } from '../../cni/host-local/address.ts';
import { type HostLocalConfig, readConfig } from '../../cni/host-local/config.ts';
import { setText } from '../../cni/host-local/range.ts';
import type { JsonObject } from '../../cni/json.ts';
import { contextOf } from './_support.ts';

const RANGE_A = { subnet: '192.0.2.0/24', rangeStart: '192.0.2.9', rangeEnd: '192.0.2.20', gateway: '192.0.2.30' };
const RANGE_B = { subnet: '198.51.100.0/24', rangeStart: '198.51.100.9', rangeEnd: '198.51.100.20' };
const TEXT_A = '192.0.2.9-192.0.2.20';
const TEXT_B = '198.51.100.9-198.51.100.20';

function read(ipam: JsonObject | undefined, more: JsonObject = {}, args = ''): HostLocalConfig {
  return readConfig(contextOf({ cniVersion: '1.1.0', name: 'mynet', ipam, ...more }, { args }));
}

const setsOf = (config: HostLocalConfig): string[] => config.sets.map(setText);
const requestedOf = (config: HostLocalConfig): string[] => config.requested.map(addressText);

test('the old style is one range in the ipam key', (t) => {
  const config = read({ type: 'host-local', ...RANGE_A });
  t.deepEqual(setsOf(config), [TEXT_A]);
  t.is(config.directory, '/var/lib/cni/networks/mynet');
});

test('the new style is a list of sets', (t) => {
  t.deepEqual(setsOf(read({ ranges: [[RANGE_A, RANGE_B]] })), [`${TEXT_A},${TEXT_B}`]);
  t.deepEqual(setsOf(read({ ranges: [[RANGE_A], [RANGE_B]] })), [TEXT_A, TEXT_B]);
});

test('of both styles, the old one comes first', (t) => {
  t.deepEqual(setsOf(read({ ...RANGE_B, ranges: [[RANGE_A]] })), [TEXT_B, TEXT_A]);
});

test("the runtime's ranges come before all others", (t) => {
  const runtimeConfig = { ipRanges: [[{ subnet: '203.0.113.0/24' }]] };
  const sets = ['203.0.113.1-203.0.113.254', TEXT_B, TEXT_A];
  t.deepEqual(setsOf(read({ ...RANGE_B, ranges: [[RANGE_A]] }, { runtimeConfig })), sets);
  t.deepEqual(setsOf(read({}, { runtimeConfig })), ['203.0.113.1-203.0.113.254']);
});

test('addresses are requested by CNI_ARGS, by args.cni.ips, and by the capability, with or without a prefix', (t) => {
  const more = {
    args: { cni: { ips: ['192.0.2.11', '2001:db8:1::11/64'] } },
    runtimeConfig: { ips: ['192.0.2.12/24'] },
  };
  const config = read(RANGE_A, more, 'IP=192.0.2.10');
  t.deepEqual(requestedOf(config), ['192.0.2.10', '192.0.2.11', '2001:db8:1::11', '192.0.2.12']);
});

test('a requested address that is none is refused', (t) => {
  const message = 'ARGS: error parsing value of pair "IP=abc": invalid IP address abc';
  t.throws(() => read(RANGE_A, {}, 'IP=abc'), { message });
  t.throws(() => read(RANGE_A, { runtimeConfig: { ips: ['abc'] } }), { message: 'invalid IP address abc' });
  t.throws(() => read(RANGE_A, { args: { cni: { ips: ['192.0.2.1/99'] } } }), {
    message: 'invalid IP address 192.0.2.1/99',
  });
});

test('ranges of a set must not overlap, nor may sets', (t) => {
  const [low, high] = [
    { subnet: '192.0.2.0/24', rangeEnd: '192.0.2.128' },
    { subnet: '192.0.2.0/24', rangeStart: '192.0.2.15' },
  ];
  const message = 'invalid range set 0: subnets 192.0.2.1-192.0.2.128 and 192.0.2.15-192.0.2.254 overlap';
  t.throws(() => read({ ranges: [[low, high]] }), { message });
  t.throws(() => read({ ranges: [[RANGE_B], [low], [high]] }), { message: 'range set 1 overlaps with 2' });
});

test('versions before 0.3.0 have room for one set a family', (t) => {
  const cniVersion = '0.2.0';
  const message = 'CNI version 0.2.0 does not support more than 1 address per family';
  t.throws(() => read({ ranges: [[RANGE_A], [RANGE_B]] }, { cniVersion }), { message });
  t.is(read({ ranges: [[RANGE_A], [{ subnet: '2001:db8::/64' }]] }, { cniVersion }).sets.length, 2);
  t.is(read({ ranges: [[RANGE_A, RANGE_B]] }, { cniVersion }).sets.length, 1);
});

test('routes are taken as they are', (t) => {
  const routes = [{ dst: '0.0.0.0/0' }, { dst: '198.51.100.7/24', gw: '192.0.2.1', mtu: 1400 }];
  t.deepEqual(read({ ...RANGE_A, routes }).routes, routes);
  t.throws(() => read({ ...RANGE_A, routes: [{ gw: '192.0.2.1' }] }), { message: 'invalid CIDR address: ' });
});

const REFUSED: readonly (readonly [string, JsonObject | undefined, string])[] = [
  ['no ipam key', undefined, "IPAM config missing 'ipam' key"],
  ['no ranges', {}, 'no IP ranges specified'],
  ['an empty list of ranges', { ranges: [] }, 'no IP ranges specified'],
  ['an empty set', { ranges: [[]] }, 'invalid range set 0: empty range set'],
  [
    'a second set that is wrong',
    { ranges: [[RANGE_A], [{ subnet: '192.0.2.0/31' }]] },
    'invalid range set 1: Network 192.0.2.0/31 too small to allocate from',
  ],
  [
    'mixed families',
    { ranges: [[RANGE_A, { subnet: '2001:db8::/64' }]] },
    'invalid range set 0: mixed address families',
  ],
  ['no address', { ranges: [[{ subnet: 'x/24' }]] }, 'invalid CIDR address: x/24'],
  [
    'a range that is no list',
    { ranges: [RANGE_A] },
    'json: cannot unmarshal object into Go struct field IPAMConfig.ipam.ranges of type allocator.RangeSet',
  ],
  [
    'a relative data folder',
    { ...RANGE_A, dataDir: 'data' },
    'invalid dataDir; it is "data"; an absolute path without ".." is expected',
  ],
  [
    'a data folder that climbs',
    { ...RANGE_A, dataDir: '/var/../etc' },
    'invalid dataDir; it is "/var/../etc"; an absolute path without ".." is expected',
  ],
  [
    'a resolv.conf that climbs',
    { ...RANGE_A, resolvConf: '/a/../b' },
    'invalid resolvConf; it is "/a/../b"; an absolute path without ".." is expected',
  ],
];

for (const [title, ipam, message] of REFUSED) {
  test(`${title} is refused: ${message}`, (t) => {
    t.throws(() => read(ipam), { message });
  });
}
