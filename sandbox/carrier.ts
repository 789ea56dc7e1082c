/** Waiting until an interface can send. */

import { type Namespace, openIn } from '../link/device.ts';
import { constants as c, interfaceFlags } from '../native/index.ts';
import { sleep } from './sleep.ts';

const UP_AND_RUNNING = c.IFF_UP | c.IFF_RUNNING;
/** First pause between two looks; each further one is half as long again. */
const FIRST_PAUSE_MILLISECONDS = 2;
const PAUSE_GROWTH = 1.5;

/** Options of `waitForCarrier`. */
export interface WaitForCarrierOptions {
  /** Network namespace of the interface: descriptor or path. Default: the thread's. */
  readonly namespace?: Namespace;
  /** Longest wait in milliseconds. 0 looks once. */
  readonly timeoutMs: number;
  /** Ends the wait: the promise rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits until interface `name` is up and has a carrier: whether it came to that in time. `false` at once when there is
 * no such interface.
 */
export async function waitForCarrier(name: string, options: WaitForCarrierOptions): Promise<boolean> {
  const { namespace, timeoutMs, signal } = options;
  const deadline = performance.now() + timeoutMs;
  for (let pause = FIRST_PAUSE_MILLISECONDS; ; pause *= PAUSE_GROWTH) {
    signal?.throwIfAborted();
    const flags = flagsOf(name, namespace);
    if (flags === null) return false;
    if ((flags & UP_AND_RUNNING) === UP_AND_RUNNING) return true;
    const left = deadline - performance.now();
    if (left <= 0) return false;
    await sleep(Math.min(pause, left), signal);
  }
}

/** Null when they cannot be read: what is wrong says whoever uses the interface next. */
function flagsOf(name: string, namespace: Namespace | undefined): number | null {
  try {
    return openIn(namespace, () => interfaceFlags(name));
  } catch {
    return null;
  }
}
