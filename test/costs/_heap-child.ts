/**
 * Measures the JavaScript heap that packets cost: a process of its own, run with --expose-gc and a young generation so
 * large that nothing is collected meanwhile. Prints one JSON line.
 *
 *     argv: mode (recvmmsg | readv | ring | echo), packets, `mutant` to have the dispatcher allocate an object per packet
 */

import { PerformanceObserver } from 'node:perf_hooks';

import { openFdBased } from '../../link/fd-based.ts';
import { MSG_DONTWAIT, MSG_NOSIGNAL } from '../../native/constants.ts';
import { allocatePinned, bytesReadable, MessageTable, socketPair } from '../../native/index.ts';
import type { PacketBuffer } from '../../stack/packet-buffer.ts';
import { PacketList } from '../../stack/packet-list.ts';
import type { NetworkDispatcher } from '../../stack/network-dispatcher.ts';

const BATCH = 64;
const PACKET_BYTES = 64;
const WARM_PACKETS = 200_000;

const [mode = 'recvmmsg', countText = '1000000', mutant] = process.argv.slice(2);
const total = Number(countText);

// struct ethhdr and an IPv4 packet: addresses of 48 bits are numbers that do not fit a small integer.
const FRAME = new Uint8Array(PACKET_BYTES).fill(0x11);
FRAME.set([0xf2, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0xf2, 0xfe, 0xdc, 0xba, 0x98, 0x77, 0x08, 0x00, 0x45]);

/** Messages that are sent over and over, and receive buffers for what comes back. */
class Table {
  readonly #send = new MessageTable(BATCH, 1);
  readonly #receive = new MessageTable(BATCH, 1);
  readonly #memory = allocatePinned(BATCH * PACKET_BYTES * 2);
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
    for (let message = 0; message < BATCH; message++) {
      const at = message * PACKET_BYTES;
      this.#memory.bytes.set(FRAME, at);
      this.#send.setIovec(message, 0, this.#memory.address + at, PACKET_BYTES);
      this.#receive.setIovec(message, 0, this.#memory.address + BATCH * PACKET_BYTES + at, PACKET_BYTES);
    }
  }

  sendBatch(): number {
    return this.#send.send(this.#fd, 0, BATCH, MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  receiveBatch(): number {
    return this.#receive.receive(this.#fd, 0, BATCH, MSG_DONTWAIT);
  }
}

interface Sink {
  count: number;
  kept: unknown;
  readonly dispatcher: NetworkDispatcher;
}

const [fd, peerFd] = socketPair();
const endpoint = await openFdBased({
  fds: [fd],
  ethernetHeader: true,
  linkAddress: 0xf2fe_dcba_9876,
  batch: BATCH,
  run: mode === 'ring' ? 'ring' : 'inline',
  dispatchMode: mode === 'readv' ? 'readv' : 'recvmmsg',
});
const pause = new Int32Array(new SharedArrayBuffer(4));
const table = new Table(peerFd);
const list = new PacketList();

const sink: Sink = {
  count: 0,
  kept: null,
  dispatcher: {
    deliverNetworkPacket(protocol: number, packet: PacketBuffer): void {
      sink.count++;
      if (mode === 'echo') list.push(packet);
      if (mutant === 'mutant') sink.kept = { protocol, length: packet.length };
    },
    deliverBatchEnd(): void {
      if (mode !== 'echo') return;
      endpoint.writePackets(list);
      list.clear();
      table.receiveBatch();
    },
  },
};
endpoint.attach(sink.dispatcher);

/** Sends full batches until `count` packets have been delivered; the queue is never empty and never full. */
function pump(count: number): Promise<void> {
  const until = sink.count + count;
  let sent = sink.count;
  return new Promise((resolve) => {
    const turn = (): void => {
      while (sent - sink.count <= 3 * BATCH && sent < until) sent += table.sendBatch();
      if (sink.count >= until) return resolve();
      // Its worker takes them all meanwhile: full batches here, too.
      while (mode === 'ring' && bytesReadable(fd) > 0) Atomics.wait(pause, 0, 0, 1);
      setImmediate(turn);
    };
    turn();
  });
}

// Entries are delivered late: when each collection began is what counts.
const collectedAt: number[] = [];
const observer = new PerformanceObserver((entries) => {
  for (const { startTime } of entries.getEntries()) collectedAt.push(startTime);
});
observer.observe({ entryTypes: ['gc'] });

await pump(WARM_PACKETS);
globalThis.gc?.();
await new Promise((resolve) => setTimeout(resolve, 50));
const began = performance.now();
const syscallsBefore = endpoint.statistics.get('receiveSyscalls');
const before = process.memoryUsage().heapUsed;
await pump(total);
const after = process.memoryUsage().heapUsed;
const ended = performance.now();
const syscalls = endpoint.statistics.get('receiveSyscalls') - syscallsBefore;
await new Promise((resolve) => setTimeout(resolve, 200));
const collections = collectedAt.filter((startTime) => startTime >= began && startTime <= ended).length;
process.stdout.write(
  `${JSON.stringify({ packets: total, bytesPerPacket: (after - before) / total, collections, packetsPerSyscall: total / syscalls })}\n`,
);
endpoint.close();
await endpoint.wait();
