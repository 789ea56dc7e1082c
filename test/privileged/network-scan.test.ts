/** What a scan finds in a namespace, as which kind, and what a guest is told of it. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import {
  currentNetNamespace,
  type Endpoint,
  gatewaysOf,
  guestNetworkOf,
  isForGuest,
  isPciAddress,
  isPhysicalInterface,
  type Neighbour,
  type NetworkScope,
  PciBus,
  Rtnl,
  scanInterfaces,
} from '../../sandbox/index.ts';
import { endpointOf } from '../../sandbox/network/endpoint-factory.ts';
import { closeFd, openTunFd, runInNamespace, setPersist } from '../../native/index.ts';
import { until } from '../native/_support.ts';
import { testWithFeatures } from '../_features.ts';
import { testWithTun } from './_rights.ts';
import { makeRtnl } from './sandbox-support.ts';

/** A veth pair with an address on its first end. */
function addVeth({ links, addresses }: Rtnl, name: string, address?: string): void {
  links.add({ kind: 'veth', name, peer: { name: `${name}-peer` } });
  if (address !== undefined) addresses.add(name, { address });
}

const summary = (rtnl: Rtnl, options?: Parameters<typeof scanInterfaces>[1]): string[] =>
  scanInterfaces(rtnl, options).map(({ type, name }) => `${type} ${name}`);

test('configured interfaces are found, by index; the loopback and those without addresses are not', (t) => {
  const { rtnl } = makeRtnl(t);
  rtnl.links.set('lo', { up: true });
  addVeth(rtnl, 'zeta', '192.0.2.1/24');
  addVeth(rtnl, 'none');
  rtnl.links.add({ kind: 'bridge', name: 'br7' });
  rtnl.addresses.add('br7', { address: '2001:db8::7/64' });
  addVeth(rtnl, 'alpha', '198.51.100.1/24');
  t.deepEqual(summary(rtnl), ['virtual zeta', 'virtual br7', 'virtual alpha']);
  t.deepEqual(summary(rtnl, { known: ['zeta', 'alpha'] }), ['virtual br7']);
});

test('the link-local address that every interface has by itself says nothing', async (t) => {
  const { rtnl } = makeRtnl(t);
  addVeth(rtnl, 'eth0');
  for (const name of ['eth0', 'eth0-peer']) rtnl.links.set(name, { up: true });
  await until(() => rtnl.addresses.list({ link: 'eth0' }).length > 0, 'eth0 has its link-local address');
  t.deepEqual(summary(rtnl), []);
});

test('what is found has its settings: link, addresses, routes, neighbours', (t) => {
  const { rtnl } = makeRtnl(t);
  addVeth(rtnl, 'eth0', '192.0.2.2/24');
  addVeth(rtnl, 'eth1', '198.51.100.2/24');
  for (const name of ['eth0', 'eth1']) rtnl.links.set(name, { up: true });
  rtnl.routes.add({ destination: 'default', gateway: '192.0.2.1' });
  rtnl.neighbours.add('eth0', { address: '192.0.2.9', linkAddress: '02:00:00:00:00:09' });
  const [eth0, eth1] = scanInterfaces(rtnl);
  t.deepEqual(eth0?.properties.link, rtnl.links.get('eth0'));
  t.true(eth0?.properties.addresses.some(({ address }) => address === '192.0.2.2'));
  t.false(eth0?.properties.addresses.some(({ address }) => address === '198.51.100.2'));
  t.true(eth0?.properties.routes.some(({ gateway }) => gateway === '192.0.2.1'));
  t.false(eth1?.properties.routes.some(({ gateway }) => gateway === '192.0.2.1'));
  t.is(eth0?.properties.neighbours?.find(({ state }) => state === 'permanent')?.address, '192.0.2.9');
});

test('a bridge in a new namespace is not physical, row 19: nor is anything else without a PCI address', (t) => {
  const { rtnl } = makeRtnl(t);
  rtnl.links.add({ kind: 'bridge', name: 'br0' });
  addVeth(rtnl, 'eth0');
  for (const name of ['lo', 'br0', 'eth0', 'missing']) t.false(isPhysicalInterface(rtnl, name), name);
});

