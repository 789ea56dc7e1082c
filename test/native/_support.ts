/**
 * What the tests of native/ share: counting descriptors and running a child or a C program.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { ExecutionContext } from 'ava';

import { pin, unpin } from '../../native/index.ts';

/** Open descriptors of this process. The one that reads the directory is counted each time. */
export function fdCount(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Pins `text` for the duration of the test. */
export function pinnedText(t: ExecutionContext, text: string): { bytes: Uint8Array; address: number } {
  const bytes = new Uint8Array(Buffer.from(text));
  const address = pin(bytes);
  t.teardown(() => unpin(bytes));
  return { bytes, address };
}

/** Runs a compiled fixture of this folder in a Node of its own. */
export function runFixture(name: string, nodeOptions: string[] = []): { status: number | null; output: string } {
  const path = fileURLToPath(new URL(name, import.meta.url));
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [...nodeOptions, path], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, output: `${stdout}${stderr}${signal ?? ''}` };
}

/**
 * Compiles and runs a C program that prints each of `expressions` in a line of its own.
 *
 * @throws Error naming scripts/setup when there is no C compiler
 */
export function evaluateInC(headers: string[], expressions: string[]): number[] {
  const directory = mkdtempSync(join(tmpdir(), 'linkpoint-'));
  try {
    const source = [
      '#define _GNU_SOURCE',
      ...headers.map((header) => `#include <${header}>`),
      'int main(void) {',
      ...expressions.map((expression) => `  printf("%lld\\n", (long long)(${expression}));`),
      '  return 0;',
      '}',
    ].join('\n');
    writeFileSync(join(directory, 'print.c'), source);
    const compiled = spawnSync('cc', ['-o', 'print', 'print.c'], { cwd: directory, encoding: 'utf8' });
    if (compiled.error !== undefined) {
      throw new Error('Cannot compile a C program: there is no C compiler; run scripts/setup');
    }
    if (compiled.status !== 0) throw new Error(`Cannot compile a C program: ${compiled.stderr}`);
    const ran = spawnSync(join(directory, 'print'), { encoding: 'utf8' });
    return ran.stdout.trim().split('\n').map(Number);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Resolves after `milliseconds`. */
export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Resolves once `condition` holds; rejects after five seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Timed out waiting until ${what}`);
    await delay(2);
  }
}
