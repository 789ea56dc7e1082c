/** Rtnetlink against iproute2, field by field: what we make, ip(8) reads, and what it reads, we read. */

import test from 'ava';

import { closeFd, createNetworkNamespace } from '../../native/index.ts';
import { Rtnl } from '../../sandbox/index.ts';
import type { BridgeOptions, BridgePortOptions } from '../../sandbox/index.ts';
import {
  asIpAddress,
  asIpLink,
  asIpNeighbour,
  asIpRoute,
  iproute,
  type Json,
  makeRtnl,
  plain,
  readIpLink,
} from './sandbox-support.ts';

test.serial('links of every kind are what ip(8) reads, field by field', (t) => {
  const { rtnl, namespace } = makeRtnl(t);
  const { links } = rtnl;
  links.add({ kind: 'bridge', name: 'br0', address: '02:00:00:00:00:10' });
  links.add({ kind: 'veth', name: 'left', mtu: 1400, index: 77, transmitQueueLength: 50, peer: { name: 'right' } });
  links.set('left', { master: 'br0', up: true, alias: 'the left one' });
  links.set('right', { up: true, promiscuous: true, address: '02:00:00:00:00:11', group: 5 });
  links.add({ kind: 'macvlan', name: 'mv0', parent: 'right', mode: 'private' });
  links.add({ kind: 'macvtap', name: 'mt0', parent: 'right', receiveQueues: 4, transmitQueues: 4 });
  links.add({ kind: 'ifb', name: 'ifb0', up: true });
  const all = links.list();
  t.is(all.length, 7);
  t.deepEqual(all.map((link) => readIpLink(asIpLink(link, all))), iproute(namespace, 'ip', 'link').map(readIpLink));
  t.like(links.get('left'), { index: 77, mtu: 1400, kind: 'veth', portKind: 'bridge', alias: 'the left one' });
  t.deepEqual(links.get('mv0').macvlan, { mode: 'private' });
  t.deepEqual(links.get('mt0').macvlan, { mode: 'bridge' });
  t.deepEqual(links.list({ kind: 'veth' }).map(({ name }) => name).sort(), ['left', 'right']);
  t.deepEqual(links.list({ master: 'br0' }).map(({ name }) => name), ['left']);
});

test.serial('a veth\'s peer is made straight in another namespace, whose id both sides know', (t) => {
  const { rtnl, namespace } = makeRtnl(t);
  const other = makeRtnl(t);
  rtnl.links.add({ kind: 'veth', name: 'here', peer: { name: 'there', namespace: other.namespace, mtu: 1300 } });
  t.is(rtnl.links.find('there'), undefined);
  const there = other.rtnl.links.get('there');
  t.is(there.mtu, 1300);
  t.is(there.parent, rtnl.links.get('here').index);
  t.is(there.parentNamespaceId, other.rtnl.namespaceIds.get(namespace));
  t.is(rtnl.links.get('here').parentNamespaceId, rtnl.namespaceIds.get(other.namespace));
  t.deepEqual(rtnl.namespaceIds.list(), iproute(namespace, 'ip', 'netns list-id').map((id) => id['nsid']));
  const all = rtnl.links.list();
  t.deepEqual(readIpLink(asIpLink(all[1]!, all)), readIpLink(iproute(namespace, 'ip', 'link')[1]!));
});

test.serial('namespace ids are given once', (t) => {
  const { rtnl } = makeRtnl(t);
  const other = createNetworkNamespace();
  t.teardown(() => closeFd(other));
  t.is(rtnl.namespaceIds.get(other), undefined);
  rtnl.namespaceIds.set(other, 42);
  t.is(rtnl.namespaceIds.get(other), 42);
  t.throws(() => rtnl.namespaceIds.set(other, 43), { code: 'EEXIST' });
});

test.serial('a link moves to another namespace, is renamed and deleted', (t) => {
  const { rtnl } = makeRtnl(t);
  const other = makeRtnl(t);
  rtnl.links.add({ kind: 'veth', name: 'left', peer: { name: 'right' } });
  rtnl.links.set('left', { name: 'moved', namespace: other.namespace });
  t.is(rtnl.links.find('left'), undefined);
  t.is(other.rtnl.links.get('moved').parent, rtnl.links.index('right'));
  other.rtnl.links.delete('moved');
  t.is(other.rtnl.links.find('moved'), undefined);
  t.is(rtnl.links.find('right'), undefined, 'the pair goes together');
  t.throws(() => other.rtnl.links.delete('moved'), { code: 'ENODEV' });
});

