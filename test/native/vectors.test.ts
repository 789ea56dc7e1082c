import test from 'ava';

import { closeFd, MessageTable, pinnedCount, read, socketPair, writev } from '../../native/index.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, MSG_TRUNC, PROT_READ, PROT_WRITE, SOCK_DGRAM } from '../../native/constants.ts';
import { ERRNO } from '../../native/errno.ts';
import * as libc from '../../native/libc.ts';
import { allocatePinned, freePinned, type PinnedBuffer } from '../../native/memory.ts';
import type { ExecutionContext } from 'ava';

const SLOT_BYTES = 256;

interface Bench {
  left: number;
  right: number;
  slots: PinnedBuffer;
  table: MessageTable;
}

/** A socket pair and a table of `count` messages with one slot each. */
function setUp(t: ExecutionContext, count: number, type?: number): Bench {
  const [left, right] = socketPair(type);
  const slots = allocatePinned(count * SLOT_BYTES);
  const table = new MessageTable(count, 1);
  for (let i = 0; i < count; i++) table.setIovec(i, 0, slots.address + i * SLOT_BYTES, SLOT_BYTES);
  t.teardown(() => {
    table.close();
    freePinned(slots);
    closeFd(left);
    closeFd(right);
  });
  return { left, right, slots, table };
}

function fill({ slots, table }: Bench, message: number, text: string): void {
  const length = Buffer.from(slots.bytes.buffer).write(text, message * SLOT_BYTES);
  table.setIovecLength(message, 0, length);
}

function textOf({ slots, table }: Bench, message: number): string {
  const at = message * SLOT_BYTES;
  return Buffer.from(slots.bytes.slice(at, at + table.length(message))).toString();
}

test.serial('send() and receive() move a batch and tell each length', (t) => {
  const bench = setUp(t, 4);
  ['one', 'three', 'x', 'fourth'].forEach((text, i) => fill(bench, i, text));
  t.is(bench.table.send(bench.left, 0, 4, 0), 4);
  bench.slots.bytes.fill(0xa5);
  for (let i = 0; i < 4; i++) bench.table.setIovecLength(i, 0, SLOT_BYTES);
  t.is(bench.table.receive(bench.right, 0, 4, 0), 4);
  t.deepEqual([0, 1, 2, 3].map((i) => textOf(bench, i)), ['one', 'three', 'x', 'fourth']);
});

test.serial('receive() into the middle of the table leaves the other messages alone', (t) => {
  const bench = setUp(t, 4);
  fill(bench, 0, 'hello');
  t.is(bench.table.send(bench.left, 0, 1, 0), 1);
  bench.table.setIovecLength(2, 0, SLOT_BYTES);
  t.is(bench.table.receive(bench.right, 2, 2, 0), 1);
  t.is(textOf(bench, 2), 'hello');
  t.is(bench.table.length(3), 0);
});

test.serial('receive() answers -EAGAIN when nothing is queued', (t) => {
  const { table, right } = setUp(t, 2);
  t.is(table.receive(right, 0, 2, 0), -ERRNO.EAGAIN);
});

test.serial('flags() has MSG_TRUNC for the message that did not fit, and for no other', (t) => {
  const bench = setUp(t, 3);
  ['short', 'much longer than eight', 'short'].forEach((text, i) => fill(bench, i, text));
  t.is(bench.table.send(bench.left, 0, 3, 0), 3);
  for (let i = 0; i < 3; i++) bench.table.setIovecLength(i, 0, 8);
  t.is(bench.table.receive(bench.right, 0, 3, 0), 3);
  t.deepEqual([0, 1, 2].map((i) => (bench.table.flags(i) & MSG_TRUNC) !== 0), [false, true, false]);
  t.is(bench.table.length(1), 8);
});

test.serial('send() answers a short count on a full queue, and -EAGAIN after it', (t) => {
  const bench = setUp(t, 1024, SOCK_DGRAM);
  for (let i = 0; i < 1024; i++) fill(bench, i, 'x'.repeat(200));
  const sent = bench.table.send(bench.left, 0, 1024, 0);
  t.true(sent > 0 && sent < 1024, String(sent));
  t.is(bench.table.send(bench.left, sent, 1024 - sent, 0), -ERRNO.EAGAIN);
});

test.serial('setIovecCount() chooses how many pieces a message has, for sendmmsg and writev alike', (t) => {
  const { left, right, slots } = setUp(t, 1);
  const table = new MessageTable(2, 3);
  Buffer.from(slots.bytes.buffer).write('abcdef', 0);
  for (const message of [0, 1]) {
    for (let i = 0; i < 3; i++) table.setIovec(message, i, slots.address + i * 2, 2);
  }
  table.setIovecCount(1, 2);
  t.deepEqual([0, 1].map((i) => table.iovecCount(i)), [3, 2]);
  t.is(table.send(left, 0, 2, 0), 2);
  t.deepEqual([0, 1].map((i) => table.length(i)), [6, 4]);
  t.is(writev(left, table.iovecAddress(1), 2), 4);
  const lengths = [0, 1, 2].map(() => read(right, slots.address + 64, 64));
  t.deepEqual(lengths, [6, 4, 4]);
  t.is(Buffer.from(slots.bytes.slice(64, 68)).toString(), 'abcd');
  table.close();
});

test.serial('the end of a SEQPACKET connection fills the batch with zero lengths, also behind data', (t) => {
  const { slots, table, right, left } = setUp(t, 4);
  const [a, b] = socketPair();
  table.setIovecLength(0, 0, 5);
  t.is(table.send(a, 0, 1, 0), 1);
  closeFd(a);
  for (let i = 0; i < 4; i++) table.setIovecLength(i, 0, SLOT_BYTES);
  t.is(table.receive(b, 0, 4, 0), 4);
  t.deepEqual([0, 1, 2, 3].map((i) => table.length(i)), [5, 0, 0, 0]);
  closeFd(b);
  t.true(slots.address > 0 && left > 0 && right > 0);
});

test.serial('close() gives up the memory once, and calls answer -EFAULT afterwards', (t) => {
  const { left, right } = setUp(t, 1);
  const before = pinnedCount();
  const table = new MessageTable(8, 2);
  t.is(pinnedCount(), before + 1);
  table.close();
  table.close();
  t.is(pinnedCount(), before);
  t.is(table.iovecAddress(0), 0);
  t.is(table.send(left, 0, 8, 0), -ERRNO.EFAULT);
  t.true(table.receive(right, 0, 8, 0) < 0);
});

test('a table has 1 to 1024 messages of 1 to 1024 pieces', (t) => {
  for (const [messages, pieces] of [[0, 1], [1025, 1], [1, 0], [1, 1025], [1.5, 1]] as const) {
    t.throws(() => new MessageTable(messages, pieces), { instanceOf: RangeError });
  }
});

test.serial('an address above 4 GiB survives both halves of the iovec', (t) => {
  const bench = setUp(t, 2);
  // Without a hint the kernel maps from the top of the address space.
  const high = libc.mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  t.true(high > 0x1_0000_0000);
  bench.table.setIovec(0, 0, high, 100);
  t.is(bench.table.send(bench.left, 0, 1, 0), 1);
  bench.slots.bytes.fill(0xa5);
  t.is(bench.table.receive(bench.right, 1, 1, 0), 1);
  t.is(bench.table.length(1), 100);
  t.deepEqual(bench.slots.bytes.slice(SLOT_BYTES, SLOT_BYTES + 101), new Uint8Array([...new Uint8Array(100), 0xa5]));
});
