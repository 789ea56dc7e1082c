import test from 'ava';
import { Counter, HISTOGRAM_BUCKETS, LinkStatistics } from '../../stack/index.ts';
import { histogramBucket } from '../../stack/statistics.ts';

test('a counter is the sum over the blocks of all threads', (t) => {
  const statistics = new LinkStatistics(3);
  for (let thread = 0; thread < 3; thread++) statistics.block(thread).add(Counter.receivedPackets, 10 ** thread);
  t.is(statistics.get('receivedPackets'), 111);
  t.is(statistics.get('receivedBytes'), 0);
});

test('a block shows what its own thread wrote', (t) => {
  const statistics = new LinkStatistics(2);
  statistics.block(0).add(Counter.runt, 2);
  statistics.block(1).add(Counter.runt, 5);
  t.is(statistics.block(0).get(Counter.runt), 2);
  t.is(statistics.block(1).get(Counter.runt), 5);
});

test('another thread opens the same counters by their buffer', (t) => {
  const statistics = new LinkStatistics(2);
  new LinkStatistics(statistics.buffer).block(1).add(Counter.deliveredPackets, 7);
  t.is(statistics.get('deliveredPackets'), 7);
});

test('a block that does not exist is refused', (t) => {
  const statistics = new LinkStatistics(2);
  t.throws(() => statistics.block(2), { instanceOf: RangeError, message: /there are 2/ });
  t.throws(() => statistics.block(-1), { instanceOf: RangeError });
});

test('every name has a place of its own', (t) => {
  const places = Object.values(Counter);
  t.is(new Set(places).size, places.length);
});

test('counters are exact far beyond 32 bits', (t) => {
  const statistics = new LinkStatistics();
  statistics.block().add(Counter.receivedBytes, 2 ** 52);
  statistics.block().add(Counter.receivedBytes, 1);
  t.is(statistics.get('receivedBytes'), 2 ** 52 + 1);
});

test('inboundDrops sums the reasons of inbound drops and no others', (t) => {
  const statistics = new LinkStatistics(2);
  statistics.block(0).add(Counter.runt, 1);
  statistics.block(1).add(Counter['foreign-link-address'], 2);
  statistics.block(1).add(Counter.detached, 4);
  statistics.block(0).add(Counter['link-down'], 100);
  statistics.block(0).add(Counter.kernelDrops, 100);
  t.is(statistics.inboundDrops, 7);
});

for (const [first, last, bucket] of [
  [1, 1, 0],
  [2, 2, 1],
  [3, 4, 2],
  [5, 8, 3],
  [9, 16, 4],
  [17, 32, 5],
  [33, 64, 6],
  [65, 128, 7],
  [129, 256, 8],
  [257, 100_000, 9],
] as const) {
  test(`batches of ${first} to ${last} packets are counted in bucket ${bucket}`, (t) => {
    t.is(histogramBucket(first), bucket);
    t.is(histogramBucket(last), bucket);
  });
}

test('addBatch() counts batches, not packets, and an empty one not at all', (t) => {
  const statistics = new LinkStatistics(2);
  statistics.block(0).addBatch(0);
  statistics.block(0).addBatch(1);
  statistics.block(1).addBatch(1);
  statistics.block(1).addBatch(64);
  statistics.block(1).addBatch(1_000_000);
  const { batchSizes } = statistics.snapshot();
  t.deepEqual(batchSizes, [2, 0, 0, 0, 0, 0, 1, 0, 0, 1]);
  t.is(batchSizes.length, HISTOGRAM_BUCKETS);
});

test('snapshot() names every counter and reason, those that never occurred as 0', (t) => {
  const statistics = new LinkStatistics();
  const before = statistics.snapshot();
  statistics.block().add(Counter.wakeups, 3);
  statistics.block().add(Counter['queue-full'], 4);
  const after = statistics.snapshot();
  t.is(before.wakeups, 0);
  t.is(after.wakeups, 3);
  t.is(after.drops['queue-full'], 4);
  const { drops, batchSizes: _, ...counters } = after;
  t.deepEqual([...Object.keys(counters), ...Object.keys(drops)].sort(), Object.keys(Counter).sort());
  t.true(Object.values({ ...before.drops }).every((count) => count === 0));
});
