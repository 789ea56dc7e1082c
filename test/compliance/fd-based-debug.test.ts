import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';

import { inlineSubjects } from './_fd-based-fixtures.ts';
import type { SuiteOutcome } from './_without-runner.ts';

test('fd-based endpoints keep the contract with LINKPOINT_DEBUG=1, use after return included', async (t) => {
  const child = fileURLToPath(new URL('./_fd-based-debug-child.js', import.meta.url));
  const env = { ...process.env, LINKPOINT_DEBUG: '1' };
  const { stdout } = await promisify(execFile)(process.execPath, [child], { env });
  const { failures, debugCases } = JSON.parse(stdout) as SuiteOutcome;
  t.deepEqual({ failures, debugCases }, { failures: {}, debugCases: Object.keys(inlineSubjects).length });
});
