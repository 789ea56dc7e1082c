/** A new link as options, and as the attributes of RTM_NEWLINK. */

import { InvalidOptionError } from '../../errors.ts';
import type { Namespace } from '../../link/device.ts';
import { IFF_UP } from '../../native/constants.ts';
import { checkInterfaceName } from '../../native/interface-name.ts';
import { writeFields } from './fields.ts';
import * as at from './if-link.ts';
import {
  BRIDGE_FIELDS,
  type BridgeOptions,
  FIRST_DATA,
  IPVLAN_MODES,
  type IpvlanMode,
  MACVLAN_MODES,
  type MacvlanMode,
  VETH_INFO_PEER,
} from './link-kinds.ts';
import type { NetlinkMessage } from './message.ts';
import { linkAddressBytes } from './text.ts';

/** A link: its name, or its index. */
export type LinkReference = string | number;

/** What any new link may have. What is left out is the kernel's choice. */
export interface NewLinkBase {
  /** 1 to 15 bytes; `%d` is numbered by the kernel. */
  readonly name: string;
  /** Index to have; taken ones are EBUSY or EEXIST. */
  readonly index?: number;
  /** MTU in bytes. */
  readonly mtu?: number;
  /** `02:00:00:00:00:01`. */
  readonly address?: string;
  /** In packets. */
  readonly transmitQueueLength?: number;
  readonly transmitQueues?: number;
  readonly receiveQueues?: number;
  /** Up at once. Default false. */
  readonly up?: boolean;
  /** Namespace that it is made in: descriptor or path. Default: the one of the Rtnl. */
  readonly namespace?: Namespace;
}

/** A veth pair: what goes into one end comes out of the other. */
export interface NewVeth extends NewLinkBase {
  readonly kind: 'veth';
  /** The other end; made straight in its `namespace`, where there is one. Down: it cannot be up before the pair is. */
  readonly peer: Omit<NewLinkBase, 'up'>;
}

/** A bridge. */
export interface NewBridge extends NewLinkBase {
  readonly kind: 'bridge';
  readonly bridge?: BridgeOptions;
}

/** A link with an address of its own on another link; macvtap: with a character device that gives its frames. */
export interface NewMacvlan extends NewLinkBase {
  readonly kind: 'macvlan' | 'macvtap';
  readonly parent: LinkReference;
  /** Default `bridge`; the kernel's own is `vepa`. */
  readonly mode?: MacvlanMode;
}

/** A VLAN of another link. */
export interface NewVlan extends NewLinkBase {
  readonly kind: 'vlan';
  readonly parent: LinkReference;
  /** 0 to 4094. */
  readonly id: number;
}

/** A link that shares the address of another one. */
export interface NewIpvlan extends NewLinkBase {
  readonly kind: 'ipvlan';
  readonly parent: LinkReference;
  /** Default `l3`. */
  readonly mode?: IpvlanMode;
}

/** A link that needs nothing but its kind. */
export interface NewPlainLink extends NewLinkBase {
  readonly kind: 'dummy' | 'ifb';
}

/** A link to be made. */
export type NewLink = NewVeth | NewBridge | NewMacvlan | NewVlan | NewIpvlan | NewPlainLink;

/** What the attributes refer to, as the kernel wants it. */
export interface Resolver {
  /** Index of a link. */
  readonly index: (link: LinkReference) => number;
  /** Descriptor of a namespace, open until the request is over. */
  readonly namespaceFd: (namespace: Namespace) => number;
}

/** The struct ifinfomsg of a new link. */
export const newLinkFixed = ({ index = 0, up = false }: NewLinkBase): Uint8Array =>
  at.ifinfomsg({ index, flags: up ? IFF_UP : 0, change: up ? IFF_UP : 0 });

/** Checks names and numbers before anything is asked of the kernel. @throws InvalidOptionError */
export function checkNewLink(action: string, link: NewLink): void {
  checkInterfaceName(action, link.name);
  if (link.kind === 'veth') checkInterfaceName(action, link.peer.name);
  if (link.kind === 'vlan' && !(Number.isInteger(link.id) && link.id >= 0 && link.id <= 4094)) {
    throw new InvalidOptionError(`${action}: id is ${link.id}; an integer from 0 to 4094 is required`);
  }
}

/** Appends the attributes of a new link. */
export function writeNewLink(message: NetlinkMessage, link: NewLink, resolve: Resolver): void {
  writeBase(message, link, resolve);
  if ('parent' in link) message.u32(at.IFLA_LINK, resolve.index(link.parent));
  message.nest(at.IFLA_LINKINFO, (info) => {
    info.text(at.IFLA_INFO_KIND, link.kind);
    if (hasData(link)) info.nest(at.IFLA_INFO_DATA, (data) => writeData(data, link, resolve));
  });
}

function writeBase(message: NetlinkMessage, link: NewLinkBase, resolve: Resolver): void {
  const { mtu, address, transmitQueueLength, transmitQueues, receiveQueues, namespace } = link;
  message.text(at.IFLA_IFNAME, link.name);
  if (mtu !== undefined) message.u32(at.IFLA_MTU, mtu);
  if (address !== undefined) message.attribute(at.IFLA_ADDRESS, linkAddressBytes(address));
  if (transmitQueueLength !== undefined) message.u32(at.IFLA_TXQLEN, transmitQueueLength);
  if (transmitQueues !== undefined) message.u32(at.IFLA_NUM_TX_QUEUES, transmitQueues);
  if (receiveQueues !== undefined) message.u32(at.IFLA_NUM_RX_QUEUES, receiveQueues);
  if (namespace !== undefined) message.u32(at.IFLA_NET_NS_FD, resolve.namespaceFd(namespace));
}

function hasData(link: NewLink): boolean {
  return link.kind !== 'dummy' && link.kind !== 'ifb' && !(link.kind === 'bridge' && link.bridge === undefined);
}

function writeData(data: NetlinkMessage, link: NewLink, resolve: Resolver): void {
  switch (link.kind) {
    case 'veth':
      data.nest(VETH_INFO_PEER, (peer) => writeBase(peer.raw(newLinkFixed(link.peer)), link.peer, resolve));
      return;
    case 'bridge':
      writeFields(BRIDGE_FIELDS, link.bridge ?? {}, data);
      return;
    case 'macvlan':
    case 'macvtap':
      data.u32(FIRST_DATA, MACVLAN_MODES.number(link.mode ?? 'bridge'));
      return;
    case 'vlan':
      data.u16(FIRST_DATA, link.id);
      return;
    case 'ipvlan':
      data.u16(FIRST_DATA, IPVLAN_MODES.number(link.mode ?? 'l3'));
      return;
    case 'dummy':
    case 'ifb':
  }
}
