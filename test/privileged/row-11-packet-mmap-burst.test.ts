/**
 * gVisor's packet ring (V1, 32 frames of 64 KiB) loses 94 % of a burst of 512 frames that comes before the reader runs.
 * Here blocks of any frames (V3) hold it whole.
 */

import test from 'ava';

import { openFdBased } from '../../link/fd-based.ts';
import { attachRecorder, Recording } from '../regression/_recorder.ts';
import { assertInvariant, delay, RUNS, until, upTo } from '../regression/_support.ts';
import { sleep, TEST_PROTOCOL } from './native-support.ts';
import { makeLink, testFrame } from './row-support.ts';

const BURST = 512;
/** Longer than the retire timeout: many blocks are handed over with few frames each. */
const PACED_FRAMES = 40;
const PACE_MILLISECONDS = 2;

for (const run of RUNS) {
  for (const byteLength of [64, 1_500]) {
    test.serial(`row 11: ${run}: a burst of ${BURST} frames of ${byteLength} bytes before the reader runs is there to the last`, async (t) => {
      const { fd, sender } = makeLink(t, 'packet-mmap');
      const endpoint = await openFdBased({ fds: [fd], run, dispatchMode: 'packet-mmap' });
      const recording = new Recording();
      await sender.sendAll(upTo(BURST).map((sequence) => testFrame(sequence, byteLength)));
      attachRecorder(endpoint, run, { shared: recording.shared, protocol: TEST_PROTOCOL });
      await until(() => recording.count >= BURST, 'all came');
      await delay(20);
      t.deepEqual(recording.sequences, upTo(BURST));
      t.true(recording.lengths.every((length) => length === byteLength - 14));
      t.is(endpoint.statistics.get('receiveSyscalls'), 0);
      endpoint.close();
      await endpoint.wait();
      t.is(endpoint.statistics.get('kernelDrops'), 0);
      t.is(endpoint.statistics.get('receivedPackets'), BURST);
      assertInvariant(t, endpoint);
    });
  }

  test.serial(`row 11: ${run}: detached in the middle of a block, the next attachment goes on where the last one ended`, async (t) => {
    const { fd, sender } = makeLink(t, 'packet-mmap');
    const endpoint = await openFdBased({ fds: [fd], run, dispatchMode: 'packet-mmap', batch: 16 });
    await sender.sendAll(upTo(BURST).map((sequence) => testFrame(sequence)));
    const recordings: Recording[] = [];
    const total = (): number => recordings.reduce((sum, { count }) => sum + count, 0);
    for (let attachment = 0; attachment < 40 && total() < BURST; attachment++) {
      const recording = new Recording();
      recordings.push(recording);
      attachRecorder(endpoint, run, { shared: recording.shared, at: 20, action: 'detach' });
      await until(() => recording.count >= 20 || total() + endpoint.statistics.get('detached') >= BURST, 'a part came');
      endpoint.attach(null);
      await endpoint.wait();
    }
    const sequences = recordings.flatMap((recording) => recording.sequences);
    t.deepEqual(sequences, [...new Set(sequences)].sort((left, right) => left - right), 'each once, in order');
    t.is(sequences.length + endpoint.statistics.get('detached'), BURST);
    endpoint.close();
    await endpoint.wait();
  });
}

test.serial('row 11: frames that trickle in while the thread is busy are there, too', async (t) => {
  const { fd, sender } = makeLink(t, 'packet-mmap');
  const endpoint = await openFdBased({ fds: [fd], dispatchMode: 'packet-mmap' });
  t.teardown(() => endpoint.close());
  const recording = new Recording();
  attachRecorder(endpoint, 'inline', { shared: recording.shared, protocol: TEST_PROTOCOL });
  for (const sequence of upTo(PACED_FRAMES)) {
    sender.send([testFrame(sequence)]);
    sleep(PACE_MILLISECONDS);
  }
  await until(() => recording.count === PACED_FRAMES, 'all came');
  t.deepEqual(recording.sequences, upTo(PACED_FRAMES));
  t.is(endpoint.statistics.get('kernelDrops'), 0);
});
