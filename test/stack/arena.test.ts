import test from 'ava';
import { Arena, HEADROOM_BYTES } from '../../stack/index.ts';

const CACHE_LINE_BYTES = 64;

test('an arena draws its slots as headroom, capacity and a spare byte, on cache lines', (t) => {
  const arena = new Arena(3, 1514);
  t.is(HEADROOM_BYTES, 128);
  t.is(arena.slotBytes, 1664); // 128 + 1514 + 1 = 1643, up to the next multiple of 64
  for (let slot = 0; slot < 3; slot++) {
    t.is(arena.slotBase(slot), slot * 1664);
    t.is(arena.slotBase(slot) % CACHE_LINE_BYTES, 0);
    t.is(arena.frameStart(slot), arena.slotBase(slot) + HEADROOM_BYTES);
    t.is(arena.frameLimit(slot), arena.frameStart(slot) + 1514);
    t.true(arena.frameLimit(slot) < arena.slotBase(slot) + arena.slotBytes, 'the spare byte is inside the slot');
  }
});

test('a capacity that fills its cache lines still gets its spare byte', (t) => {
  t.is(new Arena(1, 64 - 1).slotBytes, 192);
  t.is(new Arena(1, 64).slotBytes, 256);
});

test('an arena is one shared block, seen as bytes and as fields', (t) => {
  const arena = new Arena(2, 100);
  t.true(arena.bytes.buffer instanceof SharedArrayBuffer);
  t.is(arena.bytes.byteLength, 2 * arena.slotBytes);
  arena.view.setUint16(arena.frameStart(1), 0x0102);
  t.deepEqual([...arena.bytes.subarray(arena.frameStart(1), arena.frameStart(1) + 2)], [1, 2]);
  t.is(arena.address, 0, 'until an FFI binds it');
});

for (const [slotCount, capacityBytes] of [
  [0, 1],
  [1, 0],
  [-1, 1],
  [1.5, 1],
  [1, Number.NaN],
] as const) {
  test(`an arena of ${slotCount} slots of ${capacityBytes} bytes is refused`, (t) => {
    t.throws(() => new Arena(slotCount, capacityBytes), {
      instanceOf: RangeError,
      message: /a positive integer is required/,
    });
  });
}
