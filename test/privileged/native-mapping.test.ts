import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

import test from 'ava';

import { POLLIN } from '../../native/constants.ts';
import {
  bindPacketSocket,
  closeFd,
  createPacketSocketFd,
  layout,
  mapRing,
  openPacketSocketFd,
  pin,
  PollSet,
  readPacketStatistics,
  retiredBytes,
  setupRxRing,
  STATISTICS_PACKETS,
  unpin,
  viewAgain,
  write,
  type RingMapping,
} from '../../native/index.ts';
import { fdCount } from '../native/_support.ts';
import { frame, inNamespace, makeVeth, TEST_PROTOCOL } from './native-support.ts';

const BLOCK_BYTES = 65_536;
const BLOCKS = 4;
const RING_BYTES = BLOCK_BYTES * BLOCKS;

/** A socket with a ring on interface `index`. */
function openRing(index: number): { fd: number; ring: RingMapping } {
  const fd = createPacketSocketFd({});
  setupRxRing(fd, { blockBytes: BLOCK_BYTES, blockCount: BLOCKS, frameBytes: 2048, retireMilliseconds: 1 });
  const ring = mapRing(fd, RING_BYTES);
  bindPacketSocket(fd, index, TEST_PROTOCOL);
  return { fd, ring };
}

/** Sends one frame and waits until the ring's first block is handed up. */
function fillBlock(sender: number, receiver: number): void {
  const bytes = frame(64, 0x5a);
  if (write(sender, pin(bytes), 64) !== 64) throw new Error('Cannot send');
  unpin(bytes);
  const set = new PollSet([receiver], [POLLIN]);
  if (set.wait(5_000) !== 1) throw new Error('The block was not retired');
  set.close();
}

test.serial('a frame arrives in the ring, and stale views read zeros after retire()', (t) => {
  inNamespace(t, () => {
    const [index0, index1] = makeVeth();
    const left = openPacketSocketFd({ interfaceIndex: index0, protocol: TEST_PROTOCOL });
    const { fd, ring } = openRing(index1);
    t.is(ring.byteLength, RING_BYTES);
    fillBlock(left, fd);
    const words = new Int32Array(ring.buffer);
    t.is(Atomics.load(words, layout.TPACKET_BLOCK_STATUS / 4) & 1, 1);
    t.is(words[layout.TPACKET_BLOCK_PACKET_COUNT / 4], 1);
    const at = words[layout.TPACKET_BLOCK_FIRST_PACKET / 4]!;
    const view = new DataView(ring.buffer);
    t.is(view.getUint32(at + layout.TPACKET3_SNAPLEN, true), 64);
    const mac = at + view.getUint16(at + layout.TPACKET3_MAC, true);
    t.deepEqual(new Uint8Array(ring.buffer.slice(mac, mac + 64)), frame(64, 0x5a));
    const out = new Int32Array(3);
    readPacketStatistics(fd, out);
    t.is(out[STATISTICS_PACKETS], 1);

    ring.retire();
    ring.retire();
    t.true(new Uint8Array(ring.buffer).every((byte) => byte === 0));
    closeFd(fd);
    closeFd(left);
    // Header line only: the sockets are gone although views of the ring are alive.
    t.is(readFileSync('/proc/thread-self/net/packet', 'utf8').trim().split('\n').length, 1);
  });
});

test.serial('another thread views the same ring again', async (t) => {
  const { fd, ring, left } = inNamespace(t, () => {
    const [index0, index1] = makeVeth();
    const left = openPacketSocketFd({ interfaceIndex: index0, protocol: TEST_PROTOCOL });
    return { left, ...openRing(index1) };
  });
  fillBlock(left, fd);
  const worker = new Worker(new URL('native-view-again.js', import.meta.url), {
    workerData: { address: ring.address, byteLength: ring.byteLength },
  });
  const count = await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  t.is(count, 1);
  const again = new Int32Array(viewAgain(ring.address, ring.byteLength));
  t.is(again[layout.TPACKET_BLOCK_PACKET_COUNT / 4], 1);
  ring.retire();
  t.is(again[layout.TPACKET_BLOCK_PACKET_COUNT / 4], 0);
  closeFd(fd);
  closeFd(left);
});

test.serial('a later ring of the same size gets the retired range, and one of another size does not', (t) => {
  inNamespace(t, () => {
    const [, index1] = makeVeth();
    const first = openRing(index1);
    first.ring.retire();
    closeFd(first.fd);
    const waiting = retiredBytes();
    t.true(waiting >= RING_BYTES);
    const second = openRing(index1);
    t.is(second.ring.address, first.ring.address);
    t.is(second.ring.buffer, first.ring.buffer);
    t.is(retiredBytes(), waiting - RING_BYTES);
    const third = openRing(index1);
    t.not(third.ring.address, second.ring.address);
    for (const { ring, fd } of [second, third]) {
      ring.retire();
      closeFd(fd);
    }
  });
});

test.serial('200 rings come and go with flat descriptors, address space and memory', (t) => {
  inNamespace(t, () => {
    const [, index1] = makeVeth();
    const cycle = (): void => {
      const { fd, ring } = openRing(index1);
      new Uint8Array(ring.buffer).fill(1, 4096, RING_BYTES);
      ring.retire();
      closeFd(fd);
    };
    for (let i = 0; i < 20; i++) cycle();
    const fds = fdCount();
    const waiting = retiredBytes();
    const resident = process.memoryUsage.rss();
    for (let i = 0; i < 200; i++) cycle();
    t.is(fdCount(), fds);
    t.is(retiredBytes(), waiting);
    const grown = process.memoryUsage.rss() - resident;
    // 200 rings that were kept would be 50 MiB.
    t.true(grown < 10 * 1024 * 1024, `${grown} bytes`);
  });
});

test.serial('a ring that does not exist, or a wrong size, is an error and keeps the range for the next', (t) => {
  inNamespace(t, () => {
    const [, index1] = makeVeth();
    const waiting = retiredBytes();
    const fd = openPacketSocketFd({ interfaceIndex: index1 });
    t.throws(() => mapRing(fd, 12_288), { code: 'EINVAL', message: /the exact size of the ring is required/ });
    t.is(retiredBytes(), waiting + 12_288);
    t.throws(() => mapRing(fd, 12_288), { code: 'EINVAL' });
    t.is(retiredBytes(), waiting + 12_288);
    closeFd(fd);
  });
});

test.serial('a geometry that the kernel refuses names the rule', (t) => {
  inNamespace(t, () => {
    const fd = createPacketSocketFd({});
    const wrong = { blockBytes: 1000, blockCount: 4, frameBytes: 500, retireMilliseconds: 1 };
    t.throws(() => setupRxRing(fd, wrong), { code: 'EINVAL', message: /whole pages/ });
    t.throws(() => setupRxRing(fd, { ...wrong, blockBytes: 4096 }), { code: 'ERR_INVALID_OPTION' });
    closeFd(fd);
  });
});
