/**
 * The bridge as the container's gateway: its addresses, or those of a veth into its VLAN.
 *
 *     no VLAN    "cni0" has 192.0.2.1/24
 *     VLAN 100   "cni0" ═ port "veth…", VLAN 100 ═══ "cni0.100" has 192.0.2.1/24
 */

import { NetlinkError } from '../../errors.ts';
import { Fd } from '../../native/fd.ts';
import { ERRNO } from '../../native/errno.ts';
import { openNamespace } from '../../native/namespace.ts';
import type { Address, NewAddress } from '../../sandbox/netlink/addresses.ts';
import type { Link } from '../../sandbox/netlink/link.ts';
import type { Rtnl } from '../../sandbox/netlink/rtnl.ts';
import { type Cidr, formatCidr, parseCidr } from '../addresses.ts';
import { during, refusal } from '../failure.ts';
import { addAddress } from '../ipam-configure.ts';
import { familyOf, overlaps } from '../prefix.ts';
import type { CniInterface } from '../types.ts';
import type { UndoList } from '../undo-list.ts';
import { type SharedBridge, takeBack } from './bridge-link.ts';
import type { BridgeConfig } from './config.ts';
import type { Gateways } from './gateway-plan.ts';
import { withBridgeLock } from './lock.ts';
import { addPort } from './port.ts';

/** What the steps need. */
export interface GatewayContext {
  readonly host: Rtnl;
  readonly bridge: SharedBridge;
  /** Indexes of the ports that this ADD has made: when it fails, they are nobody else's. */
  readonly ownPorts: Set<number>;
  readonly config: BridgeConfig;
}

/**
 * Gives the gateways their addresses.
 * @returns the interface that was added to the network for that: the one of the VLAN
 * @throws CniError
 */
export function setUpGateways(context: GatewayContext, gateways: Gateways, undo: UndoList): CniInterface | undefined {
  const { vlan } = context.config;
  const all = [...gateways[4], ...gateways[6]];
  if (all.length === 0) return undefined;
  return withBridgeLock(() => {
    const link = vlan === 0 ? context.bridge.link : ensureVlanInterface(context, undo);
    const message = vlan === 0 ? 'failed to set bridge addr' : 'failed to set vlan interface for bridge with addr';
    for (const cidr of all) during(message, () => ensureAddress(context, link, cidr, undo));
    return vlan === 0 ? undefined : { name: link.name, ...(link.address === undefined ? {} : { mac: link.address }) };
  });
}

function ensureVlanInterface(context: GatewayContext, undo: UndoList): Link {
  const { host, bridge, config } = context;
  const name = `${bridge.link.name}.${config.vlan}`;
  const known = host.links.find(name);
  if (known !== undefined) return known;
  return during(`failed to create vlan interface: faild to create vlan gateway ${JSON.stringify(name)}`, () => {
    using home = new Fd(openNamespace(), true);
    const { vlan, preserveDefaultVlan } = config;
    const port = addPort(
      {
        host,
        bridge: bridge.link,
        inside: { rtnl: host, fd: home.number },
        name,
        mtu: bridge.link.mtu,
        mac: undefined,
        hairpin: false,
        isolated: false,
        vlans: { vlan, vlanTrunk: undefined, preserveDefaultVlan },
        takeBack: (change) => sharedUndo(context, change),
      },
      undo,
    );
    context.ownPorts.add(port.index);
    host.links.set(name, { up: true });
    return host.links.get(name);
  });
}

/**
 * One address: there, or added in the place of those that are in its way. A bridge has one IPv4 address; IPv6 addresses
 * may stand side by side where their prefixes do not overlap.
 */
function ensureAddress(context: GatewayContext, link: Link, cidr: Cidr, undo: UndoList): void {
  const { host, config } = context;
  const text = formatCidr(cidr);
  const family = familyOf(cidr) === 4 ? 'inet' : 'inet6';
  const present = during('could not get list of IP addresses', () =>
    host.addresses.list({ link: link.index, family }),
  );
  // As in the reference, what comes behind the right address is in nobody's way.
  const at = present.findIndex((one) => formatCidr(cidrOf(one)) === text);
  const before = at < 0 ? present : present.slice(0, at);
  const inTheWay = before.filter((one) => family === 'inet' || overlaps(cidrOf(one), cidr));
  const quoted = JSON.stringify(link.name);
  if (inTheWay.length > 0 && !config.forceAddress) {
    throw refusal(`${quoted} already has an IP address different from ${text}`);
  }
  // The last one first: with the first address of a prefix the kernel removes all others of it.
  for (const old of inTheWay.toReversed()) removeAddress(context, link, old, undo);
  if (at >= 0) return;
  undo.step(
    `gateway ${text}`,
    () => during(`could not add IP address to ${quoted}`, () => addUnlessThere(host, link, cidr)),
    () => sharedUndo(context, () => host.addresses.delete(link.index, text)),
  );
  undo.step('bridge address', () => pinAddress(host, link));
}

function removeAddress(context: GatewayContext, link: Link, old: Address, undo: UndoList): void {
  const { host } = context;
  const text = formatCidr(cidrOf(old));
  const message = `could not remove IP address from ${JSON.stringify(link.name)}`;
  undo.step(
    `old gateway ${text}`,
    () => during(message, () => host.addresses.delete(link.index, text)),
    () => sharedUndo(context, () => host.addresses.add(link.index, asNewAddress(old))),
  );
}

/** Of a bridge whose last port has left it. */
const NO_ADDRESS = '00:00:00:00:00:00';

/** The flags that whoever adds an address chooses; the others tell what became of it. */
const CHOSEN_FLAGS = ['home', 'nodad', 'mngtmpaddr', 'noprefixroute', 'autojoin'];

/** What adds the address again as it was. */
function asNewAddress(old: Address): NewAddress {
  const { broadcast, peer, label, scope, flags, metric, validLifetime, preferredLifetime } = old;
  return {
    address: formatCidr(cidrOf(old)),
    scope,
    flags: flags.filter((flag) => CHOSEN_FLAGS.includes(flag)),
    validLifetime,
    preferredLifetime,
    ...(broadcast === undefined ? {} : { broadcast }),
    ...(peer === undefined ? {} : { peer }),
    ...(label === undefined ? {} : { label }),
    ...(metric === undefined ? {} : { metric }),
  };
}

/**
 * Its own link address, said aloud: otherwise the bridge takes the lowest of its ports', which come and go. One whose
 * ports had all gone had none before this ADD's joined.
 */
function pinAddress(host: Rtnl, { index, address: before }: Link): void {
  const address = before === NO_ADDRESS ? host.links.get(index).address : before;
  if (address === undefined) return;
  during("could not set bridge's mac", () => host.links.set(index, { address }));
}

function addUnlessThere(host: Rtnl, link: Link, cidr: Cidr): void {
  try {
    addAddress(host, link.index, cidr);
  } catch (error) {
    if (!(error instanceof NetlinkError && error.errno === ERRNO.EEXIST)) throw error;
  }
}

/** The ADD that fails still has its own ports: they are no reason to leave things as they are. */
function sharedUndo({ host, bridge, ownPorts }: GatewayContext, change: () => void): void {
  takeBack(host, bridge.link.name, new Set([...bridge.portsBefore, ...ownPorts]), change);
}

const cidrOf = ({ address, prefixLength }: Address): Cidr => parseCidr(`${address}/${prefixLength}`);
