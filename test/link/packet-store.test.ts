import test from 'ava';
import fc from 'fast-check';
import { copyBetween, PacketStore, STORE_PAYLOAD_MAX } from '../../link/packet-store.ts';
import { packetFrom, patternBytes } from '../../testing/index.ts';

test('allocate() gives a packet with the whole headroom, up to the limit of packets in use', (t) => {
  const store = new PacketStore(2);
  const [first, second] = [store.allocate(100), store.allocate(0)];
  t.is(first?.length, 100);
  t.is(first?.networkOffset, first?.start);
  t.is((first?.start ?? 0) - (first?.base ?? 0), 128);
  t.is(store.allocate(1), null);
  second?.release();
  second?.release();
  t.is(store.usedCount, 1);
  t.not(store.allocate(1), null);
  t.is(store.allocate(1), null);
});

test('every length fits its slot, at the edges of the size classes, too', (t) => {
  const store = new PacketStore();
  for (const edge of [0, 1, 2048, 4096, 65_536, STORE_PAYLOAD_MAX]) {
    for (const byteCount of [edge - 1, edge, edge + 1]) {
      if (byteCount < 0) continue;
      const packet = store.allocate(byteCount);
      if (byteCount > STORE_PAYLOAD_MAX) t.is(packet, null);
      else t.true((packet?.end ?? Infinity) <= (packet?.limit ?? 0), `${byteCount} bytes`);
      packet?.release();
    }
  }
});

test('a released slot is used again, for packets of its size class only', (t) => {
  const store = new PacketStore();
  const small = store.allocate(10);
  small?.release();
  t.not(store.allocate(3000), small);
  t.is(store.allocate(2048), small);
});

test('copyBetween() copies exactly the bytes asked for, at any alignment and length', (t) => {
  const length = fc.oneof(fc.nat({ max: 64 }), fc.integer({ min: 4090, max: 4200 }));
  fc.assert(
    fc.property(length, fc.nat({ max: 17 }), fc.nat({ max: 17 }), (byteCount, from, to) => {
      const source = packetFrom(patternBytes(byteCount + from));
      const target = packetFrom(new Uint8Array(byteCount + to + 8).fill(0xa5));
      copyBetween(source, source.start + from, target, target.start + to, byteCount);
      const expected = new Uint8Array(byteCount + to + 8).fill(0xa5);
      expected.set(patternBytes(byteCount + from).subarray(from), to);
      return Buffer.compare(target.copyBytes(), expected) === 0;
    }),
  );
  t.pass();
});
