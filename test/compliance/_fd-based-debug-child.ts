/** The compliance suite over fd-based endpoints, without any test runner. */

import { inlineSubjects } from './_fd-based-fixtures.ts';
import { printSuite } from './_without-runner.ts';

await printSuite(inlineSubjects);
