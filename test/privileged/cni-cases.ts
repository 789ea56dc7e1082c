/** Configurations that ours and the reference must do the same with. Their names are those of the reference's tests. */

import type { Config } from './cni-site.ts';

/** One case. */
export interface Case {
  readonly name: string;
  readonly config: Config;
  readonly env?: Readonly<Record<string, string>>;
  /** Commands of ip(8) before it, in the host's namespace. */
  readonly before?: readonly string[];
  /** CHECK of the reference, in Debian's version, fails although nothing is wrong. */
  readonly debianCheckFails?: string;
}

const V4 = { subnet: '198.51.100.0/24' };
const V6 = { subnet: '2001:db8:7::/64' };

/** A configuration of version 1.0.0. */
export const network = (options: Config = {}): Config => ({
  cniVersion: '1.0.0',
  name: 'net1',
  type: 'bridge',
  bridge: 'cni0',
  ...options,
});

/** IPAM of host-local; each range is a set of its own. */
export const hostLocal = (ranges: readonly Config[], more: Config = {}): Config => ({
  type: 'host-local',
  ranges: ranges.map((range) => [range]),
  dataDir: 'DATA',
  ...more,
});

const both = hostLocal([V4, V6]);
const v4 = hostLocal([V4]);
const v6 = hostLocal([V6]);

