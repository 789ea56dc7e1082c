import test from 'ava';

import type { BenchResult } from '../../cli/bench-result.ts';
import { SOCK_SEQPACKET } from '../../native/constants.ts';
import { ERRNO } from '../../native/errno.ts';
import { bytesReadable, closeFd, pin, read, setBufferSizes, socketPair, unpin, write } from '../../native/index.ts';
import { delay } from '../native/_support.ts';
import { run, start } from './_support.ts';

/** A pair of which the command gets the first end, with room for many small frames. */
function makePair(): [number, number] {
  const pair = socketPair(SOCK_SEQPACKET);
  for (const fd of pair) setBufferSizes(fd, { send: 16 << 20, receive: 16 << 20, force: true });
  return pair;
}

/** Writes up to `count` frames of 64 bytes that look like IPv4; how many fitted. */
function fill(fd: number, count: number): number {
  const frame = new Uint8Array(64).fill(0x45);
  const address = pin(frame);
  let written = 0;
  while (written < count && write(fd, address, frame.byteLength) === frame.byteLength) written++;
  unpin(frame);
  return written;
}

function parseLine(stdout: string): BenchResult {
  if (!/^[^\n]+\n$/.test(stdout)) throw new Error(`Expected one line, got ${JSON.stringify(stdout)}`);
  return JSON.parse(stdout) as BenchResult;
}

for (const way of ['inline', 'worker', 'ring']) {
  for (const mode of ['recvmmsg', 'readv']) {
    test.serial(`rx, ${mode}, ${way}: a prefilled queue that hangs up is counted whole`, async (t) => {
      const [ours, theirs] = makePair();
      const count = fill(theirs, 5000);
      closeFd(theirs);
      t.true(count > 100);
      const args = ['bench', 'rx', '--fd', '3', '--mode', mode, '--run', way, '--json'];
      const { status, stdout, stderr } = await run(args, { fds: [ours] });
      closeFd(ours);
      t.is(stderr, '');
      t.is(status, 0);
      const result = parseLine(stdout);
      t.like(result, { packets: count, bytes: count * 64, drops: {} });
      t.like(result, { direction: 'rx', mode, run: way, window: 'whole' });
      t.deepEqual(result.closed, { kind: 'hangup' });
      t.true(result.seconds > 0 && result.seconds < 1);
      t.true(Math.abs(result.pps - count / result.seconds) < 1);
      t.true(Math.abs(result.cpuNsPerPacket - result.userNsPerPacket - result.systemNsPerPacket) < 1);
      t.true(result.cpuNsPerPacket > 0);
      t.true(mode === 'readv' ? result.syscalls > count : result.syscalls < count);
    });
  }
}

test.serial('rx: a hang-up without any packet is zeros and exit 3', async (t) => {
  const [ours, theirs] = makePair();
  closeFd(theirs);
  const { status, stdout } = await run(['bench', 'rx', '--fd', '3', '--json'], { fds: [ours] });
  closeFd(ours);
  t.is(status, 3);
  t.like(parseLine(stdout), { packets: 0, bytes: 0, seconds: 0, pps: 0, gbps: 0, cpuNsPerPacket: 0 });
  t.deepEqual(parseLine(stdout).closed, { kind: 'hangup' });
});

test.serial('rx: no packet for ten seconds is zeros and exit 3, without a reason', async (t) => {
  const [ours, theirs] = makePair();
  const began = performance.now();
  const { status, stdout } = await run(['bench', 'rx', '--fd', '3', '--json'], { fds: [ours] });
  const seconds = (performance.now() - began) / 1000;
  closeFd(ours);
  closeFd(theirs);
  t.is(status, 3);
  t.true(seconds >= 10 && seconds < 15);
  t.is(parseLine(stdout).packets, 0);
  t.is(parseLine(stdout).closed, undefined);
});

test.serial('rx: a hang-up in the middle of the measurement is printed within a second', async (t) => {
  const [ours, theirs] = makePair();
  const { ended } = start(['bench', 'rx', '--fd', '3', '--json', '--duration-ms', '60000'], { fds: [ours] });
  let written = fill(theirs, 1);
  while (bytesReadable(ours) > 0) await delay(10); // it has not begun
  for (let turn = 0; turn < 150; turn++) {
    written += fill(theirs, 10);
    await delay(10);
  }
  closeFd(theirs);
  const hungUp = performance.now();
  const { status, stdout } = await ended;
  t.true(performance.now() - hungUp < 1000);
  closeFd(ours);
  t.is(status, 0);
  const result = parseLine(stdout);
  t.deepEqual(result.closed, { kind: 'hangup' });
  t.is(result.window, 'steady');
  t.true(result.packets > 0 && result.packets < written);
});

