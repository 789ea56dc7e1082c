/** What the micro-benchmarks share: a bench of bounded time, and its results as nanoseconds per operation. */

import { Bench } from 'tinybench';
import type { MicroSample } from '../results.ts';

/** Operations inside one timed call, so that the clock's own cost does not show. */
export const REPEATS = 256;

/** One operation, done REPEATS times. */
export interface Task {
  readonly name: string;
  readonly run: () => void;
  /** Operations in `run`. Default REPEATS. */
  readonly operations?: number;
}

/** Results must be used, or there is nothing to measure. */
let sink = 0;

/** Uses a value. */
export function use(value: number): void {
  sink = (sink + value) | 0;
}

/** What was used, for nobody. */
export function used(): number {
  return sink;
}

/** Runs a group of tasks. */
export async function runGroup(group: string, tasks: readonly Task[], milliseconds: number): Promise<MicroSample[]> {
  const bench = new Bench({ time: milliseconds, warmupTime: milliseconds / 4, throws: true });
  for (const { name, run } of tasks) bench.add(name, run);
  await bench.run();
  return tasks.map(({ name, operations = REPEATS }) => {
    const result = bench.getTask(name)?.result;
    if (result === undefined || !('latency' in result)) throw new Error(`Cannot measure "${name}": there is no result`);
    const { p50, rme, samplesCount } = result.latency;
    return { group, name, nsPerOperation: ((p50 ?? 0) * 1e6) / operations, margin: rme / 100, samples: samplesCount };
  });
}
