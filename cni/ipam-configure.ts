/**
 * Gives an interface of the container what IPAM has decided: addresses, then up, then routes, in this order, so that
 * the kernel announces the addresses when the interface comes up (arp_notify) and gateways can be reached when routes
 * are made.
 */

import type { NetNamespace } from '../sandbox/net-namespace.ts';
import type { Address } from '../sandbox/netlink/addresses.ts';
import type { NewRoute, RouteMetrics } from '../sandbox/netlink/route.ts';
import type { Rtnl } from '../sandbox/netlink/rtnl.ts';
import { sleep } from '../sandbox/sleep.ts';
import { type Cidr, formatCidr, parseCidr } from './addresses.ts';
import { during, refusal } from './failure.ts';
import { defaultDestination, familyOf, hostText, isIpv4, maskText } from './prefix.ts';
import { causeText } from './strerror.ts';
import { readInterfaceSetting, writeInterfaceSetting } from './sysctl.ts';
import type { CniResult, CniRoute } from './types.ts';
import type { UndoList } from './undo-list.ts';

/** How long duplicate address detection may take, and how often it is looked at. */
const SETTLE_MILLISECONDS = 5000, SETTLE_INTERVAL = 50;
/** Longest IPv4 prefix that has a broadcast address, RFC 3021. */
const BROADCAST_PREFIX_MAX = 30;
/** Scopes of rtnetlink(7) that have a name. */
const SCOPES: Readonly<Record<number, string>> = { 0: 'global', 200: 'site', 253: 'link', 254: 'host', 255: 'nowhere' };

/** Where to work. */
export interface ContainerLink {
  readonly rtnl: Rtnl;
  readonly namespace: NetNamespace;
  /** Name of the interface. */
  readonly name: string;
  readonly warn: (line: string) => void;
}

/** The part of a result that is configured. */
export type InterfaceConfig = Pick<CniResult, 'interfaces' | 'ips' | 'routes'>;

/** Configures the interface. @throws CniError with the reference's words */
export async function configureInterface(link: ContainerLink, config: InterfaceConfig, undo: UndoList): Promise<void> {
  const { rtnl, name } = link;
  if (config.interfaces.length === 0) throw refusal('no interfaces to configure');
  const index = during(`failed to lookup ${JSON.stringify(name)}`, () => rtnl.links.index(name));
  const cidrs = addressesFor(name, config);
  if (cidrs.some((cidr) => !isIpv4(cidr))) enableIpv6(link, undo);
  for (const cidr of cidrs) {
    const message = `failed to add IP addr ${formatCidr(cidr)} to ${JSON.stringify(name)}`;
    undo.step(`address ${formatCidr(cidr)}`, () => during(message, () => addAddress(rtnl, index, cidr)));
  }
  undo.step('container up', () => {
    during(`failed to set ${JSON.stringify(name)} UP`, () => rtnl.links.set(index, { up: true }));
  });
  const gateways = gatewaysOf(config);
  if (gateways[6] !== undefined) {
    await undo.begin('settle', () => settleAddresses(rtnl, name));
  }
  for (const route of config.routes) {
    undo.step(`route ${route.dst}`, () => addRoute(rtnl, { name, index }, route, gateways));
  }
}

/** Adds an address as the reference does: with the broadcast address of its prefix. @throws NetlinkError */
export function addAddress(rtnl: Rtnl, link: number, cidr: Cidr): void {
  const broadcast = isIpv4(cidr) && cidr.prefixLength <= BROADCAST_PREFIX_MAX ? { broadcast: 'auto' } : {};
  rtnl.addresses.add(link, { address: formatCidr(cidr), ...broadcast });
}

/** Addresses that name no interface are nobody's. @throws CniError for those that name another one */
function addressesFor(name: string, { interfaces, ips }: InterfaceConfig): Cidr[] {
  return ips.flatMap(({ interface: index, address }) => {
    if (index === undefined) return [];
    if (interfaces[index]?.name === name) return [parseCidr(address)];
    throw refusal(`failed to add IP addr ${address} to ${JSON.stringify(name)}: invalid interface index`);
  });
}

