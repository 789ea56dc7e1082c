/** What the tests of sandbox/ share: a namespace with its rtnetlink, and what iproute2 says of it. */

import { spawnSync } from 'node:child_process';

import type { ExecutionContext } from 'ava';

import { closeFd, createNetworkNamespace, runInNamespace } from '../../native/index.ts';
import { type Address, type Link, type Neighbour, type Route, Rtnl } from '../../sandbox/index.ts';

/** Makes a namespace and opens its rtnetlink; both go with the test. */
export function makeRtnl(t: ExecutionContext): { rtnl: Rtnl; namespace: number } {
  const namespace = createNetworkNamespace();
  t.teardown(() => closeFd(namespace));
  const rtnl = Rtnl.open(namespace);
  t.teardown(() => rtnl.close());
  return { rtnl, namespace };
}

/** One object of iproute2's JSON. */
export type Json = Readonly<Record<string, unknown>>;

/** Runs `ip`, `bridge` or `tc` with -j -d in a namespace: its JSON, without the empty objects of what it left out. */
export function iproute(namespace: number, command: string, args: string): Json[] {
  const { stdout, stderr, status } = runInNamespace(namespace, () =>
    spawnSync(command, ['-j', '-d', ...args.split(' ')], { encoding: 'utf8' }),
  );
  if (status !== 0) throw new Error(`${command} ${args}: ${stderr}`);
  const objects = JSON.parse(stdout === '' ? '[]' : stdout) as Json[];
  return objects.filter((object) => Object.keys(object).length > 0);
}

/** Drops what is undefined, as JSON does. */
export const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** Keys of `ip -j -d link` that this package does not read: modes that nothing here sets. */
const UNREAD_LINK_KEYS = ['linkmode', 'inet6_addr_gen_mode', 'linkinfo'];

/** `ip -j -d link`, but for the kinds. */
export function asIpLink(link: Link, links: readonly Link[]): Json {
  const parent = links.find(({ index }) => index === link.parent)?.name;
  const isHere = link.parentNamespaceId === undefined;
  return plain({
    ifindex: link.index,
    link: isHere ? parent : undefined,
    link_index: isHere ? undefined : link.parent,
    link_netnsid: link.parentNamespaceId,
    ifname: link.name,
    flags: ipFlags(link),
    mtu: link.mtu,
    qdisc: link.qdisc,
    master: links.find(({ index }) => index === link.master)?.name,
    operstate: link.operationalState,
    group: link.group === 0 ? 'default' : String(link.group),
    txqlen: link.transmitQueueLength,
    link_type: link.hardwareType === 772 ? 'loopback' : 'ether',
    address: link.address,
    broadcast: link.broadcast,
    promiscuity: link.promiscuity,
    allmulti: link.allMulticast,
    min_mtu: link.minMtu,
    max_mtu: link.maxMtu,
    num_tx_queues: link.transmitQueues,
    num_rx_queues: link.receiveQueues,
    gso_max_size: link.gsoMaxSize,
    gso_max_segs: link.gsoMaxSegments,
    tso_max_size: link.tsoMaxSize,
    tso_max_segs: link.tsoMaxSegments,
    gro_max_size: link.groMaxSize,
    ifalias: link.alias,
    altnames: link.alternativeNames.length === 0 ? undefined : link.alternativeNames,
  });
}

/** ip(8) shows UP late, RUNNING only where LOWER_UP is not, and NO-CARRIER where a link is up without it. */
function ipFlags({ flagNames, isUp }: Link): string[] {
  const isRunning = flagNames.includes('RUNNING');
  return [...(isUp && !isRunning ? ['NO-CARRIER'] : []), ...flagNames.filter((name) => name !== 'RUNNING')].sort();
}

/** An object of ip's, with what is compared as a set in order, and without what is not read. */
export function readIpLink(object: Json): Json {
  const entries = Object.entries(object).filter(([key]) => !UNREAD_LINK_KEYS.includes(key));
  return { ...Object.fromEntries(entries), flags: [...(object['flags'] as string[])].sort() };
}

const seconds = (value: number): number => (value === Number.POSITIVE_INFINITY ? 0xffff_ffff : value);

/** One of `addr_info` of `ip -j -d addr`. */
export function asIpAddress(address: Address): Json {
  const flags = address.flags.filter((flag) => flag !== 'permanent' && flag !== 'secondary');
  const isDynamic = !address.flags.includes('permanent');
  return plain({
    family: address.family,
    local: address.address,
    address: address.peer,
    prefixlen: address.prefixLength,
    metric: address.metric,
    broadcast: address.broadcast,
    scope: address.scope,
    ...(isDynamic ? { dynamic: true } : {}),
    ...(address.flags.includes('secondary') ? { secondary: true } : {}),
    ...Object.fromEntries(flags.map((flag) => [flag, true])),
    label: address.label,
    valid_life_time: seconds(address.validLifetime),
    preferred_life_time: seconds(address.preferredLifetime),
  });
}

/** `ip -j -d route`. */
export function asIpRoute(route: Route, links: readonly Link[]): Json {
  const nameOf = (index: number | undefined): string | undefined => links.find((link) => link.index === index)?.name;
  const { family, gateway, metrics } = route;
  const isVia = gateway !== undefined && gateway.includes(':') !== (family === 'inet6');
  return plain({
    type: route.type,
    dst: route.destination.replace(/\/(?:32|128)$/, ''),
    ...(isVia ? { via: { family: 'inet6', host: gateway } } : { gateway }),
    dev: nameOf(route.index),
    table: route.table === 254 ? undefined : String(route.table),
    protocol: route.protocol,
    scope: route.scope,
    prefsrc: route.preferredSource,
    metric: route.metric,
    flags: route.flags,
    metrics: metrics === undefined ? undefined : [plain({ mtu: metrics.mtu, advmss: metrics.advmss })],
    nexthops: route.nextHops?.map((hop) => ({
      gateway: hop.gateway,
      dev: nameOf(hop.index),
      weight: hop.weight,
      flags: hop.flags,
    })),
    pref: route.preference,
  });
}

/** `ip -j -d neigh`. */
export function asIpNeighbour(neighbour: Neighbour, links: readonly Link[]): Json {
  return plain({
    dst: neighbour.address,
    dev: links.find((link) => link.index === neighbour.index)?.name,
    lladdr: neighbour.linkAddress,
    ...(neighbour.flags.includes('router') ? { router: null } : {}),
    state: [neighbour.state.toUpperCase()],
  });
}
