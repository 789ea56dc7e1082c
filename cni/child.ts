/** A plugin or a program of the system as a child process, with the namespaces that this process holds. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

import { heldNamespaces } from './netns-hold.ts';

/** How to start it. */
export interface ChildOptions {
  /** Its environment; this process's own by default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Kills it. */
  readonly signal?: AbortSignal | undefined;
}

/** Starts a child, its three streams pipes. What goes wrong is its event `error`. */
export function startChild(
  file: string,
  args: readonly string[],
  options: ChildOptions,
): ChildProcessWithoutNullStreams {
  const { env, signal } = options;
  return spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe', ...heldNamespaces()],
    ...(env === undefined ? {} : { env }),
    ...(signal === undefined ? {} : { signal, killSignal: 'SIGKILL' }),
  }) as ChildProcessWithoutNullStreams;
}
