/**
 * What a guest is to be configured with, from what its endpoints were like in the namespace: Kata's
 * generateVCNetworkStructures.
 */

import type { Neighbour } from '../netlink/neighbours.ts';
import type { Route } from '../netlink/route.ts';
import type { Dns, Endpoint } from './endpoint.ts';

/** The kernel of the guest makes these itself, from the addresses. */
const KERNEL_PROTOCOL = 'kernel';
/** States of a neighbour whose link address is known. */
const KNOWN_STATES: readonly string[] = ['reachable', 'stale', 'delay', 'probe'];

/** One interface of a guest. */
export interface GuestInterface {
  /** Name that it is to have. */
  readonly name: string;
  /** The interface of the guest that has this address is meant: `02:00:00:00:00:01`. */
  readonly hardwareAddress: string;
  /** In bytes. */
  readonly mtu: number;
  /** `192.0.2.1/24`, without those of the loopback. */
  readonly addresses: readonly string[];
  /** The interface does not resolve addresses (IFF_NOARP). */
  readonly noArp: boolean;
}

/** One route of a guest. */
export interface GuestRoute {
  /** `default` or `192.0.2.0/24`. */
  readonly destination: string;
  readonly family: Route['family'];
  readonly gateway?: string;
  /** Name of the interface. */
  readonly device: string;
  /** Address that packets come from by default. */
  readonly source?: string;
  readonly scope: string;
  readonly metric?: number;
  /** In bytes. */
  readonly mtu?: number;
  readonly onlink?: boolean;
}

/** One entry of the guest's ARP or neighbour cache. */
export interface GuestNeighbour {
  readonly address: string;
  readonly device: string;
  readonly linkAddress?: string;
  readonly state: string;
  readonly flags: readonly string[];
}

/** All that a guest is told. */
export interface GuestNetwork {
  readonly interfaces: readonly GuestInterface[];
  readonly routes: readonly GuestRoute[];
  readonly neighbours: readonly GuestNeighbour[];
  /** Of the first endpoint that has some. */
  readonly dns?: Dns;
}

/** Gathers what a guest is to be configured with. Endpoints that were not scanned say nothing. */
export function guestNetworkOf(endpoints: readonly Endpoint[]): GuestNetwork {
  const dns = endpoints.find(({ properties }) => properties?.dns !== undefined)?.properties?.dns;
  return {
    interfaces: endpoints.flatMap(guestInterface),
    routes: endpoints.flatMap(guestRoutes),
    neighbours: endpoints.flatMap(guestNeighbours),
    ...(dns === undefined ? {} : { dns }),
  };
}

function guestInterface({ name, hardwareAddress, properties }: Endpoint): GuestInterface[] {
  if (properties === undefined) return [];
  const addresses = properties.addresses
    .filter(({ address }) => address !== '::1' && !address.startsWith('127.'))
    .map(({ address, prefixLength }) => `${address}/${prefixLength}`);
  const noArp = properties.link.flagNames.includes('NOARP');
  return [{ name, hardwareAddress, mtu: properties.link.mtu, addresses, noArp }];
}

function guestRoutes({ name, properties }: Endpoint): GuestRoute[] {
  const routes = properties?.routes ?? [];
  return routes.filter(({ protocol }) => protocol !== KERNEL_PROTOCOL).map((route) => guestRoute(name, route));
}

function guestRoute(device: string, route: Route): GuestRoute {
  const { destination, family, gateway, preferredSource, scope, metric, metrics, flags } = route;
  return {
    destination,
    family,
    device,
    scope,
    ...(gateway === undefined ? {} : { gateway }),
    ...(preferredSource === undefined ? {} : { source: preferredSource }),
    ...(metric === undefined ? {} : { metric }),
    ...(metrics?.mtu === undefined ? {} : { mtu: metrics.mtu }),
    ...(flags.includes('onlink') ? { onlink: true } : {}),
  };
}

function guestNeighbours({ name, properties }: Endpoint): GuestNeighbour[] {
  const gateways = gatewaysOf(properties?.routes ?? []);
  const neighbours = properties?.neighbours ?? [];
  return neighbours.filter((one) => isForGuest(one, gateways)).map(({ address, linkAddress, state, flags }) => ({
    address,
    device: name,
    state,
    flags,
    ...(linkAddress === undefined ? {} : { linkAddress }),
  }));
}

/** Addresses that routes lead over. */
export function gatewaysOf(routes: readonly Route[]): ReadonlySet<string> {
  const gateways = routes.flatMap(({ gateway, nextHops = [] }) => [gateway, ...nextHops.map((hop) => hop.gateway)]);
  return new Set(gateways.filter((gateway) => gateway !== undefined));
}

/** What somebody wrote down, and who is a gateway with a link address: a guest may not be able to ask for that one. */
export function isForGuest({ address, linkAddress, state }: Neighbour, gateways: ReadonlySet<string>): boolean {
  if (state === 'permanent') return true;
  return linkAddress !== undefined && gateways.has(address) && KNOWN_STATES.includes(state);
}
