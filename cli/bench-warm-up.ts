/**
 * A warm-up of the code before `linkpoint bench` measures: two endpoints over a link of our own.
 *
 *     sender ── writePackets, 16 at a time ──► link ──► receiver, read as the measured one will be
 *                                              │ a socket pair; for a ring the loopback of a namespace of our own
 *
 * V8 compiles a function well when it has run a while, on another thread of this process, and what that costs is no cost
 * of a link. The window's own 300 ms are too few: what runs once per wake-up is hot after many thousand of them. A bare
 * loop of thirty lines is compiled at once, so without this an endpoint would be compared with it while being compiled.
 */

import { type FdBasedEndpoint, openFdBased } from '../link/fd-based.ts';
import { type FdBasedOptions, resolveFdBasedOptions } from '../link/fd-based-options.ts';
import { openPacketSocket } from '../link/open-packet-socket.ts';
import {
  bringLoopbackUp,
  closeFd,
  constants,
  createNetworkNamespace,
  runInNamespace,
  socketPair,
} from '../native/index.ts';
import type { VnetHeaderBytes } from '../gso/virtio-net-header.ts';
import type { NetworkDispatcher } from '../stack/network-dispatcher.ts';
import { makePackets } from './bench-frame.ts';

const FRAME_BYTES = 100;
const WRITTEN_AT_ONCE = 16;
/** Each is a turn of the event loop, a wake-up and a batch or more: some 1 s in all. */
const WAKE_UPS = 3000;
/** Whoever started us waits: a slow machine has to do with fewer. */
const LONGEST_MILLISECONDS = 1500;
/** Writes before one wake-up and the next: part of a batch, whole batches, more than a turn's budget. */
const WRITES: readonly number[] = [1, 17, 17, 17, 4];
const BUFFER_BYTES = 1 << 20;

/** Frames of the warm-up fill one in a moment; a full block is a wake-up. */
const RING = { blockBytes: 1 << 12, blockCount: 64 };
/** What fits such a block. */
const RING_SLOT_BYTES = 1514;

/**
 * Warms up what an endpoint of these options will run, inline. The code of workers is left cold: another reader in the
 * same place would be worse for it than none. So is that of rings where this process may not make a namespace.
 *
 * To be called before the endpoint is opened: what V8 has learned of objects made earlier it would have to unlearn.
 * @param dispatcher of the class that will get the packets, for the same reason
 */
export async function warmUp(options: FdBasedOptions, dispatcher: NetworkDispatcher): Promise<void> {
  const { links, run, mtu, ethernetHeader, batch, capacityBytes } = resolveFdBasedOptions(options);
  const [link] = links;
  if (link === undefined || run !== 'inline') return;
  const { mode: dispatchMode, vnetHeaderBytes } = link;
  const isRing = dispatchMode === 'packet-mmap';
  using ends = isRing ? openLoopback(vnetHeaderBytes) : openPair();
  if (ends === null) return;
  const slotBytes = isRing ? Math.min(capacityBytes, RING_SLOT_BYTES) : capacityBytes;
  const shape = { vnetHeaderBytes, mtu, ethernetHeader, batch, slotBytes };
  await using receiver = await openFdBased({ fds: [ends.receive], dispatchMode, ring: RING, ...shape });
  await using sender = await openFdBased({ fds: [ends.send], ...shape });
  receiver.attach(dispatcher);
  await exchange(sender);
}

/** Two ends of a private link. */
interface Ends extends Disposable {
  readonly receive: number;
  readonly send: number;
}

function openPair(): Ends {
  const [receive, send] = socketPair(undefined, { sendBufferBytes: BUFFER_BYTES, receiveBufferBytes: BUFFER_BYTES });
  return { receive, send, [Symbol.dispose]: () => [receive, send].forEach((fd) => closeFd(fd)) };
}

/** Packet sockets on the loopback of a network namespace of their own; null where that is refused. */
function openLoopback(vnetHeaderBytes: VnetHeaderBytes): Ends | null {
  const closes: (() => void)[] = [];
  const dispose = (): void => closes.reverse().forEach((close) => close());
  try {
    const namespace = createNetworkNamespace();
    closes.push(() => closeFd(namespace));
    runInNamespace(namespace, bringLoopbackUp);
    const [receiver, sender] = [constants.ETH_P_ALL, 0].map((protocol) => {
      const device = openPacketSocket({ interfaceName: 'lo', namespace, vnetHeaderBytes, protocol });
      closes.push(() => device.close());
      return device.fd;
    }) as [number, number];
    return { receive: receiver, send: sender, [Symbol.dispose]: dispose };
  } catch {
    dispose();
    return null;
  }
}

async function exchange(sender: FdBasedEndpoint): Promise<void> {
  const packets = makePackets(sender, { size: FRAME_BYTES, batch: WRITTEN_AT_ONCE, gso: null, head: '' });
  const deadline = performance.now() + LONGEST_MILLISECONDS;
  for (let wakeUp = 0; wakeUp < WAKE_UPS && performance.now() < deadline; wakeUp++) {
    const writes = WRITES[wakeUp % WRITES.length] as number;
    for (let write = 0; write < writes; write++) sender.writePackets(packets);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
