/**
 * What opened devices have in common: descriptors that are closed together, and the namespace they are opened in.
 */

import { Fd, openEach } from '../native/fd.ts';
import { openNamespace, runInNamespace } from '../native/namespace.ts';
import { InvalidOptionError } from '../errors.ts';

/** A network namespace: an open descriptor of it, or a path such as `/run/netns/box` or `/proc/1234/ns/net`. */
export type Namespace = number | string;

/** Most queues of a device: MAX_TAP_QUEUES of the kernel's if_tun. */
const MAX_QUEUES = 256;

/** Descriptors of one device, owned: a queue or a socket each. */
export class DeviceFds implements Disposable, AsyncDisposable {
  /** The descriptors, one per queue. */
  readonly fds: readonly number[];
  readonly #owned: readonly Fd[];

  constructor(fds: readonly number[]) {
    this.fds = fds;
    this.#owned = fds.map((fd) => new Fd(fd, true));
  }

  /** The first descriptor. */
  get fd(): number {
    return this.fds[0] as number;
  }

  /**
   * Closes all descriptors. Idempotent.
   * @throws LinkpointError `ERR_FD_POLLED` while an attached endpoint polls one: close the endpoint first. The others
   * are closed, and another `close()` tries the rest again
   */
  close(): void {
    const failures: unknown[] = [];
    for (const fd of this.#owned) {
      try {
        fd.close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

/** Runs the synchronous `open` in `namespace`, or where the thread is when there is none. */
export function openIn<T>(namespace: Namespace | undefined, open: () => T): T {
  if (namespace === undefined) return open();
  if (typeof namespace === 'number') return runInNamespace(namespace, open);
  using file = new Fd(openNamespace(namespace), true);
  return runInNamespace(file.number, open);
}

/**
 * Opens `count` descriptors by `openOne` and finishes them by `finish`; when anything throws, all are closed.
 * @param openOne gets the index of the queue, from 0
 */
export function openAll(count: number, openOne: (index: number) => number, finish: (fds: number[]) => void): number[] {
  const fds = openEach(count, openOne);
  try {
    finish(fds);
    return fds;
  } catch (error) {
    new DeviceFds(fds).close();
    throw error;
  }
}

/** The option `queues`, checked. */
export function checkQueues(action: string, queues: number): number {
  return checkInteger(action, 'queues', queues, 1, MAX_QUEUES);
}

/** An option that is an integer from `least` to `most`. @throws InvalidOptionError */
export function checkInteger(action: string, name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new InvalidOptionError(`${action}: ${name} is ${value}; an integer from ${least} to ${most} is required`);
}