const BRIDGE_KEYS: Readonly<Record<keyof BridgeOptions, string>> = {
  forwardDelay: 'forward_delay',
  helloTime: 'hello_time',
  maxAge: 'max_age',
  ageingTime: 'ageing_time',
  stpState: 'stp_state',
  priority: 'priority',
  vlanFiltering: 'vlan_filtering',
  groupForwardMask: 'group_fwd_mask',
  multicastRouter: 'mcast_router',
  multicastSnooping: 'mcast_snooping',
  multicastQueryUseIfaddr: 'mcast_query_use_ifaddr',
  multicastQuerier: 'mcast_querier',
  multicastHashMax: 'mcast_hash_max',
  netfilterCallIptables: 'nf_call_iptables',
  netfilterCallIp6tables: 'nf_call_ip6tables',
  netfilterCallArptables: 'nf_call_arptables',
  vlanDefaultPvid: 'vlan_default_pvid',
};

test.serial('a bridge\'s options are made, changed and read', (t) => {
  const { rtnl, namespace } = makeRtnl(t);
  const made: BridgeOptions = { multicastSnooping: false, forwardDelay: 0, ageingTime: 6000, groupForwardMask: 8 };
  rtnl.links.add({ kind: 'bridge', name: 'br0', bridge: made });
  t.like(rtnl.links.get('br0').bridge, made);
  rtnl.links.set('br0', { bridge: { ageingTime: 0, priority: 100, netfilterCallIptables: true } });
  const read = rtnl.links.get('br0').bridge as Record<keyof BridgeOptions, number | boolean>;
  const info = iproute(namespace, 'ip', 'link show br0')[0]!['linkinfo'] as { info_data: Json };
  for (const [ours, value] of Object.entries(read) as [keyof BridgeOptions, number | boolean][]) {
    t.is(Number(value), Number(info.info_data[BRIDGE_KEYS[ours]]), ours);
  }
  t.like(read, { ageingTime: 0, priority: 100, netfilterCallIptables: true, groupForwardMask: 8 });
});

const PORT_KEYS: Readonly<Partial<Record<keyof BridgePortOptions, string>>> = {
  priority: 'priority',
  cost: 'cost',
  hairpin: 'hairpin',
  guard: 'guard',
  rootBlock: 'root_block',
  fastLeave: 'fastleave',
  learning: 'learning',
  flood: 'flood',
  multicastRouter: 'mcast_router',
  multicastFlood: 'mcast_flood',
  multicastToUnicast: 'mcast_to_unicast',
  vlanTunnel: 'vlan_tunnel',
  broadcastFlood: 'bcast_flood',
  neighbourSuppression: 'neigh_suppress',
  isolated: 'isolated',
  locked: 'locked',
};

test.serial('a bridge\'s ports are what bridge(8) reads: hairpin, isolated, learning', (t) => {
  const { rtnl, namespace } = makeRtnl(t);
  rtnl.links.add({ kind: 'bridge', name: 'br0' });
  rtnl.links.add({ kind: 'veth', name: 'left', peer: { name: 'right' } });
  t.throws(() => rtnl.bridgePorts.set('left', { hairpin: true }), { name: 'NetlinkError' });
  rtnl.links.set('left', { master: 'br0' });
  rtnl.links.set('right', { master: 'br0' });
  rtnl.bridgePorts.set('left', { hairpin: true, isolated: true, learning: false, cost: 9, flood: false });
  const ports = rtnl.bridgePorts.list({ master: 'br0' });
  const theirs = iproute(namespace, 'bridge', 'link').sort((a, b) => Number(a['ifindex']) - Number(b['ifindex']));
  t.is(ports.length, 2);
  ports.forEach((port, i) => {
    t.is(port.name, theirs[i]!['ifname'] as string);
    for (const [ours, key] of Object.entries(PORT_KEYS) as [string, string][]) {
      t.is(port[ours as keyof BridgePortOptions], theirs[i]![key as string] as number | boolean, `${port.name} ${ours}`);
    }
  });
  const left = ports.find(({ name }) => name === 'left')!;
  t.like(left, { hairpin: true, isolated: true, learning: false, cost: 9, flood: false });
  t.deepEqual(rtnl.links.get('left').bridgePort, without(left, 'index', 'name', 'master'));
  t.throws(() => rtnl.bridgePorts.addVlan('left', { id: 5000 }), { code: 'ERR_INVALID_OPTION' });
});

