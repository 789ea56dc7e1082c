import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { Tally } from '../../cli/bench-tally.ts';

const FRAME_BYTES = 1500;

test('packets and bytes of a dispatcher are counted together, whoever looks from another thread', async (t) => {
  const tally = new Tally(2);
  const worker = new Worker(new URL('./_tally-writer.js', import.meta.url), {
    workerData: { buffer: tally.buffer, batches: 300_000, frameBytes: FRAME_BYTES },
  });
  const exit = once(worker, 'exit');
  let seen = 0;
  let torn = 0;
  const isOver = (): boolean => tally.count().packets === 300_000;
  const deadline = Date.now() + 20_000;
  while (!isOver() && Date.now() < deadline) {
    const { packets, bytes } = tally.count();
    if (packets > 0 && packets < 300_000) seen++;
    if (bytes !== packets * FRAME_BYTES) torn++;
    if (packets === 0) await new Promise((resolve) => setTimeout(resolve, 1)); // the worker has not begun
  }
  await exit;
  t.is(torn, 0);
  t.true(seen > 10);
  t.deepEqual(tally.count(), { packets: 300_000, bytes: 300_000 * FRAME_BYTES });
});

test('the counts of all dispatchers are summed, their first and last moments compared', (t) => {
  const tally = new Tally(2);
  tally.add(0, 3, 300, 1000, 1500);
  tally.add(1, 1, 64, 900, 1400);
  tally.add(0, 2, 200, 1000, 1600);
  t.deepEqual(tally.count(), { packets: 6, bytes: 564 });
  t.is(tally.firstAt, 900);
  t.is(tally.lastAt, 1600);
  t.deepEqual(new Tally(tally.buffer).count(), tally.count());
});
