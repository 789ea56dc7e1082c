/**
 * The model `tcfilter`: what one interface receives, the other sends. Kata's default, and ours.
 *
 *     other side ══ veth ── ingress: u32, redirect ──► TAP ══► queues
 *                   veth ◄── ingress: u32, redirect ── TAP
 *
 * The veth keeps its addresses, which the guest has, too: the kernel receives nothing on it that it could answer.
 */

import { NetlinkError } from '../../errors.ts';
import type { TrafficControl } from '../netlink/tc.ts';
import { sleep } from '../sleep.ts';
import type { SinkTap } from './device-sink.ts';
import type { NetworkPair } from './network-pair.ts';
import { VNET_HEADER_BYTES, type Wiring } from './wiring.ts';

/** How often the ingress qdisc is tried while the kernel is busy with the link. */
const INGRESS_ATTEMPTS = 5;
const INGRESS_BACKOFF_MS = 10;

/** Joins the pair. @param kind that its interface must have */
export async function attachTcFilter(wiring: Wiring, pair: NetworkPair, kind?: string): Promise<SinkTap> {
  const tap = await wiring.openTap(pair.tapInterface.name);
  const vhostFds = await wiring.openVhost();
  const veth = wiring.find(pair.virtualInterface.name, kind);
  wiring.saveState(veth);
  wiring.set(`set TAP MTU ${veth.mtu}`, tap.name, { mtu: veth.mtu });
  wiring.set(`enable TAP ${tap.name}`, tap.name, { up: true });
  await addIngress(wiring, tap.name);
  await addIngress(wiring, veth.name);
  addRedirect(wiring, veth.name, tap.name);
  addRedirect(wiring, tap.name, veth.name);
  wiring.set(`enable veth ${veth.name}`, veth.name, { up: true });
  const { name, fds } = tap;
  const rest = { linkAddress: veth.address, mtu: veth.mtu, vnetHeaderBytes: VNET_HEADER_BYTES } as const;
  return { name, fds, vhostFds, ...rest, kind: 'tap' };
}

async function addIngress(wiring: Wiring, link: string): Promise<void> {
  const add = (): Promise<void> => addIngressQdisc(wiring.rtnl.tc, link);
  await wiring.wait(`add the ingress qdisc of ${link}`, add, { undo: 'delete-ingress', link });
}

/** Gives a link the ingress qdisc; five tries, 10 ms apart and 10 ms more each, while the kernel says EBUSY. */
export async function addIngressQdisc(tc: Pick<TrafficControl, 'addIngress'>, link: string): Promise<void> {
  for (let attempt = 1; !tryIngress(() => tc.addIngress(link), attempt); attempt++) {
    await sleep(attempt * INGRESS_BACKOFF_MS, undefined);
  }
}

/** False where it is worth another try. */
function tryIngress(add: () => void, attempt: number): boolean {
  try {
    add();
    return true;
  } catch (error) {
    const isBusy = error instanceof NetlinkError && error.code === 'EBUSY';
    if (!isBusy || attempt === INGRESS_ATTEMPTS) throw error;
    return false;
  }
}

function addRedirect(wiring: Wiring, from: string, to: string): void {
  const add = (): void => wiring.rtnl.tc.addRedirect(from, { to });
  wiring.step(`redirect ${from} to ${to}`, add, { undo: 'delete-filters', link: from });
}