test.serial('rx: a queue that dries up is measured since its first packet', async (t) => {
  const [ours, theirs] = makePair();
  const count = fill(theirs, 3000);
  const { status, stdout } = await run(['bench', 'rx', '--fd', '3', '--json', '--duration-ms', '200'], { fds: [ours] });
  closeFd(ours);
  closeFd(theirs);
  t.is(status, 0);
  t.like(parseLine(stdout), { packets: count, window: 'whole' });
  t.true(parseLine(stdout).seconds < 0.2);
});

test.serial('rx: what is dropped is told by reason', async (t) => {
  const [ours, theirs] = makePair();
  const count = fill(theirs, 100);
  const args = ['bench', 'rx', '--fd', '3', '--json', '--duration-ms', '100', '--slot-bytes', '63'];
  const { stdout } = await run(args, { fds: [ours] });
  closeFd(ours);
  closeFd(theirs);
  t.like(parseLine(stdout), { packets: 0, drops: { truncated: count } });
});

test.serial('rx without --json is one line for a person', async (t) => {
  const [ours, theirs] = makePair();
  fill(theirs, 100);
  closeFd(theirs);
  const { stdout } = await run(['bench', 'rx', '--fd', '3'], { fds: [ours] });
  closeFd(ours);
  t.regex(stdout, /^rx recvmmsg inline: 100 packets in [^\n]+, closed: hangup\n$/);
});

test.serial('tx writes the frames asked for, as many as it tells', async (t) => {
  const [ours, theirs] = makePair();
  const frames = ['--frame', '60c0ffee', '--size', '100', '--batch', '5'];
  const args = ['bench', 'tx', '--fd', '3', '--json', ...frames, '--duration-ms', '100'];
  const { child, ended } = start(args, { fds: [ours] });
  closeFd(ours);
  let isOver = false;
  child.on('exit', () => (isOver = true));
  const buffer = new Uint8Array(2048);
  const address = pin(buffer);
  let received = 0;
  let wrong = 0;
  const expected = Buffer.alloc(100);
  expected.write('60c0ffee', 'hex');
  for (let length = -ERRNO.EAGAIN; ; ) {
    length = read(theirs, address, buffer.byteLength);
    if (length > 0) {
      received++;
      if (Buffer.compare(buffer.subarray(0, length), expected) !== 0) wrong++;
    } else if (isOver) break;
    else await delay(1);
  }
  unpin(buffer);
  closeFd(theirs);
  const { status, stdout } = await ended;
  const result = parseLine(stdout);
  t.is(status, 0);
  t.is(wrong, 0);
  t.like(result, { direction: 'tx', drops: {} });
  t.true(result.packets > 0 && result.packets <= received);
  t.is(result.bytes, result.packets * 100);
});

test.serial('tx to a peer that hangs up ends with what it has', async (t) => {
  const [ours, theirs] = makePair();
  const { ended } = start(['bench', 'tx', '--fd', '3', '--json', '--duration-ms', '60000'], { fds: [ours] });
  closeFd(ours);
  while (bytesReadable(theirs) === 0) await delay(10); // it has not begun
  await delay(100);
  closeFd(theirs);
  const hungUp = performance.now();
  const { stdout } = await ended;
  t.true(performance.now() - hungUp < 1000);
  t.is(parseLine(stdout).closed?.kind, 'hangup');
});

for (const way of ['inline', 'worker', 'ring']) {
  for (const direction of ['rx', 'tx']) {
    test.serial(`${direction} --self socketpair, ${way}, makes its own other side`, async (t) => {
      const args = ['bench', direction, '--self', 'socketpair', '--run', way, '--json', '--duration-ms', '150'];
      const { status, stdout, stderr } = await run(args);
      t.is(stderr, '');
      t.is(status, 0);
      const result = parseLine(stdout);
      t.true(result.packets > 1000);
      t.is(result.bytes, result.packets * 1500);
      t.true(result.seconds > 0.14 && result.seconds < 0.4);
    });
  }
}
