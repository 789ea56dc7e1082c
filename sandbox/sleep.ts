/** A pause that can be ended early. */

import { setTimeout as delay } from 'node:timers/promises';

/** Resolves after `milliseconds`, or rejects with the reason of `signal` as soon as that is aborted. */
export async function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(milliseconds, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
