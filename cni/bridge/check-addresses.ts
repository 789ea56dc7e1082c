/** Whether a container has the addresses and the routes that a result names. */

import { NetlinkError } from '../../errors.ts';
import type { Route } from '../../sandbox/netlink/route.ts';
import type { Rtnl } from '../../sandbox/netlink/rtnl.ts';
import { formatCidr, parseCidr } from '../addresses.ts';
import { refusal } from '../failure.ts';
import { defaultDestination, familyOf, hostText, maskText, networkText } from '../prefix.ts';
import type { CniIp, CniRoute } from '../types.ts';

/** @throws CniError naming the first address, or route of its network, that is not there */
export function requireAddresses(container: Rtnl, name: string, ips: readonly CniIp[]): void {
  for (const { address, gateway } of ips) {
    const cidr = parseCidr(address);
    const present = addressesOf(container, name);
    if (!present.includes(formatCidr(cidr))) throw refusal(`Failed to match addr ${address} on interface ${name}`);
    const network = networkText(cidr);
    if (routesOf(container, familyOf(cidr)).some(({ destination }) => destination === network)) continue;
    throw refusal(`Failed to find Gateway ${gateway ?? '<nil>'} for interface ${name}`);
  }
}

/** @throws CniError naming the first route that is not there */
export function requireRoutes(container: Rtnl, routes: readonly CniRoute[]): void {
  for (const { dst, gw, table } of routes) {
    const cidr = parseCidr(dst);
    const family = familyOf(cidr);
    const destination = dst === defaultDestination(family) ? 'default' : networkText(cidr);
    const isIt = (route: Route): boolean =>
      route.destination === destination && (gw === undefined || gatewaysOf(route).includes(gw));
    if (routesOf(container, family, table).some(isIt)) continue;
    const struct = `{Dst:{IP:${hostText(cidr)} Mask:${maskText(cidr)}} GW:${gw ?? '<nil>'}}`;
    throw refusal(`Expected Route ${struct} not found in routing table`);
  }
}

function addressesOf(container: Rtnl, name: string): string[] {
  try {
    return container.addresses.list({ link: name }).map(({ address, prefixLength }) => `${address}/${prefixLength}`);
  } catch (error) {
    if (error instanceof NetlinkError) throw refusal(`Cannot find container link ${name}`);
    throw error;
  }
}

const routesOf = (container: Rtnl, family: 4 | 6, table?: number): Route[] =>
  container.routes.list({ family: family === 4 ? 'inet' : 'inet6', ...(table === undefined ? {} : { table }) });

/** A route has one way, or several. */
const gatewaysOf = ({ gateway, nextHops = [] }: Route): (string | undefined)[] => [
  gateway,
  ...nextHops.map((hop) => hop.gateway),
];
