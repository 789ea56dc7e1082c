/** Plugins as programs: ours, installed into a folder of the test's own, and Debian's. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { installCniPlugins } from '../../cni/install.ts';
import { type Answer, asText, type Call, environment, temporaryFolder } from './_support.ts';

/** Where Debian's containernetworking-plugins are. */
export const DEBIAN_FOLDER = '/usr/lib/cni';

/** `test`, or a skip where Debian's plugins are not installed. */
export function testWithDebian(title: string, run: (t: ExecutionContext) => Promise<void> | void): void {
  if (existsSync(path.join(DEBIAN_FOLDER, 'host-local'))) test(title, run);
  else
    test.skip(
      `${title} (${DEBIAN_FOLDER}/host-local is missing: install containernetworking-plugins, or run scripts/setup)`,
      run,
    );
}

/** A folder with our plugins, gone after the test. */
export function installedFolder(t: ExecutionContext): string {
  const folder = temporaryFolder(t);
  installCniPlugins(folder);
  return folder;
}

/** A call that has begun. */
export interface Running {
  readonly pid: number;
  readonly answer: Promise<Answer>;
}

/** Begins a call of an executable; only the call's own variables are in its environment. */
export function start(file: string, { command = 'ADD', config = {}, env = {} }: Call): Running {
  const variables = environment(command, { CNI_PATH: path.dirname(file), ...env });
  const child = spawn(file, [], { env: variables, stdio: ['pipe', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (said[name] += text));
  }
  child.stdin.on('error', () => undefined).end(asText(config));
  const answer = new Promise<Answer>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) =>
      code === null ? reject(new Error(`ended by ${signal}`)) : resolve({ status: code, ...said }),
    );
  });
  return { pid: child.pid ?? -1, answer };
}

/** A call of an executable, to its end. */
export const execute = (file: string, request: Call): Promise<Answer> => start(file, request).answer;
