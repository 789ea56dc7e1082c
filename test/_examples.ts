/** Runs the programs of examples/ as a user does, and tells what became of them. */

import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { findRoot } from './tidy/_source.ts';

/** An example that hangs is killed after this time. */
const LIMIT_MILLISECONDS = 90_000;

/** How an example ended. */
export interface ExampleRun {
  /** Null when it was killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Names of all examples, without `.ts`. */
export function exampleNames(): string[] {
  return readdirSync(path.join(findRoot(), 'examples')).map((name) => path.basename(name, '.ts'));
}

/** Source of an example. */
export function exampleSource(name: string): string {
  return readFileSync(path.join(findRoot(), 'examples', `${name}.ts`), 'utf8');
}

/** Runs `node dist/examples/<name>.js`. */
export async function runExample(name: string): Promise<ExampleRun> {
  const file = fileURLToPath(new URL(`../examples/${name}.js`, import.meta.url));
  const child = spawn(process.execPath, [file], { timeout: LIMIT_MILLISECONDS, killSignal: 'SIGKILL' });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout, stderr };
}

/** Registers a test. */
type RegisterTest = (title: string, run: (t: ExecutionContext) => Promise<void>) => void;

/** `register`, or `test.skip` where a program that the example starts is not installed: its title says the remedy. */
export function testWith(program: string, register: RegisterTest = test): RegisterTest {
  const isThere = spawnSync(program, ['-h']).error === undefined;
  return (title, run) => {
    if (isThere) register(title, run);
    else test.skip(`${title} (${program} is missing: run scripts/setup)`, run);
  };
}
