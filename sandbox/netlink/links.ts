/** Links: RTM_NEWLINK, RTM_GETLINK, RTM_DELLINK, rtnetlink(7). */

import { InvalidOptionError, NetlinkError } from '../../errors.ts';
import type { Namespace } from '../../link/device.ts';
import { IFF_PROMISC, IFF_UP } from '../../native/constants.ts';
import { checkInterfaceName } from '../../native/interface-name.ts';
import { openNamespace } from '../../native/namespace.ts';
import { Fd } from '../../native/fd.ts';
import { writeFields } from './fields.ts';
import * as at from './if-link.ts';
import { type Link, readLink } from './link.ts';
import { BRIDGE_FIELDS, type BridgeOptions } from './link-kinds.ts';
import { type NetlinkMessage, NLM_F_CREATE, NLM_F_EXCL } from './message.ts';
import { checkNewLink, type LinkReference, type NewLink, newLinkFixed, type Resolver, writeNewLink } from './new-link.ts';
import type { Reply, RequestSocket } from './socket.ts';
import { linkAddressBytes } from './text.ts';

const IFF_ALLMULTI = 0x200;

/** What can be changed of a link. What is left out stays. */
export interface LinkChanges {
  /** A new name; most kernels take it only while the link is down. */
  readonly name?: string;
  readonly up?: boolean;
  readonly mtu?: number;
  /** `02:00:00:00:00:01`. */
  readonly address?: string;
  readonly transmitQueueLength?: number;
  /** Bridge to be a port of; null for none. */
  readonly master?: LinkReference | null;
  readonly promiscuous?: boolean;
  readonly allMulticast?: boolean;
  readonly alias?: string;
  readonly group?: number;
  /** Namespace to move to: descriptor or path. */
  readonly namespace?: Namespace;
  /** Of a bridge. */
  readonly bridge?: BridgeOptions;
}

/** Which links to list; the kernel selects. */
export interface LinkFilter {
  readonly kind?: string;
  /** Ports of this bridge. */
  readonly master?: LinkReference;
}

/** The links of one namespace. */
export class Links {
  readonly #socket: RequestSocket;

  constructor(socket: RequestSocket) {
    this.#socket = socket;
  }

  /**
   * Makes a link, or a pair.
   * @throws NetlinkError EEXIST, EPERM naming CAP_NET_ADMIN, EOPNOTSUPP `Unknown device type`
   * @throws InvalidOptionError
   */
  add(link: NewLink): void {
    const action = `Cannot create the ${link.kind} link "${link.name}"`;
    checkNewLink(action, link);
    this.#resolving((resolve) =>
      this.#socket.change({
        type: at.RTM_NEWLINK,
        flags: NLM_F_CREATE | NLM_F_EXCL,
        fixed: newLinkFixed(link),
        attributes: (message) => writeNewLink(message, link, resolve),
        action,
      }),
    );
  }

  /** Changes a link; everything in one request. @throws NetlinkError */
  set(link: LinkReference, changes: LinkChanges): void {
    const action = `Cannot change link ${JSON.stringify(link)}`;
    if (changes.name !== undefined) checkInterfaceName(action, changes.name);
    const index = this.index(link);
    this.#resolving((resolve) =>
      this.#socket.change({
        type: at.RTM_NEWLINK,
        fixed: at.ifinfomsg({ index, ...flagChanges(changes) }),
        attributes: (message) => writeChanges(message, changes, resolve),
        action,
      }),
    );
  }

  /** Deletes a link; a veth's other end goes with it. @throws NetlinkError ENODEV */
  delete(link: LinkReference): void {
    this.#socket.change({ ...reference(link), type: at.RTM_DELLINK, action: `Cannot delete link ${JSON.stringify(link)}` });
  }

  /** Reads one link. @throws NetlinkError ENODEV */
  get(link: LinkReference): Link {
    return readLink(this.#get(link));
  }

  /** Reads one link, if there is one. */
  find(link: LinkReference): Link | undefined {
    try {
      return this.get(link);
    } catch (error) {
      if (error instanceof NetlinkError && error.code === 'ENODEV') return undefined;
      throw error;
    }
  }

  /** All links, or those of the filter, by index. */
  list({ kind, master }: LinkFilter = {}): Link[] {
    const masterIndex = master === undefined ? undefined : this.index(master);
    const replies = this.#socket.dump({
      type: at.RTM_GETLINK,
      fixed: at.ifinfomsg(),
      attributes: (message) => {
        if (masterIndex !== undefined) message.u32(at.IFLA_MASTER, masterIndex);
        if (kind !== undefined) message.nest(at.IFLA_LINKINFO, (info) => info.text(at.IFLA_INFO_KIND, kind));
      },
      action: 'Cannot list links',
    });
    // A kernel that knows no filter answers with everything; the order is that of a hash table in some.
    return replies
      .map(readLink)
      .filter((link) => (kind ?? link.kind) === link.kind && (masterIndex ?? link.master) === link.master)
      .sort((a, b) => a.index - b.index);
  }

  /** Index of a link. An index is taken as it is, not looked up. @throws NetlinkError ENODEV */
  index(link: LinkReference): number {
    return typeof link === 'number' ? checkIndex(link) : this.#get(link).fixed.getInt32(at.IFI_INDEX, true);
  }

  #get(link: LinkReference): Reply {
    return this.#socket.get({ ...reference(link), type: at.RTM_GETLINK, action: `Cannot find link ${JSON.stringify(link)}` });
  }

  #resolving(use: (resolve: Resolver) => void): void {
    const opened: Fd[] = [];
    const namespaceFd = (namespace: Namespace): number => {
      if (typeof namespace === 'number') return namespace;
      const fd = new Fd(openNamespace(namespace), true);
      opened.push(fd);
      return fd.number;
    };
    try {
      // Names are looked up while the message is built: one exchange ends before the next begins.
      use({ index: (link) => this.index(link), namespaceFd });
    } finally {
      for (const fd of opened) fd.close();
    }
  }
}

