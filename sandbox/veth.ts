/**
 * Veth pairs, veth(4): two interfaces, and what goes into one comes out of the other.
 *
 *     | namespace            |        | peerNamespace, or the same   |
 *     |        `name`  ══════╪════════╪══════  `peerName`            |
 *
 * The pair goes when either end, or the namespace of either end, goes.
 */

import { checkInterfaceName } from '../native/interface-name.ts';
import { Rtnl } from './netlink/rtnl.ts';

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
 * Makes a veth pair; both ends are down and have no address. One call of `Rtnl.links.add`, which can do more.
 * @throws NetlinkError EPERM naming CAP_NET_ADMIN, EEXIST
 */
export function createVeth({ name, peerName, namespace, peerNamespaceFd, mtu }: VethOptions): void {
  const action = `Cannot create the veth pair "${name}" and "${peerName}"`;
  checkInterfaceName(action, name);
  checkInterfaceName(action, peerName);
  using rtnl = Rtnl.open(namespace);
  const size = mtu === undefined ? {} : { mtu };
  const peer = { name: peerName, ...size, ...(peerNamespaceFd === undefined ? {} : { namespace: peerNamespaceFd }) };
  rtnl.links.add({ kind: 'veth', name, ...size, peer });
}
