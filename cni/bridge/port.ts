/**
 * A veth pair whose one end is a port of the bridge.
 *
 *     | host:  cni0 ═ port "veth1a2b3c4d" ═══╪═══ "eth0"  :container |
 *
 * The pair is made in one request, each end in its namespace: nothing has to be moved, and killing the plugin leaves
 * either both ends or none.
 */

import { NetlinkError } from '../../errors.ts';
import { ERRNO } from '../../native/errno.ts';
import type { Link } from '../../sandbox/netlink/link.ts';
import type { Rtnl } from '../../sandbox/netlink/rtnl.ts';
import { during, failure, refusal } from '../failure.ts';
import { tryWriteInterfaceSetting } from '../sysctl.ts';
import type { UndoList } from '../undo-list.ts';
import { setVlans, type VlanOptions } from './vlans.ts';

/** How many random names are tried: 32 bits rarely need a second one. */
const NAME_ATTEMPTS = 10;

/** What a pair is made of. */
export interface NewPort {
  readonly host: Rtnl;
  readonly bridge: Link;
  /** Rtnetlink and descriptor of the namespace of the other end. */
  readonly inside: { readonly rtnl: Rtnl; readonly fd: number };
  /** Name of the other end. */
  readonly name: string;
  readonly mtu: number | undefined;
  /** Link address of the other end; undefined for the kernel's choice. */
  readonly mac: string | undefined;
  readonly hairpin: boolean;
  readonly isolated: boolean;
  readonly vlans: VlanOptions;
  /** Takes the pair back when the ADD fails; a shared one may have to stay. Default: always. */
  readonly takeBack?: (change: () => void) => void;
}

/** Makes a pair and joins it to the bridge. To be called inside the lock. @returns the port @throws CniError */
export function addPort(port: NewPort, undo: UndoList): Link {
  const { host, bridge, hairpin, isolated, takeBack = (change) => change() } = port;
  const link = undo.step('veth', () => addVeth(port), (made) => takeBack(() => deletePort(host, made)));
  const { name, index } = link;
  undo.step('port up', () => {
    // Before the link is up: the host takes no routes from a container.
    tryWriteInterfaceSetting({ family: 'ipv6', name, setting: 'accept_ra' }, '0');
    during(`failed to set ${JSON.stringify(name)} up`, () => host.links.set(index, { up: true }));
  });
  undo.step('port of the bridge', () => {
    const message = `failed to connect ${JSON.stringify(name)} to bridge ${bridge.name}`;
    during(message, () => host.links.set(index, { master: bridge.index }));
  });
  undo.step('port options', () => {
    during(`failed to setup hairpin mode for ${name}`, () => host.bridgePorts.set(index, { hairpin, isolated }));
  });
  undo.step('port vlans', () => {
    setVlans(host.bridgePorts, link, bridge.bridge?.vlanDefaultPvid ?? 0, port.vlans);
  });
  return link;
}

/** Deletes a port, and the other end with it, unless it is gone, or another link has its name. */
function deletePort(host: Rtnl, { name, index }: Link): void {
  if (host.links.find(name)?.index === index) host.links.delete(index);
}

/** It must be free, not secret: loading the cryptography of Node takes three milliseconds. */
function randomName(): string {
  return `veth${Math.floor(Math.random() * 2 ** 32).toString(16).padStart(8, '0')}`;
}

function addVeth({ host, inside, name, mtu, mac }: NewPort): Link {
  // The kernel takes it for a pattern, and makes a link of another name: the reference looks for it, and leaves it.
  if (name.includes('%')) throw refusal('failed to make veth pair: Link not found');
  for (let attempt = 1; attempt <= NAME_ATTEMPTS; attempt++) {
    const portName = randomName();
    const bytes = mtu === undefined ? {} : { mtu };
    const peer = { name, namespace: inside.fd, ...bytes, ...(mac === undefined ? {} : { address: mac }) };
    try {
      host.links.add({ kind: 'veth', name: portName, ...bytes, peer });
      return host.links.get(portName);
    } catch (error) {
      const isTaken = error instanceof NetlinkError && error.errno === ERRNO.EEXIST;
      if (!isTaken) throw failure('failed to make veth pair', error);
      // The kernel does not say which of the two names is taken.
      const known = inside.rtnl.links.find(name);
      if (known !== undefined) throw refusal(`container veth name provided (${name}) already exists`);
    }
  }
  throw refusal('failed to find a unique veth name');
}
