/**
 * The model `bridged`: a bridge switches between the interface and a TAP.
 *
 *     other side ══ veth, another address, no IP ══ bridge, no snooping ══ TAP ══► queues
 *
 * Order and words are those of Kata 1.0, which had this model; but Kata left the veth its IP addresses, and the kernel
 * answered ARP for the guest, with the bridge's link address.
 */

import { LinkpointError } from '../../errors.ts';
import type { SinkTap } from './device-sink.ts';
import { moveAddress, removeAddresses } from './model-addresses.ts';
import type { NetworkPair } from './network-pair.ts';
import { type EthernetLink, explained, VNET_HEADER_BYTES, type Wiring } from './wiring.ts';

/** Joins the pair. @param kind that its interface must have */
export async function attachBridged(wiring: Wiring, pair: NetworkPair, kind?: string): Promise<SinkTap> {
  const { name: bridge, virtualInterface, tapInterface } = pair;
  const tap = await wiring.openTap(tapInterface.name);
  const vhostFds = await wiring.openVhost();
  const veth = wiring.find(virtualInterface.name, kind);
  requireNoPort(veth);
  wiring.saveState(veth);
  wiring.set(`set TAP MTU ${veth.mtu}`, tap.name, { mtu: veth.mtu });
  moveAddress(wiring, veth, virtualInterface.hardwareAddress);
  addBridge(wiring, bridge);
  wiring.set(`attach TAP ${tap.name} to the bridge ${bridge}`, tap.name, { master: bridge });
  wiring.set(`enable TAP ${tap.name}`, tap.name, { up: true });
  wiring.set(`attach veth ${veth.name} to the bridge ${bridge}`, veth.name, { master: bridge }, { noMaster: true });
  removeAddresses(wiring, veth.name);
  wiring.set(`enable veth ${veth.name}`, veth.name, { up: true });
  wiring.set(`enable bridge ${bridge}`, bridge, { up: true });
  const { name, fds } = tap;
  const rest = { linkAddress: veth.address, mtu: veth.mtu, vnetHeaderBytes: VNET_HEADER_BYTES } as const;
  return { name, fds, vhostFds, ...rest, kind: 'tap' };
}

function addBridge(wiring: Wiring, name: string): void {
  const options = { kind: 'bridge', name, bridge: { multicastSnooping: false } } as const;
  const add = (): void => explained(`LinkAdd() failed for bridge name ${name}`, () => wiring.rtnl.links.add(options));
  wiring.step(`create bridge ${name}`, add, { undo: 'delete-link', link: name, kind: 'bridge' });
}

/** The kernel would take it from the other bridge, and nobody would give it back. */
function requireNoPort({ name, master }: EthernetLink): void {
  if (master === undefined) return;
  const state = `it is a port of link ${master}; take it from there, or use the model "tcfilter"`;
  throw new LinkpointError('ERR_LINK_TAKEN', `Cannot attach "${name}" by model "bridged": ${state}`);
}
