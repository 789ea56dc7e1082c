/** What the tests of the command share: running it as a user does, with descriptors of ours. */

import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

/** How a run went. */
export interface Run {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run. */
export interface RunOptions {
  /** Descriptors that the command gets as 3, 4, ... */
  readonly fds?: readonly number[];
  /** What comes before `node`: `setpriv ...`. */
  readonly prefix?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts `linkpoint ARGS`. */
export function start(args: readonly string[], options: RunOptions = {}): { child: ChildProcess; ended: Promise<Run> } {
  const [program, ...rest] = [...(options.prefix ?? []), process.execPath, MAIN, ...args];
  const child = spawn(program as string, rest, {
    stdio: ['ignore', 'pipe', 'pipe', ...(options.fds ?? [])],
    env: options.env ?? process.env,
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Run>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
  return { child, ended };
}

/** Runs `linkpoint ARGS` to its end. */
export function run(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  return start(args, options).ended;
}

/** Processes that descend from `pid`, at this moment. */
export function descendants(pid: number): number[] {
  const parents = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const parent = parentOf(entry);
    if (parent !== null) parents.set(parent, [...(parents.get(parent) ?? []), Number(entry)]);
  }
  const found: number[] = [];
  for (let next = [pid]; next.length > 0; ) {
    next = next.flatMap((each) => parents.get(each) ?? []);
    found.push(...next);
  }
  return found;
}

function parentOf(entry: string): number | null {
  if (!/^\d+$/.test(entry)) return null;
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${entry}/status`, 'utf8'))?.[1]);
  } catch {
    return null; // it has ended meanwhile
  }
}

/** Whether the process is there and no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** `net:[4026531833]` of a process, or of its first thread that has another one than `home`. */
export function namespaceOf(pid: number): string {
  return readlinkSync(`/proc/${pid}/ns/net`);
}

/** Network namespaces that some process is in. */
export function namespacesInUse(): Set<string> {
  const found = new Set<string>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      found.add(readlinkSync(`/proc/${entry}/ns/net`));
    } catch {
      // it has ended meanwhile
    }
  }
  return found;
}
