/**
 * Veth pairs, veth(4): two interfaces, and what goes into one comes out of the other.
 *
 *     | namespace            |        | peerNamespace, or the same   |
 *     |        `name`  ══════╪════════╪══════  `peerName`            |
 *
 * The pair goes when either end, or the namespace of either end, goes.
 */

import { openIn } from '../link/device.ts';
import { checkInterfaceName } from '../native/interface-name.ts';
import {
  anyLink,
  IFLA_IFNAME,
  IFLA_INFO_DATA,
  IFLA_INFO_KIND,
  IFLA_LINKINFO,
  IFLA_MTU,
  IFLA_NET_NS_FD,
  newLink,
  requestLink,
} from './netlink/link.ts';
import type { NetlinkMessage } from './netlink/message.ts';

/** linux/veth.h: in IFLA_INFO_DATA, a struct ifinfomsg and attributes of the other end. */
const VETH_INFO_PEER = 1;

/** Options of `createVeth`. */
export interface VethOptions {
  /** Name of this end. */
  readonly name: string;
  /** Name of the other end. */
  readonly peerName: string;
  /** Network namespace of this end: descriptor or path. Default: the thread's. */
  readonly namespace?: number | string;
  /** Descriptor of the network namespace of the other end. Default: the same. */
  readonly peerNamespaceFd?: number;
  /** MTU of both ends in bytes. Default: the kernel's, 1500. */
  readonly mtu?: number;
}

/**
 * Makes a veth pair; both ends are down and have no address.
 * @throws SystemError EPERM naming CAP_NET_ADMIN, EEXIST
 */
export function createVeth(options: VethOptions): void {
  const { name, peerName, mtu, peerNamespaceFd } = options;
  const action = `Cannot create the veth pair "${name}" and "${peerName}"`;
  checkInterfaceName(action, name);
  checkInterfaceName(action, peerName);
  const message = end(newLink(), name, mtu).nest(IFLA_LINKINFO, (info) => {
    info.text(IFLA_INFO_KIND, 'veth').nest(IFLA_INFO_DATA, (data) => {
      data.nest(VETH_INFO_PEER, (peer) => {
        end(peer.raw(anyLink()), peerName, mtu);
        if (peerNamespaceFd !== undefined) peer.u32(IFLA_NET_NS_FD, peerNamespaceFd);
      });
    });
  });
  openIn(options.namespace, () => requestLink(message, action));
}

function end(message: NetlinkMessage, name: string, mtu: number | undefined): NetlinkMessage {
  message.text(IFLA_IFNAME, name);
  return mtu === undefined ? message : message.u32(IFLA_MTU, mtu);
}
