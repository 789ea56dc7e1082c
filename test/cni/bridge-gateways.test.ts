/** What an ADD adds to IPAM's answer, and the arithmetic of prefixes below it. */

import test from 'ava';

import { formatCidr, parseCidr } from '../../cni/addresses.ts';
import { planGateways } from '../../cni/bridge/gateway-plan.ts';
import { firstHost, networkText, overlaps } from '../../cni/prefix.ts';
import { EMPTY_RESULT } from '../../cni/result.ts';
import type { CniIp, CniResult, CniRoute } from '../../cni/types.ts';

const answer = (ips: readonly CniIp[], routes: readonly CniRoute[] = []): CniResult => ({
  ...EMPTY_RESULT,
  ips,
  routes,
});

const TWO = [{ address: '198.51.100.5/24' }, { address: '2001:db8:7::5/64', gateway: '2001:db8:7::99' }];

test('no gateway: addresses belong to the container’s interface, nothing is added', (t) => {
  const plan = planGateways(answer(TWO), { isGateway: false, isDefaultGateway: false });
  t.deepEqual(plan, { ips: TWO.map((ip) => ({ interface: 2, ...ip })), routes: [], gateways: { 4: [], 6: [] } });
});

test('a gateway: the first address of the network where IPAM names none', (t) => {
  const { ips, routes, gateways } = planGateways(answer(TWO), { isGateway: true, isDefaultGateway: false });
  t.deepEqual(ips.map(({ gateway }) => gateway), ['198.51.100.1', '2001:db8:7::99']);
  t.deepEqual(routes, []);
  t.deepEqual([...gateways[4], ...gateways[6]].map(formatCidr), ['198.51.100.1/24', '2001:db8:7::99/64']);
});

test('a default gateway: one route per family, by the first address of it', (t) => {
  const more = [...TWO, { address: '192.0.2.5/24' }];
  const { routes, gateways } = planGateways(answer(more), { isGateway: true, isDefaultGateway: true });
  t.deepEqual(routes, [
    { dst: '0.0.0.0/0', gw: '198.51.100.1' },
    { dst: '::/0', gw: '2001:db8:7::99' },
  ]);
  t.is(gateways[4].length, 2);
});

test('a default route of IPAM stands; one without a gateway does not count', (t) => {
  const options = { isGateway: true, isDefaultGateway: true };
  const own = { dst: '0.0.0.0/0', gw: '198.51.100.7' };
  t.deepEqual(planGateways(answer(TWO.slice(0, 1), [own]), options).routes, [own]);
  const without = { dst: '0.0.0.0/0' };
  t.deepEqual(planGateways(answer(TWO.slice(0, 1), [without]), options).routes, [
    without,
    { dst: '0.0.0.0/0', gw: '198.51.100.1' },
  ]);
});

test('networks and their first hosts', (t) => {
  for (const [address, network, first] of [
    ['192.0.2.5/24', '192.0.2.0/24', '192.0.2.1'],
    ['192.0.2.5/30', '192.0.2.4/30', '192.0.2.5'],
    ['192.0.2.5/32', '192.0.2.5/32', '192.0.2.6'],
    ['192.0.2.5/0', '0.0.0.0/0', '0.0.0.1'],
    ['198.51.101.255/23', '198.51.100.0/23', '198.51.100.1'],
    ['2001:db8:7:8::5/48', '2001:db8:7::/48', '2001:db8:7::1'],
  ] as const) {
    t.is(networkText(parseCidr(address)), network);
    t.is(firstHost(parseCidr(address)), first);
  }
});

test('prefixes overlap when one is in the other', (t) => {
  const pairs: [string, string, boolean][] = [
    ['192.0.2.1/24', '192.0.2.200/25', true],
    ['192.0.2.1/25', '192.0.2.200/25', false],
    ['2001:db8::1/64', '2001:db8::ffff/48', true],
    ['2001:db8::1/64', '2001:db8:0:1::1/64', false],
    ['0.0.0.0/0', '::/0', false],
  ];
  for (const [a, b, expected] of pairs) {
    t.is(overlaps(parseCidr(a), parseCidr(b)), expected, `${a} ${b}`);
    t.is(overlaps(parseCidr(b), parseCidr(a)), expected, `${b} ${a}`);
  }
});