/** Networks that work. */
export const CASES: readonly Case[] = [
  { name: 'the least that is allowed', config: { cniVersion: '1.0.0', name: 'net1', type: 'bridge', ipam: v4 } },
  {
    name: 'IPv4, default route, masquerade, hairpin, MTU',
    config: network({ isDefaultGateway: true, ipMasq: true, hairpinMode: true, mtu: 1400, ipam: v4 }),
  },
  { name: 'IPv6, default route', config: network({ isDefaultGateway: true, ipam: v6 }) },
  {
    name: 'both families, default routes, masquerade',
    config: network({ isDefaultGateway: true, ipMasq: true, ipam: both }),
  },
  {
    name: 'three subnets',
    config: network({ isDefaultGateway: true, ipam: hostLocal([V6, { subnet: '2001:db8:8::/64' }, V4]) }),
  },
  {
    name: 'a gateway without a default route, routes of IPAM',
    debianCheckFails: 'it takes a route without a gateway for one whose gateway is none',
    config: network({
      isGateway: true,
      ipam: hostLocal([V4], { routes: [{ dst: '203.0.113.0/24' }, { dst: '192.0.2.0/24', gw: '198.51.100.9' }] }),
    }),
  },
  {
    name: 'the gateway that IPAM names, and its own default route',
    config: network({
      isDefaultGateway: true,
      ipam: hostLocal([{ ...V4, gateway: '198.51.100.77' }], { routes: [{ dst: '0.0.0.0/0', gw: '198.51.100.77' }] }),
    }),
  },
  {
    name: 'dns of the network',
    config: network({ ipam: v4, dns: { nameservers: ['192.0.2.53'], search: ['example.org'] } }),
  },
  { name: 'layer 2', debianCheckFails: 'it asks an IPAM plugin that has no name', config: network({ ipam: {} }) },
  { name: 'promiscuous mode', config: network({ isGateway: true, promiscMode: true, ipam: v4 }) },
  { name: 'duplicate address detection', config: network({ isDefaultGateway: true, enabledad: true, ipam: both }) },
  {
    name: 'an address of CNI_ARGS',
    config: network({ ipam: v4 }),
    env: { CNI_ARGS: 'IgnoreUnknown=1;MAC=02:00:00:00:00:11' },
  },
  {
    name: 'an address of args wins over CNI_ARGS',
    config: network({ ipam: v4, args: { cni: { mac: '02:00:00:00:00:12' } } }),
    env: { CNI_ARGS: 'IgnoreUnknown=1;MAC=02:00:00:00:00:11' },
  },
  {
    name: 'an address of runtimeConfig wins over all',
    config: network({
      ipam: v4,
      args: { cni: { mac: '02:00:00:00:00:12' } },
      capabilities: { mac: true },
      runtimeConfig: { mac: '02:00:00:00:00:13' },
    }),
  },
  {
    name: 'spoof check',
    config: network({ macspoofchk: true, runtimeConfig: { mac: '02:00:00:00:00:07' }, ipam: v4 }),
  },
  {
    name: 'an existing bridge, down, with an MTU of its own',
    config: network({ isDefaultGateway: true, mtu: 1400, ipam: v4 }),
    before: ['ip link add cni0 address 02:00:00:00:00:01 mtu 1300 type bridge'],
  },
  {
    name: 'a bridge with its gateway',
    config: network({ isDefaultGateway: true, ipam: both }),
    before: [
      'ip link add cni0 up type bridge',
      'ip addr add 198.51.100.1/24 dev cni0',
      'ip addr add 2001:db8:7::1/64 dev cni0',
    ],
  },
  {
    name: 'forceAddress replaces an address of IPv4',
    config: network({ isGateway: true, forceAddress: true, ipam: v4 }),
    before: ['ip link add cni0 up type bridge', 'ip addr add 192.0.2.1/24 dev cni0'],
  },
  {
    name: 'forceAddress replaces an overlapping address of IPv6',
    config: network({ isGateway: true, forceAddress: true, ipam: v6 }),
    before: ['ip link add cni0 up type bridge', 'ip addr add 2001:db8:7::99/64 nodad dev cni0'],
  },
  {
    name: 'a disjoint address of IPv6 stays',
    config: network({ isGateway: true, ipam: v6 }),
    before: ['ip link add cni0 up type bridge', 'ip addr add 2001:db8:99::1/64 nodad dev cni0'],
  },
  {
    name: 'keys in another letter case',
    config: { CNIVERSION: '1.0.0', Name: 'net1', TYPE: 'bridge', bridgE: 'cni7', isgateway: true, IPAM: v4 },
  },
  {
    name: 'no cniVersion, and one that is null',
    config: { name: 'net1', type: 'bridge', cniVersion: null, isGateway: true, ipam: v4 },
  },
  {
    name: 'the right address before another one',
    config: network({ isGateway: true, ipam: v4 }),
    before: [
      'ip link add cni0 address 02:00:00:00:00:01 up type bridge',
      'ip addr add 198.51.100.1/24 dev cni0',
      'ip addr add 192.0.2.1/24 dev cni0',
    ],
  },
  {
    name: 'forceAddress removes what is before the right address, and leaves what is behind it',
    config: network({ isGateway: true, forceAddress: true, ipam: v4 }),
    before: [
      'ip link add cni0 address 02:00:00:00:00:01 up type bridge',
      'ip addr add 192.0.2.1/24 dev cni0',
      'ip addr add 198.51.100.1/24 dev cni0',
      'ip addr add 203.0.113.1/24 dev cni0',
    ],
  },
  {
    name: 'a gateway outside the subnet, for a container without routes to it',
    config: network({ ipam: hostLocal([{ ...V4, gateway: '203.0.113.1' }]) }),
  },
  {
    name: 'requested addresses of both kinds',
    config: network({
      isDefaultGateway: true,
      ipam: both,
      args: { cni: { ips: ['198.51.100.77'] } },
      runtimeConfig: { ips: ['2001:db8:7::77/64'] },
    }),
  },
  {
    name: 'ranges of the runtime before those of the network',
    config: network({ isGateway: true, ipam: v6, runtimeConfig: { ipRanges: [[V4]] } }),
  },
  { name: 'a short MTU', config: network({ mtu: 68, ipam: v4 }) },
  ...['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0'].map((cniVersion) => ({
    name: `version ${cniVersion}`,
    config: { ...network({ isDefaultGateway: true, ipMasq: true, ipam: both }), cniVersion },
  })),
];

/** A case with what somebody does to the machine between ADD and CHECK. */
export interface Tampered {
  readonly name: string;
  /** A command of ip(8) or of another program, in the host's namespace or the container's. */
  readonly command: string;
  readonly where: 'host' | 'container';
  /** CHECK of the reference passes. */
  readonly debianMissesIt?: boolean;
}

