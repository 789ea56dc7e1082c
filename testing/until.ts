/** Waiting for what happens on an event loop, without guessing how long. */

const DEFAULT_TIMEOUT_MILLISECONDS = 5_000;
const POLL_MILLISECONDS = 1;

/**
 * Resolves as soon as `condition` holds; asked after every turn of the event loop.
 * @param what what is waited for, for the message
 * @throws Error when it does not hold within `timeoutMilliseconds`
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMilliseconds: number = DEFAULT_TIMEOUT_MILLISECONDS,
): Promise<void> {
  const deadline = performance.now() + timeoutMilliseconds;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      throw new Error(`Waited ${timeoutMilliseconds} ms for ${what}: it did not happen`);
    }
    await turn();
  }
}

/** One turn of the event loop, and a millisecond for the kernel and other threads. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
}

/** Some turns: time for what must *not* happen. */
export async function turns(count = 10): Promise<void> {
  for (let index = 0; index < count; index++) await turn();
}
