/**
 * What the kernel forgets of a link: saved before it is changed, restored after.
 *
 *     address removed      ─► the route of its prefix goes; the last one of IPv4: all routes of the link
 *     link goes down       ─► routes, permanent neighbours and IPv6 addresses go
 *     link address changes ─► permanent neighbours go
 */

import { isDeepStrictEqual } from 'node:util';

import { NetlinkError } from '../../errors.ts';
import type { Address } from '../netlink/addresses.ts';
import type { NextHop, Route } from '../netlink/route.ts';
import type { Rtnl } from '../netlink/rtnl.ts';
import { sparse } from '../netlink/link.ts';
import type { SavedAddress, SavedAddressing, SavedNeighbour, SavedNextHop, SavedRoute } from './undo-steps.ts';

/** Flags of an address that its maker chooses; the others are the kernel's. */
const CHOSEN_FLAGS: readonly string[] = ['nodad', 'home', 'mngtmpaddr', 'noprefixroute', 'autojoin'];
const NODAD = 'nodad';

/** Reads what the kernel might forget of a link. */
export function saveAddressing(rtnl: Rtnl, link: string): SavedAddressing {
  return {
    addresses: listByAge(rtnl, link).map(savedAddress),
    routes: savedRoutes(rtnl, link),
    neighbours: savedNeighbours(rtnl, link),
  };
}

/** Nothing is there that could be forgotten. */
export function isEmptyAddressing({ addresses, routes, neighbours }: SavedAddressing): boolean {
  return addresses.length === 0 && routes.length === 0 && neighbours.length === 0;
}

/** Adds again what is missing. @throws AggregateError with what could not be added; the rest is there */
export function restoreAddressing(rtnl: Rtnl, link: string, saved: SavedAddressing): void {
  const failures: unknown[] = [];
  for (const address of saved.addresses) attempt(failures, () => restoreAddress(rtnl, link, address));
  restoreRoutes(failures, rtnl, link, saved.routes);
  for (const neighbour of saved.neighbours) {
    attempt(failures, () => rtnl.neighbours.add(link, { ...neighbour, replace: true }));
  }
  if (failures.length > 0) throw new AggregateError(failures, `Cannot restore all addresses and routes of "${link}"`);
}

/** The addresses of a link, oldest first: the kernel prefers one to another by that, and lists IPv6 the other way. */
export function listByAge({ addresses }: Rtnl, link: string): Address[] {
  const ipv6 = addresses.list({ link, family: 'inet6' }).reverse();
  return [...addresses.list({ link, family: 'inet' }), ...ipv6];
}

/** An address as `Addresses.add` takes it. */
export function savedAddress(one: Address): SavedAddress {
  const { address, prefixLength, peer, broadcast, label, scope, metric, protocol } = one;
  const finite = (seconds: number): number | undefined => (Number.isFinite(seconds) ? seconds : undefined);
  const flags = one.flags.filter((flag) => CHOSEN_FLAGS.includes(flag));
  return sparse<SavedAddress>({
    address: `${address}/${prefixLength}`,
    peer,
    broadcast,
    label,
    scope,
    flags: flags.length === 0 ? undefined : flags,
    metric,
    protocol,
    validLifetime: finite(one.validLifetime),
    preferredLifetime: finite(one.preferredLifetime),
  });
}

/** All but those that the kernel makes of addresses. */
function savedRoutes(rtnl: Rtnl, link: string): SavedRoute[] {
  const routes = rtnl.routes.list({ link, table: 'all' }).filter((route) => route.protocol !== 'kernel');
  return routes.map((route) => savedRoute(rtnl, route));
}

/** A route as `Routes.add` takes it. */
function savedRoute(rtnl: Rtnl, route: Route): SavedRoute {
  const { family, destination, source, gateway, index, preferredSource, metric, table, type, protocol, scope } = route;
  return sparse<SavedRoute>({
    family,
    destination,
    source,
    gateway,
    link: index === undefined ? undefined : rtnl.links.get(index).name,
    preferredSource,
    metric,
    table,
    type,
    protocol,
    scope,
    onlink: route.flags.includes('onlink') || undefined,
    metrics: route.metrics,
    nextHops: route.nextHops?.map((hop) => savedNextHop(rtnl, hop)),
  });
}

function savedNextHop(rtnl: Rtnl, { gateway, index, weight, flags }: NextHop): SavedNextHop {
  const onlink = flags.includes('onlink') || undefined;
  return sparse<SavedNextHop>({ gateway, link: rtnl.links.get(index).name, weight, onlink });
}

function savedNeighbours(rtnl: Rtnl, link: string): SavedNeighbour[] {
  const permanent = rtnl.neighbours.list({ link }).filter(({ state }) => state === 'permanent');
  return permanent.map(({ address, linkAddress, flags }) => sparse<SavedNeighbour>({ address, linkAddress, flags }));
}

/**
 * IPv6: without duplicate address detection first, as it was done before and routes refuse an address that is still
 * tentative; then without the flag, which would stay.
 */
function restoreAddress(rtnl: Rtnl, link: string, address: SavedAddress): void {
  const { flags = [] } = address;
  const isQuick = address.address.includes(':') && !flags.includes(NODAD);
  rtnl.addresses.add(link, { ...address, flags: isQuick ? [...flags, NODAD] : flags });
  if (isQuick) rtnl.addresses.add(link, { ...address, flags, replace: true });
}

/**
 * A gateway may be reachable by a later route: again and again, as long as one more can be added. What is there may
 * lack its preferred source, which goes with the address: such a route is replaced.
 */
function restoreRoutes(failures: unknown[], rtnl: Rtnl, link: string, routes: readonly SavedRoute[]): void {
  const there = savedRoutes(rtnl, link);
  let left = routes.filter((route) => !there.some((other) => isDeepStrictEqual(route, other)));
  while (left.length > 0) {
    const refused: unknown[] = [];
    const next = left.filter((route) => !attempt(refused, () => rtnl.routes.add(route, 'replace')));
    if (next.length === left.length) {
      failures.push(...refused);
      return;
    }
    left = next;
  }
}

/** Whether it is done, or was there. */
function attempt(failures: unknown[], add: () => void): boolean {
  try {
    add();
    return true;
  } catch (error) {
    if (error instanceof NetlinkError && error.code === 'EEXIST') return true;
    failures.push(error);
    return false;
  }
}
