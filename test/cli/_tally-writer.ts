/** A worker that counts one frame per batch, as fast as it can. */

import { workerData } from 'node:worker_threads';
import { Tally } from '../../cli/bench-tally.ts';

const { buffer, batches, frameBytes } = workerData as { buffer: SharedArrayBuffer; batches: number; frameBytes: number };
const tally = new Tally(buffer);
for (let batch = 0; batch < batches; batch++) tally.add(1, 1, frameBytes, 1, 2);