function without(object: object, ...keys: string[]): object {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

test.serial('addresses are what ip(8) reads', (t) => {
  const { rtnl, namespace } = makeRtnl(t);
  rtnl.links.add({ kind: 'veth', name: 'left', peer: { name: 'right' } });
  rtnl.links.set('left', { up: true });
  rtnl.links.set('right', { up: true });
  const { addresses } = rtnl;
  addresses.add('left', { address: '192.0.2.1/24', broadcast: 'auto', label: 'left:1' });
  addresses.add('left', { address: '192.0.2.2/24' });
  addresses.add('left', { address: '198.51.100.1/32', peer: '198.51.100.2', scope: 'link', metric: 50 });
  addresses.add('left', { address: '203.0.113.1/28', broadcast: 'auto', validLifetime: 5000, preferredLifetime: 4000 });
  addresses.add('left', { address: '2001:db8::1/64', flags: ['nodad', 'noprefixroute'] });
  const [theirs] = iproute(namespace, 'ip', 'addr show dev left') as [{ addr_info: Json[] }];
  const known = theirs.addr_info.map((address) => without(address, 'protocol'));
  t.deepEqual(addresses.list({ link: 'left' }).map(asIpAddress), known);
  t.is(addresses.list({ link: 'left', family: 'inet6' }).length, 2);
  t.is(addresses.list({ link: 'left' }).find(({ label }) => label === 'left:1')!.broadcast, '192.0.2.255');
  t.throws(() => addresses.add('left', { address: '192.0.2.1/24' }), { code: 'EEXIST', name: 'NetlinkError' });
  addresses.add('left', { address: '192.0.2.2/24', replace: true });
  addresses.delete('left', '192.0.2.2/24');
  t.throws(() => addresses.delete('left', '192.0.2.2/24'), { code: 'EADDRNOTAVAIL' });
  t.throws(() => addresses.add('left', { address: '192.0.2.1/33' }), { instanceOf: RangeError });
});

test.serial('routes are what ip(8) reads: metrics, onlink, several ways, tables', (t) => {
  const { rtnl, namespace } = makeRtnl(t);
  rtnl.links.add({ kind: 'veth', name: 'left', peer: { name: 'right' } });
  rtnl.links.set('left', { up: true });
  rtnl.links.set('right', { up: true });
  rtnl.addresses.add('left', { address: '192.0.2.1/24' });
  rtnl.addresses.add('left', { address: '2001:db8::1/64', flags: ['nodad'] });
  const { routes } = rtnl;
  routes.add({ destination: 'default', gateway: '192.0.2.254', protocol: 'static' });
  routes.add({ destination: '198.51.100.0/24', gateway: '192.0.2.9', metric: 7, metrics: { mtu: 1400, advmss: 1300 } });
  routes.add({ destination: '203.0.113.0/25', gateway: '10.9.9.9', link: 'left', onlink: true });
  routes.add({ destination: '203.0.113.128/25', link: 'left', preferredSource: '192.0.2.1' });
  const hops = [{ gateway: '192.0.2.5', weight: 2 }, { gateway: '192.0.2.6', link: 'left' }];
  routes.add({ destination: '198.18.0.0/15', nextHops: hops });
  routes.add({ destination: '192.0.0.0/29', gateway: '2001:db8::9', link: 'left' });
  routes.add({ destination: 'default', gateway: '2001:db8::fe', metric: 100 });
  routes.add({ destination: '2001:db8:1::/48', link: 'left', table: 300 });
  routes.add({ destination: '10.0.0.0/8', type: 'unreachable' });
  const links = rtnl.links.list();
  const theirs = [...iproute(namespace, 'ip', '-4 route'), ...iproute(namespace, 'ip', '-6 route')];
  t.is(theirs.length, 12);
  t.deepEqual(routes.list().map((route) => asIpRoute(route, links)), theirs.map(plain));
  t.deepEqual(routes.list({ table: 300 }).map(({ destination }) => destination), ['2001:db8:1::/48']);
  t.deepEqual(routes.list({ table: 301 }), []);
  t.true(routes.list({ table: 'all' }).length > theirs.length);
  t.deepEqual(routes.list({ link: 'right', family: 'inet' }), []);
  t.is(routes.lookUp('198.51.100.1').gateway, '192.0.2.9');
  t.is(routes.lookUp('198.51.100.1', { inTable: true }).destination, '198.51.100.0/24');
});

test.serial('routes are refused in the kernel\'s words, replaced, appended and deleted', (t) => {
  const { rtnl } = makeRtnl(t);
  rtnl.links.add({ kind: 'veth', name: 'left', peer: { name: 'right' } });
  rtnl.links.set('left', { up: true });
  rtnl.addresses.add('left', { address: '192.0.2.1/24' });
  const { routes } = rtnl;
  const error = t.throws(() => routes.add({ destination: 'default', gateway: '203.0.113.1' }), { name: 'NetlinkError' });
  t.like(error, { code: 'ENETUNREACH', errno: 101, syscall: 'RTM_NEWROUTE', extAck: 'Nexthop has invalid gateway' });
  const route = { destination: '198.51.100.0/24', link: 'left' };
  routes.add(route);
  t.throws(() => routes.add(route), { code: 'EEXIST' });
  routes.add({ ...route, metrics: { mtu: 1280 } }, 'replace');
  t.is(routes.list({ family: 'inet' }).find(({ destination }) => destination === route.destination)!.metrics!.mtu, 1280);
  routes.delete({ destination: '198.51.100.0/24' });
  t.throws(() => routes.delete({ destination: '198.51.100.0/24' }), { code: 'ESRCH' });
  t.throws(() => routes.lookUp('203.0.113.1'), { code: 'ENETUNREACH' });
});

test.serial('neighbours are what ip(8) reads', (t) => {
  const { rtnl, namespace } = makeRtnl(t);
  rtnl.links.add({ kind: 'veth', name: 'left', peer: { name: 'right' } });
  rtnl.links.set('left', { up: true });
  rtnl.links.set('right', { up: true });
  const { neighbours } = rtnl;
  neighbours.add('left', { address: '192.0.2.9', linkAddress: '02:00:00:00:00:09' });
  neighbours.add('left', { address: '2001:db8::9', linkAddress: '02:00:00:00:00:0a', state: 'stale', flags: ['router'] });
  neighbours.add('right', { address: '192.0.2.10', flags: ['proxy'] });
  const shown = neighbours.list().filter(({ state }) => state !== 'noarp');
  const theirs = [...iproute(namespace, 'ip', '-4 neigh'), ...iproute(namespace, 'ip', '-6 neigh')];
  t.deepEqual(shown.map((neighbour) => asIpNeighbour(neighbour, rtnl.links.list())), theirs);
  t.is(shown.length, 2);
  t.deepEqual(neighbours.list({ proxy: true }).map(({ address }) => address), ['192.0.2.10']);
  neighbours.add('left', { address: '192.0.2.9', linkAddress: '02:00:00:00:00:0b', replace: true });
  t.is(neighbours.list({ link: 'left', family: 'inet' })[0]!.linkAddress, '02:00:00:00:00:0b');
  neighbours.delete('left', '192.0.2.9');
  neighbours.delete('right', '192.0.2.10', { proxy: true });
  t.throws(() => neighbours.delete('left', '192.0.2.9'), { code: 'ENOENT' });
});

test.serial('redirects are what tc(8) reads, and what it makes we read', (t) => {
  const { rtnl, namespace } = makeRtnl(t);
  rtnl.links.add({ kind: 'veth', name: 'left', peer: { name: 'right' } });
  rtnl.links.add({ kind: 'veth', name: 'tleft', peer: { name: 'tright' } });
  rtnl.tc.addIngress('left');
  rtnl.tc.addRedirect('left', { to: 'tleft' });
  iproute(namespace, 'tc', 'qdisc add dev tleft ingress');
  const filter = 'parent ffff: protocol all u32 match u8 0 0 action mirred egress redirect dev tleft';
  iproute(namespace, 'tc', `filter add dev tleft ${filter}`);
  const [ours, theirs] = ['left', 'tleft'].map((name) => iproute(namespace, 'tc', `filter show dev ${name} parent ffff:`));
  t.deepEqual(mask(ours!), mask(theirs!));
  t.is(ours!.length, 3);
  const [a, b] = ['left', 'tleft'].map((name) => rtnl.tc.filters(name).map((one) => without(one, 'index')));
  t.deepEqual(a, b);
  const toIndex = rtnl.links.index('tleft');
  const actions = [{ kind: 'mirred', action: 'redirect', direction: 'egress', toIndex }];
  t.like(a![2], { kind: 'u32', protocol: 3, selector: { flags: 1, keys: [{ mask: 0, value: 0, offset: 0 }] } });
  t.deepEqual(rtnl.tc.filters('left')[2]!.actions, actions as never);
  t.true(rtnl.tc.qdiscs('left').some(({ kind, handle }) => kind === 'ingress' && handle === 0xffff_0000));
  t.throws(() => rtnl.tc.addIngress('left'), { code: 'EEXIST' });
  rtnl.tc.deleteFilters('left');
  t.deepEqual(rtnl.tc.filters('left'), []);
  rtnl.tc.deleteIngress('left');
  t.false(rtnl.tc.qdiscs('left').some(({ kind }) => kind === 'ingress'));
});

/** Actions are numbered over the whole namespace. */
const mask = (filters: readonly Json[]): string => JSON.stringify(filters).replaceAll(/"index":\d+/g, '"index":0');

test.serial('drivers are what ethtool tells; the real network card is only read', (t) => {
  const { rtnl } = makeRtnl(t);
  rtnl.links.add({ kind: 'bridge', name: 'br0' });
  rtnl.links.add({ kind: 'veth', name: 'left', peer: { name: 'right' } });
  t.like(rtnl.driver('left'), { driver: 'veth', busInfo: '' });
  t.like(rtnl.driver(rtnl.links.index('br0')), { driver: 'bridge', busInfo: 'N/A' });
  t.throws(() => rtnl.driver('lo'), { code: 'EOPNOTSUPP' });
  t.throws(() => rtnl.driver('nope'), { code: 'ENODEV' });
  using home = Rtnl.open();
  for (const { name } of home.links.list().filter(({ parentBus }) => parentBus === 'virtio')) {
    t.like(home.driver(name), { driver: 'virtio_net' });
  }
});

test.serial('errors name the request and the kernel\'s words; nothing is sent for what cannot be', (t) => {
  const { rtnl } = makeRtnl(t);
  const kinds = t.throws(() => rtnl.links.add({ kind: 'dummy', name: 'd0' }), { name: 'NetlinkError' });
  if ((kinds as { code?: string }).code === 'EOPNOTSUPP') {
    t.like(kinds, { syscall: 'RTM_NEWLINK', errno: 95, extAck: 'Unknown device type' });
    t.regex(kinds.message, /^Cannot create the dummy link "d0": RTM_NEWLINK failed with EOPNOTSUPP; the kernel says/);
  }
  t.throws(() => rtnl.links.get('nope'), { code: 'ENODEV', message: /RTM_GETLINK/ });
  t.throws(() => rtnl.links.set('nope', { up: true }), { code: 'ENODEV' });
  t.throws(() => rtnl.links.set(0, { group: 1 }), { code: 'ERR_INVALID_OPTION' });
  t.throws(() => rtnl.links.add({ kind: 'bridge', name: 'a/b' }), { code: 'ERR_INVALID_OPTION' });
  t.throws(() => rtnl.links.add({ kind: 'macvlan', name: 'mv', parent: 'nope' }), { code: 'ENODEV' });
  t.throws(() => rtnl.links.add({ kind: 'vlan', name: 'v', parent: 1, id: 4095 }), { code: 'ERR_INVALID_OPTION' });
  rtnl.close();
  rtnl.close();
  t.throws(() => rtnl.links.list(), { code: 'ERR_CLOSED' });
});
