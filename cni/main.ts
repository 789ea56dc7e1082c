/** A plugin as a program: the process's environment, stdin and stdout. */

import { readSync, writeSync } from 'node:fs';

import { runPlugin } from './skel.ts';
import type { CniPlugin } from './types.ts';

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const CHUNK_BYTES = 65_536;

/** Runs the plugin and sets the exit status. It does not exit: in tests, what is still open is a mistake that must show. */
export async function runPluginMain(plugin: CniPlugin): Promise<void> {
  process.exitCode = await runPlugin(plugin, {
    env: process.env,
    stdin: readAll,
    stdout: (text) => writeAll(STDOUT, text),
    stderr: (text) => writeAll(STDERR, text),
  });
}

/** All of stdin, synchronously: loading the streams of Node takes longer than an address. */
function readAll(): string {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const count = patiently(() => readSync(STDIN, chunk));
    if (count === 0) return Buffer.concat(chunks).toString('utf8');
    chunks.push(chunk.subarray(0, count));
  }
}

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) at += patiently(() => writeSync(fd, bytes, at));
}

/** Somebody may have made the pipe non-blocking: then it is tried again a little later. */
function patiently(transfer: () => number): number {
  for (;;) {
    try {
      return transfer();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