/** To the kernel, index 0 is no link in one request and every link of a group in another. */
function checkIndex(index: number): number {
  if (Number.isInteger(index) && index >= 1 && index <= 0x7fff_ffff) return index;
  throw new InvalidOptionError(`Cannot find link ${index}: an integer from 1 is required`);
}

/** The fixed part and attributes that say which link is meant. */
function reference(link: LinkReference): { fixed: Uint8Array; attributes: (message: NetlinkMessage) => void } {
  if (typeof link === 'number') return { fixed: at.ifinfomsg({ index: checkIndex(link) }), attributes: () => undefined };
  checkInterfaceName('Cannot find a link', link);
  return { fixed: at.ifinfomsg(), attributes: (message) => message.text(at.IFLA_IFNAME, link) };
}

function flagChanges({ up, promiscuous, allMulticast }: LinkChanges): { flags: number; change: number } {
  let flags = 0;
  let change = 0;
  for (const [value, bit] of [[up, IFF_UP], [promiscuous, IFF_PROMISC], [allMulticast, IFF_ALLMULTI]] as const) {
    if (value !== undefined) change |= bit;
    if (value === true) flags |= bit;
  }
  return { flags, change };
}

function writeChanges(message: NetlinkMessage, changes: LinkChanges, resolve: Resolver): void {
  const { name, mtu, address, transmitQueueLength, master, alias, group, namespace, bridge } = changes;
  if (name !== undefined) message.text(at.IFLA_IFNAME, name);
  if (mtu !== undefined) message.u32(at.IFLA_MTU, mtu);
  if (address !== undefined) message.attribute(at.IFLA_ADDRESS, linkAddressBytes(address));
  if (transmitQueueLength !== undefined) message.u32(at.IFLA_TXQLEN, transmitQueueLength);
  if (master !== undefined) message.u32(at.IFLA_MASTER, master === null ? 0 : resolve.index(master));
  // Without a terminating zero: the kernel keeps what it gets.
  if (alias !== undefined) message.attribute(at.IFLA_IFALIAS, new Uint8Array(Buffer.from(alias)));
  if (group !== undefined) message.u32(at.IFLA_GROUP, group);
  if (namespace !== undefined) message.u32(at.IFLA_NET_NS_FD, resolve.namespaceFd(namespace));
  if (bridge === undefined) return;
  message.nest(at.IFLA_LINKINFO, (info) => {
    info.text(at.IFLA_INFO_KIND, 'bridge');
    info.nest(at.IFLA_INFO_DATA, (data) => writeFields(BRIDGE_FIELDS, bridge, data));
  });
}
