/**
 * The bridge: found or made, brought up, and put back as it was when the ADD that touched it fails.
 *
 * A bridge is shared. What an ADD changed of it is taken back only as long as no other container's port has joined
 * since: then it is theirs, too. Everything that decides about that runs inside `withBridgeLock`.
 */

import { NetlinkError } from '../../errors.ts';
import { ERRNO } from '../../native/errno.ts';
import type { Link } from '../../sandbox/netlink/link.ts';
import type { Rtnl } from '../../sandbox/netlink/rtnl.ts';
import { during, refusal } from '../failure.ts';
import { type InterfaceSetting, readInterfaceSetting, tryWriteInterfaceSetting } from '../sysctl.ts';
import type { UndoList } from '../undo-list.ts';
import type { BridgeConfig } from './config.ts';
import { withBridgeLock } from './lock.ts';

/** A bridge with the ports that it had before this ADD. */
export interface SharedBridge {
  readonly link: Link;
  /** Made by this ADD. */
  readonly isNew: boolean;
  /** Indexes of the ports that were there. */
  readonly portsBefore: ReadonlySet<number>;
}

/** Finds the bridge by its name. @throws CniError when there is none, or another kind of link */
export function bridgeByName(host: Rtnl, name: string): Link {
  const link = host.links.find(name);
  if (link === undefined) throw refusal(`could not lookup ${JSON.stringify(name)}: Link not found`);
  if (link.kind === 'bridge') return link;
  throw refusal(`${JSON.stringify(name)} already exists but is not a bridge`);
}

/** Finds or makes the bridge of the configuration, and brings it up. To be called inside the lock. @throws CniError */
export function ensureBridge(host: Rtnl, config: BridgeConfig, undo: UndoList): SharedBridge {
  const name = config.bridge;
  return during(`failed to create bridge ${JSON.stringify(name)}`, () => {
    const before = host.links.find(name) && bridgeByName(host, name);
    const portsBefore = new Set(before === undefined ? [] : portsOf(host, before.index));
    const deleteIfOurs = (isOurs: boolean): void => {
      if (isOurs) takeBack(host, name, portsBefore, () => host.links.delete(name));
    };
    const isNew = before === undefined && undo.step('bridge', () => addBridge(host, config), deleteIfOurs);
    const link = bridgeByName(host, name);
    const setting: InterfaceSetting = { family: 'ipv6', name, setting: 'accept_ra' };
    const acceptRa = readOrUndefined(setting);
    undo.step('bridge state', () => bringUp(host, link, config, isNew), () => {
      if (!isNew) takeBack(host, name, portsBefore, () => restore(host, link, setting, acceptRa));
    });
    return { link, isNew, portsBefore };
  });
}

/**
 * Takes a change of a bridge back, unless a port of somebody else's has joined since.
 * @param portsBefore the ports that were there when it was made
 */
export function takeBack(host: Rtnl, bridge: string, portsBefore: ReadonlySet<number>, change: () => void): void {
  withBridgeLock(() => {
    const link = host.links.find(bridge);
    if (link === undefined) return;
    if (portsOf(host, link.index).every((port) => portsBefore.has(port))) change();
  });
}

const portsOf = (host: Rtnl, bridge: number): number[] => host.links.list({ master: bridge }).map(({ index }) => index);

/** False where another program was faster. */
function addBridge(host: Rtnl, { bridge: name, mtu, vlan, vlanTrunk }: BridgeConfig): boolean {
  const options = vlan !== 0 || vlanTrunk !== undefined ? { bridge: { vlanFiltering: true } } : {};
  try {
    host.links.add({ kind: 'bridge', name, ...(mtu === undefined ? {} : { mtu }), ...options });
    return true;
  } catch (error) {
    if (error instanceof NetlinkError && error.errno === ERRNO.EEXIST) return false;
    return during(`could not add ${JSON.stringify(name)}`, () => {
      throw error;
    });
  }
}

function bringUp(host: Rtnl, link: Link, config: BridgeConfig, isNew: boolean): void {
  const { name, address } = link;
  if (config.promiscuous) {
    const message = `could not set promiscuous mode on ${JSON.stringify(name)}`;
    during(message, () => host.links.set(link.index, { promiscuous: true }));
  }
  // The addresses of the bridge are the plugin's business, not a router's.
  tryWriteInterfaceSetting({ family: 'ipv6', name, setting: 'accept_ra' }, '0');
  // A bridge takes the lowest address of its ports unless it was given one, be it its own: that of a gateway must stay.
  const isPinned = isNew && config.isGateway && config.ipam !== undefined && config.vlan === 0;
  host.links.set(link.index, { up: true, ...(isPinned && address !== undefined ? { address } : {}) });
}

function restore(host: Rtnl, link: Link, setting: InterfaceSetting, acceptRa: string | undefined): void {
  const isPromiscuous = link.flagNames.includes('PROMISC');
  host.links.set(link.index, { up: link.isUp, promiscuous: isPromiscuous });
  if (acceptRa !== undefined) tryWriteInterfaceSetting(setting, acceptRa);
}

function readOrUndefined(setting: InterfaceSetting): string | undefined {
  try {
    return readInterfaceSetting(setting);
  } catch {
    return undefined; // Without IPv6 there is no such setting.
  }
}
