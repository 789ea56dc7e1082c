/**
 * Contestant: the bare loop. The same system call, batch and memory as the endpoint's, and nothing else: what linkpoint
 * costs above this is linkpoint's own. Blocks its thread in poll(2); delivers to a counter.
 */

import {
  constants,
  layout,
  mapRing,
  MessageTable,
  pin,
  PollSet,
  read,
  setNonblocking,
  setupRxRing,
} from '../../native/index.ts';
import { DEFAULT_RING_GEOMETRY } from '../../dispatch/rx-ring.ts';
import { Arena } from '../../stack/arena.ts';
import { ChildOptions, PATIENCE_MILLISECONDS, QUIET_MILLISECONDS, sayReady } from './window.ts';

const options = new ChildOptions(['fds', 'mode', 'batch', 'slot', 'vnet']);
const window = options.window();
const [batch, vnetBytes] = [options.number('batch', 64), options.number('vnet', 0)];
const fds = options.text('fds', '3').split(',').map(Number);
const poll = new PollSet(
  fds,
  fds.map(() => constants.POLLIN),
);
for (const fd of fds) setNonblocking(fd);
const mode = options.text('mode', 'recvmmsg');
const drain = mode === 'packet-mmap' ? ringLoop() : mode === 'recvmmsg' ? messageLoop() : readLoop();
sayReady();
for (const fd of fds) drain(fd);
while (poll.wait(window.hasEnded ? QUIET_MILLISECONDS : PATIENCE_MILLISECONDS) > 0) {
  let isOver = true;
  for (let index = 0; index < fds.length; index++) {
    const returned = poll.returned(index);
    if ((returned & constants.POLLIN) === 0) continue;
    isOver = false;
    drain(fds[index] as number);
  }
  if (isOver) break; // hung up, and nothing left
  window.tick();
}
window.print();

function openArena(slots: number): Arena {
  const arena = new Arena(slots, options.number('slot', 1514));
  arena.address = pin(arena.bytes);
  return arena;
}

function messageLoop(): (fd: number) => void {
  const arena = openArena(batch);
  const table = new MessageTable(batch, 1);
  const length = vnetBytes + arena.capacityBytes + 1;
  for (let slot = 0; slot < batch; slot++)
    table.setIovec(slot, 0, arena.address + arena.frameStart(slot) - vnetBytes, length);
  return (fd) => {
    for (let count = batch; count === batch;) {
      count = table.receive(fd, 0, batch, constants.MSG_DONTWAIT);
      window.calls++;
      if (count > 0 && table.length(0) === 0) process.exit(1); // end of file, for ever
      for (let index = 0; index < count; index++) {
        if (arena.bytes[arena.frameStart(index)] !== 1) window.count(table.length(index) - vnetBytes);
      }
    }
  };
}

function readLoop(): (fd: number) => void {
  const arena = openArena(1);
  const at = arena.frameStart(0);
  const length = vnetBytes + arena.capacityBytes + 1;
  return (fd) => {
    for (;;) {
      const bytes = read(fd, arena.address + at - vnetBytes, length);
      window.calls++;
      if (bytes <= 0) return;
      if (arena.bytes[at] !== 1) window.count(bytes - vnetBytes);
    }
  };
}

function ringLoop(): (fd: number) => void {
  const { blockBytes, blockCount } = DEFAULT_RING_GEOMETRY;
  const fd = fds[0] as number;
  setupRxRing(fd, { blockBytes, blockCount, retireMilliseconds: 1, frameBytes: 2048 });
  const { buffer } = mapRing(fd, blockBytes * blockCount);
  const [words, view, bytes] = [new Int32Array(buffer), new DataView(buffer), new Uint8Array(buffer)];
  let block = 0;
  return () => {
    for (;;) {
      const from = block * blockBytes;
      const status = (from + layout.TPACKET_BLOCK_STATUS) >> 2;
      if ((Atomics.load(words, status) & constants.TP_STATUS_USER) === 0) return;
      let at = from + view.getUint32(from + layout.TPACKET_BLOCK_FIRST_PACKET, true);
      for (let left = view.getUint32(from + layout.TPACKET_BLOCK_PACKET_COUNT, true); left > 0; left--) {
        const frame = at + view.getUint16(at + layout.TPACKET3_MAC, true);
        if (bytes[frame] !== 1) window.count(view.getUint32(at + layout.TPACKET3_SNAPLEN, true));
        at += view.getUint32(at + layout.TPACKET3_NEXT_OFFSET, true);
      }
      Atomics.store(words, status, constants.TP_STATUS_KERNEL);
      block = (block + 1) % blockCount;
    }
  };
}