test('an interface is vhost-user when a socket has the name of one of its addresses', async (t) => {
  const { rtnl } = makeRtnl(t);
  const directory = mkdtempSync(join(tmpdir(), 'lp-scan-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, 'vhostuser_192.0.2.3'));
  const socketPath = join(directory, 'vhostuser_192.0.2.3/vhu.sock');
  const server = createServer();
  t.teardown(() => void server.close());
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  addVeth(rtnl, 'eth0', '192.0.2.2/24');
  rtnl.addresses.add('eth0', { address: '192.0.2.3/24' });
  addVeth(rtnl, 'eth1', '192.0.2.4/24');
  const found = scanInterfaces(rtnl, { vhostUserDirectory: directory });
  t.deepEqual(found.map(({ type, name }) => `${type} ${name}`), ['vhost-user eth0', 'virtual eth1']);
  t.is(found[0]?.socketPath, socketPath);
});

testWithTun('a TAP that is free is a tap, a held one a tuntap, and a TUN is left out with a warning', (t) => {
  const { rtnl, namespace } = makeRtnl(t);
  const open = (name: string, mode: 'tap' | 'tun'): number =>
    runInNamespace(namespace, () => openTunFd({ mode, name, vnetHeaderBytes: 0 })).fd;
  const [free, kept] = [open('free0', 'tap'), open('kept0', 'tap')];
  for (const fd of [free, kept]) setPersist(fd, true);
  closeFd(free);
  for (const fd of [kept, open('held0', 'tap'), open('tun0', 'tun')]) t.teardown(() => closeFd(fd));
  for (const [i, name] of ['free0', 'kept0', 'held0', 'tun0'].entries()) {
    rtnl.addresses.add(name, { address: `192.0.2.${i + 1}/32` });
  }
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  t.deepEqual(summary(rtnl, { warn }), [
    'tap free0',
    'tuntap kept0',
    'tuntap held0',
  ]);
  t.deepEqual(warnings, ['Interface "tun0" is left out: it is a TUN, whose packets have no link header']);
});

testWithFeatures('macvtap')('a macvtap is one', (t) => {
  const { rtnl } = makeRtnl(t);
  addVeth(rtnl, 'eth0');
  rtnl.links.add({ kind: 'macvtap', name: 'macvtap0', parent: 'eth0' });
  rtnl.addresses.add('macvtap0', { address: '192.0.2.1/24' });
  t.deepEqual(summary(rtnl), ['macvtap macvtap0']);
});

const NO_CARD = 'skipped: a PCI network card in this namespace is required; run where there is one';

/** Reads the namespace that the test runs in, and changes nothing there. */
function findCard(): string | undefined {
  using rtnl = Rtnl.open();
  return rtnl.links.list().find(({ name }) => isPhysicalInterface(rtnl, name))?.name;
}

const card = findCard();
const testWithCard = card === undefined ? test.skip : test;

const cardTitle = `a real network card is physical, with its PCI device${card === undefined ? ` (${NO_CARD})` : ''}`;

testWithCard(cardTitle, async (t: ExecutionContext) => {
  using rtnl = Rtnl.open();
  const found = scanInterfaces(rtnl).find(({ name }) => name === card);
  if (found === undefined) {
    t.true(isPhysicalInterface(rtnl, card!), 'it has no address, so it is not found');
    return;
  }
  t.is(found.type, 'physical');
  t.true(isPciAddress(found.bdf ?? ''));
  await using namespace = currentNetNamespace();
  const silent = (): void => undefined;
  const scope: NetworkScope = { namespace, queues: 1, vhost: 'off', sysfs: '/sys', onStep: silent, warn: silent };
  const endpoint = endpointOf(scope, 0, 'none', found);
  t.like(endpoint, { type: 'physical', name: card, isAttached: false, hardwareAddress: found.properties.link.address });
  t.like(endpoint.toJSON(), { ...new PciBus('/sys').read(found.bdf ?? ''), undo: [] });
});

test('a guest is told interfaces, routes that the kernel would not make, and permanent neighbours', async (t) => {
  const { rtnl, namespace } = makeRtnl(t);
  runInNamespace(namespace, () => writeFileSync('/proc/sys/net/ipv6/conf/default/accept_dad', '0'));
  addVeth(rtnl, 'eth0', '192.0.2.2/24');
  rtnl.addresses.add('eth0', { address: '2001:db8::2/64', flags: ['nodad'] });
  for (const name of ['eth0', 'eth0-peer']) rtnl.links.set(name, { up: true, mtu: 1400 });
  rtnl.routes.add({ destination: 'default', gateway: '192.0.2.1' });
  rtnl.routes.add({ destination: '198.51.100.0/24', gateway: '192.0.2.1', preferredSource: '192.0.2.2', metric: 5 });
  rtnl.routes.add({ destination: 'default', gateway: '2001:db8::1' });
  rtnl.routes.add({ destination: '2001:db8:1::/48', gateway: '2001:db8::1', metrics: { mtu: 1300 } });
  rtnl.neighbours.add('eth0', { address: '192.0.2.9', linkAddress: '02:00:00:00:00:09' });
  rtnl.neighbours.add('eth0', { address: '192.0.2.8', linkAddress: '02:00:00:00:00:08', state: 'stale' });
  const [found] = scanInterfaces(rtnl);
  const endpoint = { name: 'eth0', hardwareAddress: '02:00:00:00:00:01', properties: found?.properties } as Endpoint;
  const { interfaces, routes, neighbours, dns } = guestNetworkOf([endpoint]);
  const linkLocal = rtnl.addresses.list({ link: 'eth0' }).filter(({ scope }) => scope === 'link');
  t.deepEqual(interfaces, [
    {
      ...{ name: 'eth0', hardwareAddress: '02:00:00:00:00:01', mtu: 1400, noArp: false },
      addresses: ['192.0.2.2/24', '2001:db8::2/64', ...linkLocal.map(({ address }) => `${address}/64`)],
    },
  ]);
  const v4 = { family: 'inet', device: 'eth0', scope: 'global', gateway: '192.0.2.1' } as const;
  const v6 = { family: 'inet6', device: 'eth0', scope: 'global', gateway: '2001:db8::1', metric: 1024 } as const;
  t.deepEqual(routes, [
    { ...v4, destination: 'default' },
    { ...v4, destination: '198.51.100.0/24', source: '192.0.2.2', metric: 5 },
    { ...v6, destination: '2001:db8:1::/48', mtu: 1300 },
    { ...v6, destination: 'default' },
  ]);
  const linkAddress = '02:00:00:00:00:09';
  t.deepEqual(neighbours, [{ address: '192.0.2.9', device: 'eth0', linkAddress, state: 'permanent', flags: [] }]);
  t.is(dns, undefined);
});

test('which neighbours are a guest\'s: what somebody wrote down, and gateways with a link address', (t) => {
  const gateways = gatewaysOf([
    { destination: 'default', gateway: '192.0.2.1' },
    { destination: '198.51.100.0/24', nextHops: [{ gateway: '192.0.2.2' }, {}] },
    { destination: '203.0.113.0/24' },
  ] as unknown as Parameters<typeof gatewaysOf>[0]);
  t.deepEqual([...gateways], ['192.0.2.1', '192.0.2.2']);
  const is = (address: string, state: string, linkAddress?: string): boolean =>
    isForGuest({ address, state, linkAddress } as Neighbour, gateways);
  const mac = '02:00:00:00:00:09';
  t.true(is('192.0.2.9', 'permanent', mac));
  for (const state of ['reachable', 'stale', 'delay', 'probe']) {
    t.true(is('192.0.2.2', state, mac), state);
    t.false(is('192.0.2.9', state, mac), `${state}, no gateway`);
    t.false(is('192.0.2.1', state), `${state}, no link address`);
  }
  for (const state of ['failed', 'incomplete', 'none', 'noarp']) t.false(is('192.0.2.1', state, mac), state);
});
