/**
 * The state of a machine as far as a network plugin changes it, in a form in which two machines can be compared: random
 * names and link addresses are numbered in the order in which they come.
 *
 * Left out is what the kernel does by itself and in its own time: link-local addresses and their routes, the local
 * routes of IPv6, and whether a bridge has noticed that it has a carrier (linkwatch looks once a second).
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { runInNamespace } from '../../native/index.ts';
import { Rtnl } from '../../sandbox/index.ts';
import type { Container, Site } from './cni-site.ts';

/** Settings that the plugins write, or might. */
const SETTINGS = [
  'ipv4/arp_notify',
  'ipv6/accept_ra',
  'ipv6/accept_dad',
  'ipv6/enhanced_dad',
  'ipv6/disable_ipv6',
  'ipv6/keep_addr_on_down',
];
const FORWARDING = ['ipv4/ip_forward', 'ipv6/conf/all/forwarding'];
const LOCAL_TABLE = 255;
const RANDOM = /veth[0-9a-f]{8}|(?:[0-9a-f]{2}:){5}[0-9a-f]{2}/g;
/** Link addresses that say something. */
const TELLING = /^(?:00:){5}00$|^(?:ff:){5}ff$|^02:00:00:00:00:/;

/** Everything: links, addresses, routes, settings and rules of host and containers, and the files of IPAM. */
export function stateOf(site: Site, containers: readonly Container[]): unknown {
  return mask({
    host: namespaceState(site.host),
    containers: containers.map(({ fd }) => namespaceState(fd)),
    rules: rulesOf(site),
    files: filesOf(site.dataDir),
  });
}

/** Numbers what is random. @param masked parts of paths that differ, each with what stands for it */
export function mask<T>(value: T, masked: Readonly<Record<string, string>> = {}): T {
  let text = JSON.stringify(value);
  for (const [part, name] of Object.entries(masked)) text = text.replaceAll(part, name);
  const names = new Map<string, string>();
  const numbered = text.replaceAll(RANDOM, (found) => {
    if (TELLING.test(found)) return found;
    const kind = found.startsWith('veth') ? 'veth' : 'mac';
    const known = [...names.values()].filter((one) => one.startsWith(`<${kind}`)).length;
    const name = names.get(found) ?? `<${kind} ${known}>`;
    names.set(found, name);
    return name;
  });
  return JSON.parse(numbered) as T;
}

function namespaceState(namespace: number): unknown {
  using rtnl = Rtnl.open(namespace);
  const links = rtnl.links.list();
  const isOurs = (text: string): boolean => !/^fe80:|^ff00:/.test(text);
  return {
    links: links.map(({ index, name, kind, address, mtu, isUp, master, promiscuity, parent, ...link }) => ({
      ...{ index, name, kind, address, mtu, isUp, master, promiscuity, parent },
      operationalState: kind === 'bridge' ? undefined : link.operationalState,
      promiscuous: link.flagNames.includes('PROMISC'),
      port: link.bridgePort,
      vlanFiltering: link.bridge?.vlanFiltering,
    })),
    addresses: rtnl.addresses
      .list()
      .filter(({ address }) => isOurs(address))
      .map(({ flags, validLifetime, preferredLifetime, ...address }) => address),
    routes: rtnl.routes
      .list({ table: 'all' })
      .filter(({ destination, family, table }) => isOurs(destination) && !(family === 'inet6' && table === LOCAL_TABLE))
      .map(({ flags, ...route }) => ({ ...route, flags: flags.filter((flag) => flag !== 'linkdown') })),
    settings: runInNamespace(namespace, () =>
      links.filter(({ name }) => name !== 'lo').map(({ name }) => settingsOf(name)),
    ),
    forwarding: runInNamespace(namespace, () =>
      FORWARDING.map((path) => readFileSync(`/proc/sys/net/${path}`, 'utf8').trim()),
    ),
  };
}

function settingsOf(name: string): unknown {
  return SETTINGS.map((setting) => {
    const [family = '', key = ''] = setting.split('/');
    const path = join('/proc/sys/net', family, 'conf', name, key);
    return `${name} ${setting} ${existsSync(path) ? readFileSync(path, 'utf8').trim() : 'absent'}`;
  });
}

/** All rules, without handles and counters. */
export function rulesOf(site: Site): unknown {
  const iptables = ['iptables-save', 'ip6tables-save'].map((program) =>
    site
      .run(`${program} -t nat`)
      .split('\n')
      .filter((line) => !line.startsWith('#')),
  );
  return { iptables, nft: tablesOf(site) };
}

/**
 * The rules of nft, table by table in the order of their names. One process a table: nft(8) spells the targets of
 * iptables-nft by a library that it loads for one family, and leaves them blank in the tables of the other.
 */
function tablesOf(site: Site): string[] {
  const tables = site.run('nft list tables').trim().split('\n').filter(Boolean).sort();
  return tables.flatMap((table) => site.run(`nft -s list ${table}`).trimEnd().split('\n'));
}

/** Files below a folder: name and content. */
export function filesOf(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const pairs = files.map((entry): [string, string] => {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    return [path.slice(folder.length), readFileSync(path, 'utf8')];
  });
  return Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What an attachment leaves: the bridge, its addresses and settings stay after any DEL. */
export function leftOf(site: Site, container: Container): object {
  const rules = site.run('nft list ruleset');
  return {
    ports: site.rtnl.links.list({ kind: 'veth' }).map(({ name }) => name),
    inside: JSON.parse(site.run('ip -j link', container.fd)).map(({ ifname }: { ifname: string }) => ifname),
    chains: rules.match(/cni-br-iface\S*|CNI-\S*/g) ?? [],
    files: Object.keys(filesOf(site.dataDir)).filter((name) => !/last_reserved_ip|lock/.test(name)),
  };
}
