/**
 * A warm-up of the code before `linkpoint bench` measures: two endpoints over a socket pair of our own.
 *
 *     sender ── writePackets, 16 at a time ──► socket pair ──► receiver, read as the measured one will be
 *
 * V8 compiles a function well when it has run a while, on another thread of this process, and what that costs is no cost
 * of a link. The window's own 300 ms are too few: what runs once per wake-up is hot after many thousand of them. A bare
 * loop of thirty lines is compiled at once, so without this an endpoint would be compared with it while being compiled.
 */

import { type FdBasedEndpoint, openFdBased } from '../link/fd-based.ts';
import { type FdBasedOptions, resolveFdBasedOptions } from '../link/fd-based-options.ts';
import { closeFd, socketPair } from '../native/index.ts';
import type { NetworkDispatcher } from '../stack/network-dispatcher.ts';
import { makePackets } from './bench-frame.ts';

const FRAME_BYTES = 100;
const WRITTEN_AT_ONCE = 16;
/** Each is a turn of the event loop, a wake-up and a batch or more: some 0.5 s in all. */
const WAKE_UPS = 3000;
/** Writes before one wake-up and the next: part of a batch, whole batches, more than a turn's budget. */
const WRITES: readonly number[] = [1, 17, 17, 17, 4];
const BUFFER_BYTES = 1 << 20;

/**
 * Warms up what an endpoint of these options will run, as far as a socket pair can: inline, by readv or recvmmsg. The code
 * for kernel rings and workers is left cold: another reader in the same place would be worse for them than none.
 *
 * To be called before the endpoint is opened: what V8 has learned of objects made earlier it would have to unlearn.
 * @param dispatcher of the class that will get the packets, for the same reason
 */
export async function warmUp(options: FdBasedOptions, dispatcher: NetworkDispatcher): Promise<void> {
  const { links, run, mtu, ethernetHeader, batch, capacityBytes: slotBytes } = resolveFdBasedOptions(options);
  const [link] = links;
  if (link === undefined || link.mode === 'packet-mmap' || run !== 'inline') return;
  const { mode: dispatchMode, vnetHeaderBytes } = link;
  const shape = { vnetHeaderBytes, mtu, ethernetHeader, batch, slotBytes };
  const pair = socketPair(undefined, { sendBufferBytes: BUFFER_BYTES, receiveBufferBytes: BUFFER_BYTES });
  try {
    await using receiver = await openFdBased({ fds: [pair[0]], dispatchMode, ...shape });
    await using sender = await openFdBased({ fds: [pair[1]], ...shape });
    receiver.attach(dispatcher);
    await exchange(sender);
  } finally {
    for (const fd of pair) closeFd(fd);
  }
}

async function exchange(sender: FdBasedEndpoint): Promise<void> {
  const packets = makePackets(sender, { size: FRAME_BYTES, batch: WRITTEN_AT_ONCE, gso: null, head: '' });
  for (let wakeUp = 0; wakeUp < WAKE_UPS; wakeUp++) {
    const writes = WRITES[wakeUp % WRITES.length] as number;
    for (let write = 0; write < writes; write++) sender.writePackets(packets);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