/** The network that CHECK looks at. */
export const CHECKED: Case = {
  name: 'checked',
  config: network({ isDefaultGateway: true, ipMasq: true, runtimeConfig: { mac: '02:00:00:00:00:07' }, ipam: both }),
};

/** What CHECK must notice, and what it does not mind. PORT is the name of the container's port. */
export const TAMPERED: readonly Tampered[] = [
  { name: 'nothing', command: 'true', where: 'host' },
  { name: 'the address is gone', command: 'ip addr del 198.51.100.2/24 dev eth0', where: 'container' },
  { name: 'the address of IPv6 is gone', command: 'ip addr del 2001:db8:7::2/64 dev eth0', where: 'container' },
  { name: 'the default route is gone', command: 'ip route del default', where: 'container' },
  { name: 'the default route of IPv6 is gone', command: 'ip -6 route del default', where: 'container' },
  {
    name: 'the default route has another gateway',
    command: 'ip route replace default via 198.51.100.9',
    where: 'container',
    debianMissesIt: true,
  },
  { name: 'another link address', command: 'ip link set eth0 address 02:00:00:00:00:99', where: 'container' },
  { name: 'the interface is gone', command: 'ip link del eth0', where: 'container' },
  { name: 'the port has left the bridge', command: 'ip link set PORT nomaster', where: 'host' },
  { name: 'the port has another link address', command: 'ip link set PORT address 02:00:00:00:00:97', where: 'host' },
  { name: 'the bridge is gone', command: 'ip link del cni0', where: 'host' },
  { name: 'the bridge has another name', command: 'ip link set cni0 name cni1', where: 'host' },
  { name: 'the bridge has another link address', command: 'ip link set cni0 address 02:00:00:00:00:98', where: 'host' },
  { name: 'the bridge is promiscuous', command: 'ip link set cni0 promisc on', where: 'host' },
  { name: 'the gateway’s address is gone', command: 'ip addr del 198.51.100.1/24 dev cni0', where: 'host' },
  { name: 'the rules are gone', command: 'iptables -t nat -F', where: 'host' },
];

/**
 * Networks that are refused. What is on the machine before stays as it was. Bridges have a link address of their own
 * here: the kernel gives one that has none another one with its first port, and takes it away with the last.
 */
