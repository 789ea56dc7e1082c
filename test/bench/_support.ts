/** What the tests of bench/ share: a run as a file, made up so that every rule has something to decide. */

import { join } from 'node:path';

import { readResults, type Results, ROOT, type Sample } from '../../bench/results.ts';

/** Where the made-up run lies. */
export const FIXTURE: string = join(ROOT, 'test', 'fixtures', 'bench', 'results.json');

/** The made-up run. */
export function fixture(): Results {
  return readResults(FIXTURE);
}

/** The same run with every sample changed. */
export function withSamples(results: Results, change: (sample: Sample) => Sample): Results {
  return { ...results, samples: results.samples.map(change) };
}
