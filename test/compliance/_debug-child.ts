/** The compliance suite over the memory endpoints, without any test runner. */

import { memorySubjects } from './_memory-fixtures.ts';
import { printSuite } from './_without-runner.ts';

await printSuite(memorySubjects);