export const REFUSED: readonly Case[] = [
  { name: 'hairpin with promiscuous mode', config: network({ hairpinMode: true, promiscMode: true, ipam: v4 }) },
  { name: 'a VLAN id below 0', config: network({ vlan: -100 }) },
  { name: 'a VLAN id above 4094', config: network({ vlan: 5000 }) },
  { name: 'a VLAN on a kernel without VLAN filtering', config: network({ vlan: 100, ipam: v4 }) },
  {
    name: 'a VLAN on a bridge without VLAN filtering',
    config: network({ vlan: 100, ipam: v4 }),
    before: ['ip link add cni0 address 02:00:00:00:00:01 up type bridge'],
  },
  { name: 'an IPAM plugin that is not there', config: network({ ipam: { type: 'nope' } }) },
  {
    name: 'a range that is none',
    config: network({ ipam: hostLocal([{ ...V4, rangeStart: '192.0.2.1' }]) }),
  },
  { name: 'a link that is no bridge', config: network({ ipam: v4 }), before: ['ip link add cni0 type ifb'] },
  {
    name: 'an address in the way',
    config: network({ isGateway: true, ipMasq: true, ipam: v4 }),
    before: ['ip link add cni0 address 02:00:00:00:00:01 up type bridge', 'ip addr add 192.0.2.1/24 dev cni0'],
  },
  {
    name: 'an overlapping address of IPv6 in the way',
    config: network({ isGateway: true, ipam: v6 }),
    before: [
      'ip link add cni0 address 02:00:00:00:00:01 up type bridge',
      'ip addr add 2001:db8:7::99/64 nodad dev cni0',
    ],
  },
  {
    name: 'an address in the way before the right one',
    config: network({ isGateway: true, ipam: v4 }),
    before: [
      'ip link add cni0 address 02:00:00:00:00:01 up type bridge',
      'ip addr add 192.0.2.1/24 dev cni0',
      'ip addr add 198.51.100.1/24 dev cni0',
    ],
  },
  {
    name: 'two gateways of IPv4',
    config: network({ isGateway: true, ipam: hostLocal([V4, { subnet: '192.0.2.0/24' }]) }),
  },
  {
    name: 'a route that cannot be reached',
    config: network({ ipam: hostLocal([V4], { routes: [{ dst: '192.0.2.0/24', gw: '203.0.113.1' }] }) }),
  },
  {
    name: 'a route with host bits',
    config: network({ isGateway: true, ipam: hostLocal([V4], { routes: [{ dst: '192.0.2.9/24' }] }) }),
  },
  {
    name: 'a route twice',
    config: network({
      ipam: hostLocal([V4], {
        routes: ['192.0.2.0/24', '192.0.2.0/24'].map((dst) => ({ dst, gw: '198.51.100.1' })),
      }),
    }),
  },
  { name: 'an exhausted range', config: network({ ipam: hostLocal([{ ...V4, rangeEnd: '198.51.100.1' }]) }) },
  { name: 'an MTU that is too small', config: network({ mtu: 10, ipam: v4 }) },
  { name: 'an MTU that is too large', config: network({ mtu: 70_000, ipam: v4 }) },
  { name: 'a multicast MAC address', config: network({ ipam: v4, runtimeConfig: { mac: '01:00:00:00:00:01' } }) },
  {
    name: 'a MAC address of eight bytes',
    config: network({ ipam: v4, runtimeConfig: { mac: '02:00:00:00:00:00:00:01' } }),
  },
  ...['', '..', 'a/b', 'a b', 'abcdefghijklmnop', 'a%d', 'lo'].map((bridge) => ({
    name: `the bridge ${JSON.stringify(bridge)}`,
    config: network({ bridge, ipam: v4 }),
  })),
  { name: 'an interface that is there', config: network({ ipam: v4 }), env: { CNI_IFNAME: 'lo' } },
  { name: 'an interface whose name is a pattern', config: network({ ipam: v4 }), env: { CNI_IFNAME: 'a%d' } },
  ...['../host-local', 'a/b', '..', '.'].map((type) => ({
    name: `the IPAM plugin ${JSON.stringify(type)}`,
    config: network({ ipam: { type } }),
  })),
  { name: 'folders without a plugin', config: network({ ipam: v4 }), env: { CNI_PATH: '/nowhere::/nowhere/else' } },
  { name: 'a range set that is empty', config: network({ ipam: { ...v4, ranges: [[]] } }) },
  {
    name: 'a requested address that no range has',
    config: network({ ipam: v4, args: { cni: { ips: ['192.0.2.9'] } } }),
  },
  { name: 'the gateway’s own address', config: network({ ipam: v4, runtimeConfig: { ips: ['198.51.100.1'] } }) },
  {
    name: 'a file of resolv.conf that is not there',
    config: network({ ipam: hostLocal([V4], { resolvConf: '/nowhere' }) }),
  },
  { name: 'an invalid MAC address', config: network({ ipam: v4, runtimeConfig: { mac: 'nonsense' } }) },
  { name: 'unknown CNI_ARGS', config: network({ ipam: v4 }), env: { CNI_ARGS: 'FOO=1' } },
  { name: 'CNI_ARGS that are no pairs', config: network({ ipam: v4 }), env: { CNI_ARGS: 'FOO' } },
  { name: 'a namespace that is not there', config: network({ ipam: v4 }), env: { CNI_NETNS: '/nonexistent/netns' } },
  { name: 'a file that is no namespace', config: network({ ipam: v4 }), env: { CNI_NETNS: '/etc/passwd' } },
  { name: 'a path through a file', config: network({ ipam: v4 }), env: { CNI_NETNS: '/etc/passwd/x' } },
  { name: 'a file of /proc', config: network({ ipam: v4 }), env: { CNI_NETNS: '/proc/version' } },
  { name: 'a namespace of another kind', config: network({ ipam: v4 }), env: { CNI_NETNS: '/proc/self/ns/uts' } },
  { name: 'an unknown version', config: { ...network({ ipam: v4 }), cniVersion: '9.9.9' } },
];
