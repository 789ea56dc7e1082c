import test from 'ava';
import { Arena, type PacketBuffer, PacketList, PacketPool } from '../../stack/index.ts';

function packets(count: number): PacketBuffer[] {
  const pool = new PacketPool(new Arena(count, 10));
  return Array.from({ length: count }, (_, slot) => pool.at(slot));
}

const slots = (list: PacketList): number[] => [...list].map((packet) => packet.slot);

test('a list keeps its packets in order', (t) => {
  const list = PacketList.of(...packets(3));
  t.is(list.length, 3);
  t.deepEqual(slots(list), [0, 1, 2]);
  t.is(list.at(2).slot, 2);
});

test('a cleared list is empty and usable again', (t) => {
  const [first, second] = packets(2) as [PacketBuffer, PacketBuffer];
  const list = PacketList.of(first, second);
  list.clear();
  t.is(list.length, 0);
  t.deepEqual(slots(list), []);
  list.push(second);
  t.deepEqual(slots(list), [1]);
});

test('at() behind the end throws, also where an older packet lies', (t) => {
  const list = PacketList.of(...packets(2));
  list.clear();
  t.throws(() => list.at(0), { instanceOf: RangeError, message: /packet 0 of the list: it holds 0/ });
  t.throws(() => list.at(-1), { instanceOf: RangeError });
});

for (const [count, left] of [
  [0, [0, 1, 2, 3]],
  [1, [1, 2, 3]],
  [3, [3]],
  [4, []],
  [9, []],
] as const) {
  test(`dropFirst(${count}) of four leaves [${left.join()}]`, (t) => {
    const list = PacketList.of(...packets(4));
    list.dropFirst(count);
    t.deepEqual(slots(list), [...left]);
    t.is(list.length, left.length);
  });
}
