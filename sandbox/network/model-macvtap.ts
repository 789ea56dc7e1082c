/**
 * The model `macvtap`: the device is a second address of the interface, which frames are sorted by.
 *
 *     other side ══ veth, another address, no IP ══ macvtap, the veth's address ══► queues
 *
 * The addresses of the veth are removed: the kernel would answer for the guest.
 */

import { closeFd } from '../../native/fd.ts';
import type { SinkTap } from './device-sink.ts';
import { openMacvtapQueues, requireEntrance } from './macvtap-device.ts';
import { addMacvtap } from './macvtap-link.ts';
import { moveAddress, removeAddresses } from './model-addresses.ts';
import type { NetworkPair } from './network-pair.ts';
import { type EthernetLink, explained, VNET_HEADER_BYTES, type Wiring } from './wiring.ts';

/** Joins the pair. @param kind that its interface must have */
export async function attachMacvtap(wiring: Wiring, pair: NetworkPair, kind?: string): Promise<SinkTap> {
  const { name } = pair.tapInterface;
  requireEntrance(`Cannot attach "${pair.virtualInterface.name}" by model "macvtap"`, wiring.scope.namespace);
  const veth = wiring.find(pair.virtualInterface.name, kind);
  wiring.saveState(veth);
  const index = addLink(wiring, name, veth);
  wiring.set(`set TAP MTU ${veth.mtu}`, name, { mtu: veth.mtu });
  // First the veth's: the kernel refuses an address that is the parent's.
  moveAddress(wiring, veth, pair.virtualInterface.hardwareAddress);
  wiring.set(`set MAC address ${veth.address} for TAP interface ${name}`, name, { address: veth.address });
  // The kernel does not know which groups the guest joins, those that neighbours ask for its IPv6 addresses among them.
  wiring.set(`enable TAP ${name}`, name, { up: true, allMulticast: true });
  removeAddresses(wiring, veth.name);
  wiring.set(`enable veth ${veth.name}`, veth.name, { up: true });
  const fds = await openQueues(wiring, name, index);
  const vhostFds = await wiring.openVhost();
  const rest = { linkAddress: veth.address, mtu: veth.mtu, vnetHeaderBytes: VNET_HEADER_BYTES } as const;
  return { name, fds, vhostFds, ...rest, kind: 'macvtap' };
}

/** Opens the scope's queues of a macvtap. */
export function openQueues(wiring: Wiring, name: string, index: number): Promise<readonly number[]> {
  const { namespace, queues } = wiring.scope;
  const open = (): readonly number[] =>
    openMacvtapQueues({ namespace, name, index, queues, vnetHeaderBytes: VNET_HEADER_BYTES });
  return wiring.live('setup macvtap fds', open, (fds) => fds.forEach(closeFd));
}

function addLink(wiring: Wiring, name: string, veth: EthernetLink): number {
  const { links } = wiring.rtnl;
  const link = { name, parent: veth.name, transmitQueueLength: veth.transmitQueueLength };
  const add = (): number => explained(`LinkAdd() failed for macvtap name ${name}`, () => addMacvtap(links, link));
  return wiring.step('create TAP interface', add, { undo: 'delete-link', link: name, kind: 'macvtap' });
}
