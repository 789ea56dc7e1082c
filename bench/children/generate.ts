/**
 * The generator where peers/c is not built: the same command line as generate.c, without its real-time thread of idle
 * priority, so that a burst ends by the clock and not by the receiver's idleness. Its rows say so.
 */

import { allocatePinned, constants, ERRNO, MessageTable, PollSet } from '../../native/index.ts';
import { ChildOptions, printLine } from './window.ts';

const BATCH = 64;
/** Long enough for a receiver to empty a queue of 512. */
const BURST_PAUSE_MILLISECONDS = 4;

const options = new ChildOptions(['fds', 'head', 'size', 'regime', 'pps', 'burst', 'ms']);
const fds = options.text('fds', '3').split(',').map(Number);
const size = options.number('size', 64);
const frame = allocatePinned(size);
frame.bytes.set(Buffer.from(options.text('head'), 'hex'));
const table = new MessageTable(BATCH, 1);
for (let message = 0; message < BATCH; message++) table.setIovec(message, 0, frame.address, size);
const poll = new PollSet(
  fds,
  fds.map(() => constants.POLLOUT),
);
const sleeper = new Int32Array(new SharedArrayBuffer(4));
let sent = 0;
let isGone = false;

const began = performance.now();
const end = began + options.number('ms', 1000);
const regime = options.text('regime', 'live');
const step = regime === 'burst' ? burst : regime === 'paced' ? pace : flood;
while (performance.now() < end && !isGone) step();
const cpu = process.cpuUsage();
printLine({
  sent,
  refused: 0,
  realtime: false,
  seconds: (performance.now() - began) / 1e3,
  cpuNs: (cpu.user + cpu.system) * 1e3,
});

function sendTo(fd: number, count: number): number {
  const taken = table.send(fd, 0, Math.min(count, BATCH), constants.MSG_DONTWAIT | constants.MSG_NOSIGNAL);
  if (taken === -ERRNO.EPIPE || taken === -ERRNO.ECONNRESET) isGone = true;
  if (taken > 0) sent += taken;
  return Math.max(taken, 0);
}

function fill(count: number): number {
  let sum = 0;
  for (const fd of fds) {
    for (let left = count, taken = 1; left > 0 && taken > 0; left -= taken) sum += taken = sendTo(fd, left);
  }
  return sum;
}

function burst(): void {
  fill(options.number('burst', 512));
  Atomics.wait(sleeper, 0, 0, BURST_PAUSE_MILLISECONDS);
}

function flood(): void {
  if (fill(BATCH) === 0) poll.wait(10);
}

function pace(): void {
  const due = ((performance.now() - began) / 1e3) * options.number('pps', 20_000);
  if (due > sent && sendTo(fds[0] as number, 1) === 0) poll.wait(1);
}
