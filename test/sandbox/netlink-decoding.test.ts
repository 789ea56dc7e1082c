/** What is not as its lengths say is a typed error, whatever the bytes; what is foreign is skipped. */

import fc from 'fast-check';
import test from 'ava';

import { NetlinkMessageError } from '../../errors.ts';
import { closeFd, netlinkMessage, netlinkSocket, socketPair, withPinned } from '../../native/index.ts';
import { write } from '../../native/index.ts';
import { Attributes, NetlinkMessage, parseReply, readChange } from '../../sandbox/index.ts';

/** Anything but a NetlinkMessageError fails. */
function decodes(decode: () => unknown): boolean {
  try {
    decode();
    return true;
  } catch (error) {
    if (error instanceof NetlinkMessageError) return false;
    throw error;
  }
}

test('attributes that were written are read', (t) => {
  const value = fc.record({ type: fc.integer({ min: 1, max: 0x3fff }), bytes: fc.uint8Array({ maxLength: 40 }) });
  fc.assert(
    fc.property(fc.uniqueArray(value, { selector: ({ type }) => type }), (values) => {
      const message = new NetlinkMessage(16, 0);
      for (const { type, bytes } of values) message.attribute(type, bytes);
      const read = new Attributes(message.finish().subarray(16));
      for (const { type, bytes } of values) t.deepEqual(Buffer.from(read.bytes(type)!), Buffer.from(bytes));
    }),
  );
  t.pass();
});

test('any bytes are decoded or refused by a typed error', (t) => {
  let refused = 0;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(16, 20, 24, 28), (bytes, type) => {
      const message = new NetlinkMessage(type, 0).raw(bytes).finish();
      if (!decodes(() => readChange(message))) refused++;
      decodes(() => netlinkMessage.splitMessages('Cannot read', bytes));
    }),
    { numRuns: 2000 },
  );
  t.true(refused > 100);
});

test('every truncation of a message is decoded or refused by a typed error', (t) => {
  const message = new NetlinkMessage(16, 0).raw(new Uint8Array(16)).text(3, 'veth0');
  message.nest(18, (info) => info.text(1, 'bridge').nest(2, (data) => data.u32(1, 1500))).u32(4, 1400);
  const bytes = message.finish();
  t.like(readChange(bytes), { event: 'new', object: 'link', link: { name: 'veth0', bridge: { forwardDelay: 1500 } } });
  const good = Array.from(bytes.keys()).filter((length) => length >= 16 && decodes(() => readChange(bytes.slice(0, length))));
  t.true(good.length > 0 && good.length < bytes.length - 30);
  t.throws(() => parseReply(bytes.slice(0, 20), 16), { code: 'ERR_NETLINK_MESSAGE' });
});

/** Has a "kernel" that already said `replies` (datagrams) answer one dump with sequence 7. */
function askFake(replies: readonly Uint8Array[]): Uint8Array[] {
  const [ours, kernel] = socketPair(undefined, { sendBufferBytes: 4 << 20, receiveBufferBytes: 4 << 20 });
  try {
    for (const bytes of replies) withPinned(bytes, (address) => write(kernel, address, bytes.byteLength));
    return netlinkSocket.request(ours, new NetlinkMessage(18, 0x301, 7).finish());
  } finally {
    closeFd(ours);
    closeFd(kernel);
  }
}

const reply = (sequence: number, type = 16, flags = 2): Uint8Array => new NetlinkMessage(type, flags, sequence).raw(new Uint8Array(16)).finish();
const end = (error = 0): Uint8Array => new NetlinkMessage(3, 2, 7).raw(new Uint8Array(new Int32Array([error]).buffer)).finish();

test('a dump of 10,000 messages of a kernel is read whole; foreign ones are skipped', (t) => {
  const foreign = reply(7);
  new DataView(foreign.buffer).setUint32(12, 99, true); // another port id
  const datagrams = Array.from({ length: 20 }, () => new Uint8Array(Buffer.concat(Array.from({ length: 500 }, () => reply(7)))));
  t.is(askFake([foreign, reply(6), ...datagrams, end()]).length, 10_000);
});

test('malformed, missing, interrupted and failed dumps are typed errors', (t) => {
  const lying = reply(7);
  new DataView(lying.buffer).setUint32(0, 4096, true);
  t.throws(() => askFake([lying]), { code: 'ERR_NETLINK_MESSAGE' });
  t.throws(() => askFake([new Uint8Array(7)]), { code: 'ERR_NETLINK_MESSAGE' });
  t.throws(() => askFake([reply(7)]), { code: 'EAGAIN', message: /no reply came/ });
  t.throws(() => askFake([reply(7, 16, 0x12), end()]), { code: 'EINTR' });
  t.throws(() => askFake([reply(7), end(-1)]), { code: 'EPERM', name: 'NetlinkError', message: /CAP_NET_ADMIN/ });
});
