import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { memorySubjects } from './_memory-fixtures.ts';
import type { SuiteOutcome } from './_without-runner.ts';

async function runSuite(debug: string): Promise<SuiteOutcome> {
  const child = fileURLToPath(new URL('./_debug-child.js', import.meta.url));
  const env = { ...process.env, LINKPOINT_DEBUG: debug };
  const { stdout } = await promisify(execFile)(process.execPath, [child], { env });
  return JSON.parse(stdout) as SuiteOutcome;
}

test('all endpoints over memory keep the contract with LINKPOINT_DEBUG=1, use after return included', async (t) => {
  const { failures, debugCases, caseCount } = await runSuite('1');
  t.deepEqual(failures, {});
  t.is(debugCases, Object.keys(memorySubjects).length);
  t.true(caseCount > 250);
});

test('the suite needs no test runner, and has no debug cases without LINKPOINT_DEBUG', async (t) => {
  const { failures, debugCases } = await runSuite('0');
  t.deepEqual(failures, {});
  t.is(debugCases, 0);
});
