/** The suite micro: small things, by tinybench, in this process. */

import { runHeaderBenchmarks } from './micro/headers.ts';
import { runStackBenchmarks } from './micro/stack.ts';
import { NO_RESULTS, type RunOptions, type SuiteResults } from './suite.ts';

/** Time of one task. */
const TASK_MILLISECONDS = 200;

/** Runs the suite. */
export async function runMicro(options: RunOptions): Promise<SuiteResults> {
  options.say('micro  headers');
  const headers = await runHeaderBenchmarks(TASK_MILLISECONDS);
  options.say('micro  stack');
  return { ...NO_RESULTS, micro: [...headers, ...(await runStackBenchmarks(TASK_MILLISECONDS))] };
}
