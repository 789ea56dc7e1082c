/**
 * What is in a namespace that a sandbox could use: each configured interface, what it stands for, and its settings.
 *
 *     lo, br0, tap0 …         left out: the loopback, and what has no address that somebody gave it
 *     PCI network card   ─►   physical       by the bus information of its driver
 *     vhost-user socket  ─►   vhost-user     by a socket that is named after one of its addresses
 *     TAP, macvtap       ─►   tap, tuntap, macvtap   by the kind of the link
 *     everything else    ─►   virtual
 *
 * Scanning reads and changes nothing.
 */

import { SystemError } from '../../errors.ts';
import type { Address } from '../netlink/addresses.ts';
import type { Link } from '../netlink/link.ts';
import type { Rtnl } from '../netlink/rtnl.ts';
import type { EndpointProperties, EndpointType } from './endpoint.ts';
import { isPciAddress } from './pci-device.ts';
import { findVhostUserSocket } from './vhost-user-endpoint.ts';

/** IFLA_TUN_TYPE of a TUN interface, whose packets have no link header. */
const IFF_TUN = 1;

/** One interface that was found. */
export interface ScannedInterface {
  readonly type: EndpointType;
  readonly name: string;
  readonly properties: EndpointProperties;
  /** Of a physical one: `0000:00:03.0`. */
  readonly bdf?: string;
  /** Of a vhost-user one. */
  readonly socketPath?: string;
}

/** Options of `scanInterfaces`. */
export interface ScanOptions {
  /** Names of interfaces to leave out, because they are endpoints already. */
  readonly known?: readonly string[];
  /** Where vhost-user back ends have their directories. Default `/tmp`. */
  readonly vhostUserDirectory?: string;
  /** Told of an interface that has addresses and cannot be used. */
  readonly warn?: (message: string) => void;
}

/** Finds the interfaces of a namespace that can be endpoints, by index. @throws NetlinkError */
export function scanInterfaces(rtnl: Rtnl, options: ScanOptions = {}): ScannedInterface[] {
  const { known = [], warn = () => undefined, vhostUserDirectory = '/tmp' } = options;
  const found: ScannedInterface[] = [];
  for (const link of rtnl.links.list()) {
    if (isLoopback(link) || known.includes(link.name)) continue;
    const addresses = rtnl.addresses.list({ link: link.index });
    if (!addresses.some(isConfigured)) continue;
    if (link.tun?.type === IFF_TUN) {
      warn(`Interface "${link.name}" is left out: it is a TUN, whose packets have no link header`);
      continue;
    }
    const kind = classify(rtnl, link, addresses, vhostUserDirectory);
    found.push({ ...kind, name: link.name, properties: readProperties(rtnl, link, addresses) });
  }
  return found;
}

/** Whether the interface is a PCI device: Kata's isPhysicalIface. The loopback never is. */
export const isPhysicalInterface = (rtnl: Rtnl, name: string): boolean => busAddress(rtnl, name) !== undefined;

/** What a guest is to be configured with: settings of the interface as they are now. @throws NetlinkError */
function readProperties(rtnl: Rtnl, link: Link, addresses: readonly Address[]): EndpointProperties {
  const routes = rtnl.routes.list({ link: link.index });
  return { link, addresses, routes, neighbours: rtnl.neighbours.list({ link: link.index }) };
}

const isLoopback = ({ name, flagNames }: Link): boolean => name === 'lo' || flagNames.includes('LOOPBACK');

/** Every interface that is up has an IPv6 link-local address: that one says nothing. */
const isConfigured = ({ family, scope }: Address): boolean => !(family === 'inet6' && scope === 'link');

function classify(
  rtnl: Rtnl,
  link: Link,
  addresses: readonly Address[],
  directory: string,
): Pick<ScannedInterface, 'type' | 'bdf' | 'socketPath'> {
  const bdf = busAddress(rtnl, link.name);
  if (bdf !== undefined) return { type: 'physical', bdf };
  for (const { address } of addresses) {
    const socketPath = findVhostUserSocket(directory, address);
    if (socketPath !== undefined) return { type: 'vhost-user', socketPath };
  }
  if (link.kind === 'macvtap') return { type: 'macvtap' };
  if (link.kind === 'tun') return { type: isHeld(link) ? 'tuntap' : 'tap' };
  return { type: 'virtual' };
}

/**
 * A program has its queues open: what goes through it must be joined to a device of our own. Without persistence that
 * is all that keeps it; otherwise the carrier tells.
 */
const isHeld = ({ carrier, tun }: Link): boolean => tun?.persist !== true || carrier === true;

function busAddress(rtnl: Rtnl, name: string): string | undefined {
  if (name === 'lo') return undefined;
  try {
    const { busInfo } = rtnl.driver(name);
    return isPciAddress(busInfo) ? busInfo : undefined;
  } catch (error) {
    if (error instanceof SystemError) return undefined; // a driver that says nothing
    throw error;
  }
}
