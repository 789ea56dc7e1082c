import { Worker } from 'node:worker_threads';
import test from 'ava';
import fc from 'fast-check';
import { RingConsumer, RingProducer } from '../../dispatch/ring.ts';
import { ringWords } from '../../dispatch/ring-layout.ts';

function pair(slotCount: number): { consumer: RingConsumer; producer: RingProducer } {
  const consumer = new RingConsumer(slotCount);
  return { consumer, producer: new RingProducer(slotCount, consumer.buffer) };
}

function put(producer: RingProducer, length: number): boolean {
  if (producer.reserve() === 0) return false;
  producer.describe(producer.nextSlot, length, 0);
  producer.commit(1);
  return true;
}

test('a ring is empty at first and uses every one of its slots', (t) => {
  const { consumer, producer } = pair(4);
  t.is(consumer.peek(), 0);
  for (let length = 1; length <= 4; length++) t.true(put(producer, length));
  t.is(producer.reserve(), 0);
  t.false(put(producer, 5));
  t.is(consumer.peek(), 4);
});

test('reserve() never promises slots beyond the end of the array', (t) => {
  const { consumer, producer } = pair(8);
  for (let length = 1; length <= 6; length++) put(producer, length);
  consumer.release(5);
  t.is(producer.nextSlot, 6);
  t.is(producer.reserve(), 2); // slots 6 and 7; 0 to 4 are free too, but not side by side with them
  put(producer, 7);
  put(producer, 8);
  t.is(producer.reserve(), 5);
});

test('free-running counters pass 2^31 and 2^32 without losing a slot', (t) => {
  for (const begin of [0x7fff_fffe, -2]) {
    const consumer = new RingConsumer(4);
    const words = new Int32Array(consumer.buffer);
    words[0] = begin; // HEAD
    words[16] = begin; // TAIL
    const late = { consumer: new RingConsumer(4, consumer.buffer), producer: new RingProducer(4, consumer.buffer) };
    for (let round = 1; round <= 10; round++) {
      t.true(put(late.producer, round));
      t.is(late.consumer.peek(), 1);
      t.is(late.consumer.length(late.consumer.slotAt(0)), round);
      late.consumer.release(1);
    }
  }
});

test('commit() asks for a wake-up only when the consumer has declared itself asleep', (t) => {
  const { consumer, producer } = pair(4);
  t.true(consumer.sleep());
  producer.describe(producer.nextSlot, 1, 0);
  t.true(producer.commit(1));
  producer.describe(producer.nextSlot, 1, 0);
  t.false(producer.commit(1));
});

test('sleep() refuses when a commit came first', (t) => {
  const { consumer, producer } = pair(4);
  put(producer, 1);
  t.false(consumer.sleep());
  consumer.release(1);
  t.true(consumer.sleep());
});

test('release() asks for a wake-up only when the producer waits for room', (t) => {
  const { consumer, producer } = pair(2);
  put(producer, 1);
  put(producer, 2);
  t.true(producer.sleep());
  t.true(consumer.release(1));
  t.false(consumer.release(1));
  t.false(producer.sleep());
});

test('a slot count that is no power of two, or above 1024, is refused', (t) => {
  for (const slotCount of [0, 3, 6, 2048, -4]) t.throws(() => new RingConsumer(slotCount), { instanceOf: RangeError });
  t.is(ringWords(1), 80 + 2);
});

test('any interleaving of puts and releases delivers each record once and in order', (t) => {
  fc.assert(
    fc.property(fc.constantFrom(1, 2, 8), fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 200 }), (slots, steps) => {
      const { consumer, producer } = pair(slots);
      let written = 0;
      let read = 0;
      for (const step of steps) {
        if (step < 3) {
          if (put(producer, written + 1)) written++;
        } else {
          const count = Math.min(consumer.peek(), step - 2);
          for (let offset = 0; offset < count; offset++) {
            if (consumer.length(consumer.slotAt(offset)) !== ++read) return false;
          }
          consumer.release(count);
        }
      }
      return consumer.peek() === written - read;
    }),
  );
  t.pass();
});

test('two threads pass 200,000 records, each once and in order', async (t) => {
  const consumer = new RingConsumer(64);
  const total = 200_000;
  const code = `
    import { workerData } from 'node:worker_threads';
    import { RingProducer } from '${new URL('../../dispatch/ring.js', import.meta.url).href}';
    const producer = new RingProducer(64, workerData.buffer);
    for (let next = 1; next <= ${total}; ) {
      const free = Math.min(producer.reserve(), ${total} - next + 1, 1 + (next % 7));
      for (let index = 0; index < free; index++) producer.describe(producer.nextSlot + index, next++, 0);
      if (free > 0) producer.commit(free);
    }`;
  const url = new URL(`data:text/javascript,${encodeURIComponent(code)}`);
  const worker = new Worker(url, { workerData: { buffer: consumer.buffer } });
  let read = 0;
  while (read < total) {
    const count = consumer.peek();
    for (let offset = 0; offset < count; offset++) {
      if (consumer.length(consumer.slotAt(offset)) !== ++read) return t.fail(`record ${read} is wrong`);
    }
    consumer.release(count);
    if (count === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await worker.terminate();
  t.is(read, total);
});
