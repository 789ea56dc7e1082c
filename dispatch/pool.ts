/**
 * The worker threads of an endpoint: one per fd, one long task each, run by piscina.
 *
 * A task is stopped by its eventfd and then awaited; only then is the pool destroyed. An AbortSignal given to piscina
 * would reject the promise while the thread goes on blocking in poll(2), and `process.exit()` waits for such a thread
 * for ever: hence the exit hook, which wakes every task.
 */

import { Piscina } from 'piscina';
import type { TaskEnd } from './link-end.ts';
import type { WorkerTask } from './worker.ts';

/** What wakes and stops each task that runs now. */
const running = new Set<() => void>();
let isHooked = false;

function stopAll(): void {
  for (const stop of running) stop();
}

/** Worker threads for a fixed number of tasks. */
export class WorkerPool {
  readonly #piscina: Piscina;

  constructor(threadCount: number) {
    this.#piscina = new Piscina({
      filename: new URL('./worker.js', import.meta.url).href,
      minThreads: threadCount,
      maxThreads: threadCount,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY, // a worker keeps its warm code between attachments
      atomics: 'disabled', // a worker that blocks in Atomics.wait for its next task would starve its event loop
    });
  }

  /**
   * Runs one task on a thread of its own.
   * @param stop sets the task's stop condition and wakes it; also called when the process exits
   * @returns how the task ended; rejects when its thread died
   */
  async run(task: WorkerTask, stop: () => void): Promise<TaskEnd> {
    if (!isHooked) process.on('exit', stopAll);
    isHooked = true;
    running.add(stop);
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
