/** How an endpoint's fds are read, whichever thread does it. */

import type { LinkEnd } from './link-end.ts';

/** Reads all fds of an endpoint. */
export interface Runner {
  /** Something may still call a dispatcher: a delivery under way, a worker that stops. */
  readonly isBusy: boolean;
  /** Reads from now on. */
  start(): void;
  /** Reads no more, as soon as the delivery under way has returned. `start` may follow. */
  stop(): void;
  /** Stops for good and gives everything back. Idempotent. */
  close(): void;
  /** Delivers what the other fds still hold: when one has ended, before the endpoint does. */
  drainAll(): void;
  /** Brings the kernel's drop counters up to date, where this thread reads them. */
  collectKernelDrops(): void;
}

/** Whom a runner tells. */
export interface RunnerListener {
  /** An fd will deliver nothing any more. */
  onEnd(end: LinkEnd): void;
  /** A dispatcher in a worker has detached or closed its half of the endpoint. */
  onLeave?(how: 'detached' | 'closed', fd: number): void;
  /** A worker's half of the endpoint is writable again. */
  onDrain(): void;
  /** A stop has taken effect: nothing calls a dispatcher any more. */
  onIdle(): void;
}
