/**
 * The worker threads of an endpoint: one per fd, one long task each, run by piscina.
 *
 * A task is stopped by its eventfd and then awaited; only then is the pool destroyed. An AbortSignal given to piscina
 * would reject the promise while the thread goes on blocking in poll(2), and `process.exit()` waits for such a thread
 * for ever: hence the exit hook, which wakes every task.
 */

import type { ResourceLimits } from 'node:worker_threads';

import { Piscina } from 'piscina';
import { POLLS } from './dispatcher-task.ts';
import type { TaskEnd } from './link-end.ts';
import type { WorkerTask } from './worker.ts';

/** Longest that the exit of the process waits for dispatchers in the middle of something. */
const EXIT_MILLISECONDS = 1_000;

/** What wakes and stops each task that runs now, and its word that tells whether it still polls. */
const running = new Map<() => void, Int32Array | null>();
let isHooked = false;

/** The process ends: no thread may block, and none may be inside a poll callback, which would be an abort. */
function stopAll(): void {
  for (const stop of running.keys()) stop();
  const deadline = performance.now() + EXIT_MILLISECONDS;
  for (const polling of running.values()) {
    if (polling !== null) Atomics.wait(polling, 0, POLLS, Math.max(0, deadline - performance.now()));
  }
}

function rethrowLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

/** Worker threads for a fixed number of tasks. */
export class WorkerPool {
  readonly #piscina: Piscina;

  constructor(threadCount: number, resourceLimits: ResourceLimits) {
    this.#piscina = new Piscina({
      filename: new URL('./worker.js', import.meta.url).href,
      minThreads: threadCount,
      maxThreads: threadCount,
      concurrentTasksPerWorker: 1,
      resourceLimits,
      idleTimeout: Number.POSITIVE_INFINITY, // a worker keeps its warm code between attachments
      atomics: 'disabled', // a worker that blocks in Atomics.wait for its next task would starve its event loop
    });
    // Of a thread between tasks: what a dispatcher threw after it had left. It must not vanish, nor end in piscina.
    this.#piscina.on('error', rethrowLater);
  }

  /**
   * Runs one task on a thread of its own.
   * @param stop sets the task's stop condition and wakes it; also called when the process exits
   * @returns how the task ended; rejects when its thread died
   */
  async run(task: WorkerTask, stop: () => void): Promise<TaskEnd> {
    if (!isHooked) process.on('exit', stopAll);
    isHooked = true;
    running.set(stop, task.kind === 'dispatcher' ? new Int32Array(task.polling) : null);
    try {
      const transferList = task.kind === 'dispatcher' ? [task.port] : [];
      return (await this.#piscina.run(task, { transferList })) as TaskEnd;
    } finally {
      running.delete(stop);
    }
  }

  /** Ends the threads. Only after every task has ended. */
  async destroy(): Promise<void> {
    await this.#piscina.destroy();
  }
}