/** IPv6 may be off in the container; its addresses should survive the interface's going down. */
function enableIpv6({ namespace, name, warn }: ContainerLink, undo: UndoList): void {
  for (const iface of ['lo', name]) {
    const setting = { family: 'ipv6', name: iface, setting: 'disable_ipv6' } as const;
    const read = (): string => namespace.runSync(() => readInterfaceSetting(setting));
    const before = readOrWarn(read, `${iface}/disable_ipv6`, warn);
    if (before === undefined || before === '0') continue;
    const write = (value: string): void => namespace.runSync(() => writeInterfaceSetting(setting, value));
    const state = `net/ipv6/conf/${iface}/disable_ipv6=${before}`;
    const message = `failed to enable IPv6 for interface ${JSON.stringify(iface)} (${state})`;
    undo.step(`IPv6 of ${iface}`, () => during(message, () => write('0')), () => {
      if (iface === 'lo') write(before); // the other one goes with its link
    });
  }
  const keep = { family: 'ipv6', name, setting: 'keep_addr_on_down' } as const;
  during(`failed to enable keep_addr_on_down for interface ${JSON.stringify(name)}`, () =>
    namespace.runSync(() => writeInterfaceSetting(keep, '1')),
  );
}

function readOrWarn(read: () => string, setting: string, warn: (line: string) => void): string | undefined {
  const path = `net/ipv6/conf/${setting}`;
  try {
    return read();
  } catch (error) {
    warn(`ipam_linux: failed to read sysctl ${JSON.stringify(path)}: open /proc/sys/${path}: ${causeText(error)}`);
    return undefined;
  }
}

/**
 * Waits until no IPv6 address of the interface is tentative: until then it cannot be sent from. An interface without
 * carrier does not get there, and is not waited for to the end.
 * @throws CniError when an address is somebody else's, or is not settled in time
 */
export async function settleAddresses(rtnl: Rtnl, name: string, timeout: number = SETTLE_MILLISECONDS): Promise<void> {
  const deadline = performance.now() + timeout;
  const message = `failed to settle addresses for ${JSON.stringify(name)}`;
  while (during(message, () => isUnsettled(name, rtnl.addresses.list({ link: name, family: 'inet6' })))) {
    if (performance.now() < deadline) {
      await sleep(SETTLE_INTERVAL, undefined);
      continue;
    }
    if (rtnl.links.get(name).operationalState !== 'UP') return;
    throw refusal(`${message}: link ${name} still has tentative addresses after ${timeout / 1000} seconds`);
  }
}

function isUnsettled(name: string, addresses: readonly Address[]): boolean {
  const failed = addresses.find(({ flags }) => flags.includes('dadfailed'));
  if (failed !== undefined) throw refusal(`link ${name} has address ${failed.address} in DADFAILED state`);
  return addresses.some(({ flags }) => flags.includes('tentative'));
}

type FamilyGateways = { readonly [family in 4 | 6]: string | undefined };

/** The first gateway of each family: that of routes which have none. */
function gatewaysOf({ ips }: InterfaceConfig): FamilyGateways {
  const first = (family: 4 | 6): string | undefined =>
    ips.find(({ gateway, address }) => gateway !== undefined && familyOf(parseCidr(address)) === family)?.gateway;
  return { 4: first(4), 6: first(6) };
}

interface NamedLink {
  readonly name: string;
  readonly index: number;
}

/** Adds a route before those with the same destination, as the reference does: IPv6 makes one of several ways of it. */
function addRoute(rtnl: Rtnl, link: NamedLink, route: CniRoute, gateways: FamilyGateways): void {
  const family = familyOf(parseCidr(route.dst));
  const gateway = route.gw ?? gateways[family];
  during(`failed to add route '${goPrefix(route.dst)} via ${gateway ?? '<nil>'} dev ${link.name}'`, () =>
    rtnl.routes.add(newRoute(link.index, route, family, gateway), 'prepend'),
  );
}

/** A prefix as Go prints its struct, `{192.0.2.0 ffffff00}`: address and mask. */
function goPrefix(dst: string): string {
  const cidr = parseCidr(dst);
  return `{${hostText(cidr)} ${maskText(cidr)}}`;
}

function newRoute(link: number, route: CniRoute, family: 4 | 6, gateway: string | undefined): NewRoute {
  const { dst, priority, table, scope, mtu, advmss } = route;
  const isDefault = dst === defaultDestination(family);
  const metrics: RouteMetrics = { ...(mtu === undefined ? {} : { mtu }), ...(advmss === undefined ? {} : { advmss }) };
  return {
    destination: isDefault ? 'default' : dst,
    family: family === 4 ? 'inet' : 'inet6',
    link,
    scope: scopeName(scope ?? 0),
    ...(gateway === undefined ? {} : { gateway }),
    ...(priority === undefined || priority === 0 ? {} : { metric: priority }),
    ...(table === undefined ? {} : { table }),
    ...(Object.keys(metrics).length === 0 ? {} : { metrics }),
  };
}

/** @throws CniError for a number that stands for no scope */
function scopeName(scope: number): string {
  const name = SCOPES[scope];
  if (name === undefined) throw refusal(`scope ${scope} has no name; 0, 200, 253, 254 or 255 is required`);
  return name;
}
