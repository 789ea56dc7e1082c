import test from 'ava';

import { NetlinkMessage } from '../../sandbox/netlink/index.ts';

test('a message is a header, a fixed part and padded attributes', (t) => {
  const message = new NetlinkMessage(16, 0x605, 7).raw(new Uint8Array(4).fill(0xaa));
  message.text(3, 'veth0').u32(4, 1400).nest(18, (info) => info.text(1, 'veth'));
  t.deepEqual([...message.finish()], [
    56, 0, 0, 0, 16, 0, 0x05, 0x06, 7, 0, 0, 0, 0, 0, 0, 0, // length, type, flags, sequence, port
    0xaa, 0xaa, 0xaa, 0xaa,
    10, 0, 3, 0, 0x76, 0x65, 0x74, 0x68, 0x30, 0, 0, 0, // "veth0", zero, two of padding
    8, 0, 4, 0, 0x78, 0x05, 0, 0,
    16, 0, 18, 0x80, 9, 0, 1, 0, 0x76, 0x65, 0x74, 0x68, 0, 0, 0, 0, // the nest counts its padding
  ]); // prettier-ignore
});

test('a message grows as it needs', (t) => {
  const payload = new Uint8Array(1000).fill(1);
  const message = new NetlinkMessage(16, 1).attribute(1, payload).attribute(2, payload);
  t.is(message.finish().byteLength, 16 + 2 * 1004);
  t.deepEqual(message.finish().slice(20, 1020), payload);
  t.deepEqual(message.finish().slice(1024), payload);
});

test('an attribute that its length cannot tell is refused', (t) => {
  t.throws(() => new NetlinkMessage(16, 1).attribute(1, new Uint8Array(65_533)), { instanceOf: RangeError });
  t.notThrows(() => new NetlinkMessage(16, 1).attribute(1, new Uint8Array(65_531)));
});
