/** No allocation per packet: what is left, in full batches, is a turn of the event loop per batch. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import test from 'ava';

/** Of JavaScript heap. One object a packet is ten times that. */
const LIMIT_BYTES_PER_PACKET = 4;
/** A young generation that holds all of it, and no collection because time has passed: nothing is collected meanwhile. */
const NODE_OPTIONS = ['--expose-gc', '--max-semi-space-size=256', '--min-semi-space-size=256', '--no-memory-reducer'];

interface HeapCost {
  readonly packets: number;
  readonly bytesPerPacket: number;
  readonly collections: number;
  readonly packetsPerSyscall: number;
}

function measure(...args: string[]): HeapCost {
  const path = fileURLToPath(new URL('_heap-child.js', import.meta.url));
  const options = args.includes('small') ? ['--expose-gc', '--max-semi-space-size=1'] : NODE_OPTIONS;
  const { stdout, stderr, status } = spawnSync(process.execPath, [...options, path, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`The child ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as HeapCost;
}

const CASES = [
  ['recvmmsg', '1000000', 'received by recvmmsg'],
  ['readv', '1000000', 'received by readv'],
  ['echo', '1000000', 'received and written back'],
  ['ring', '300000', 'handed over by a ring'],
] as const;

for (const [mode, count, title] of CASES) {
  test.serial(`${count} packets, ${title}, cost at most ${LIMIT_BYTES_PER_PACKET} bytes of heap each, without a collection`, (t) => {
    const cost = measure(mode, count);
    t.is(cost.collections, 0);
    t.true(cost.bytesPerPacket <= LIMIT_BYTES_PER_PACKET, `${cost.bytesPerPacket} bytes a packet`);
  });
}

test.serial('a dispatcher that allocates one object per packet is over that limit: the measurement can fail', (t) => {
  const cost = measure('recvmmsg', '1000000', 'mutant');
  t.is(cost.collections, 0);
  t.true(cost.bytesPerPacket > 3 * LIMIT_BYTES_PER_PACKET, `${cost.bytesPerPacket} bytes a packet`);
});

test.serial('collections are seen: where the young generation is small, that dispatcher has some', (t) => {
  t.true(measure('recvmmsg', '1000000', 'mutant', 'small').collections > 0);
});
