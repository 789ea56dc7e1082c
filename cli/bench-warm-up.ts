/**
 * A warm-up of the code before `linkpoint bench` measures: two endpoints over a socket pair of our own.
 *
 *     sender ── writePackets, 32 at a time ──► socket pair ──► receiver, read as the measured one will be
 *
 * V8 compiles a function well when it has run a while, on another thread of this process, and what that costs is no cost
 * of a link. The window's own 300 ms are too few: what runs once per wake-up is hot after some thousand of them. A bare
 * loop of thirty lines is compiled at once, so without this an endpoint would be compared with it while being compiled.
 */

import { openFdBased } from '../link/fd-based.ts';
import type { FdBasedEndpoint } from '../link/fd-based.ts';
import { closeFd, socketPair } from '../native/index.ts';
import { makePackets } from './bench-frame.ts';
import { CountingDispatcher, Tally } from './bench-tally.ts';

const FRAME_BYTES = 100;
const WRITTEN_AT_ONCE = 32;
/** Each is a turn of the event loop, a wake-up and a batch or more: some 0.2 s in all. */
const WAKE_UPS = 3000;
/** Every so many, more than a turn's budget is written, so that readers wait in the queue, too. */
const FLOOD_EVERY = 8;
const FLOOD_WRITES = 10;
const BUFFER_BYTES = 1 << 20;

/**
 * Warms up what `endpoint` will run, as far as a socket pair can: inline, by readv or recvmmsg. The code for kernel
 * rings and workers is left cold: another reader in the same place would be worse for them than none.
 */
export async function warmUp(endpoint: FdBasedEndpoint): Promise<void> {
  const { dispatchMode, vnetHeaderBytes, mtu, maxHeaderLength } = endpoint;
  if (dispatchMode === 'packet-mmap') return;
  const shape = { vnetHeaderBytes, mtu, ethernetHeader: maxHeaderLength > 0 };
  const pair = socketPair(undefined, { sendBufferBytes: BUFFER_BYTES, receiveBufferBytes: BUFFER_BYTES });
  try {
    await using receiver = await openFdBased({ fds: [pair[0]], dispatchMode, ...shape });
    await using sender = await openFdBased({ fds: [pair[1]], ...shape });
    receiver.attach(new CountingDispatcher(new Tally(1)));
    await exchange(sender);
  } finally {
    for (const fd of pair) closeFd(fd);
  }
}

async function exchange(sender: FdBasedEndpoint): Promise<void> {
  const packets = makePackets(sender, { size: FRAME_BYTES, batch: WRITTEN_AT_ONCE, gso: null, head: '' });
  for (let wakeUp = 0; wakeUp < WAKE_UPS; wakeUp++) {
    const writes = wakeUp % FLOOD_EVERY === 0 ? FLOOD_WRITES : 1;
    for (let write = 0; write < writes; write++) sender.writePackets(packets);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
