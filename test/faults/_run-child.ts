/** Runs the program of `_child.ts` and watches how it ends. */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How a child ended. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** From its `ready` line, or from its start when it printed none, to its end. */
  readonly milliseconds: number;
}

/** @param onReady called when the child has printed its first line */
export function runChild(args: readonly string[], onReady?: (pid: number) => void): Promise<ChildEnd> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('_child.js', import.meta.url)), ...args]);
  let [stdout, stderr] = ['', ''];
  let since = performance.now();
  child.stdout.on('data', (text: Buffer) => {
    if (stdout === '') {
      since = performance.now();
      onReady?.(child.pid as number);
    }
    stdout += String(text);
  });
  child.stderr.on('data', (text: Buffer) => (stderr += String(text)));
  const kill = setTimeout(() => child.kill('SIGKILL'), 20_000);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(kill);
      resolve({ code, signal, stdout, stderr, milliseconds: performance.now() - since });
    });
  });
}
