/**
 * The tasks of an endpoint in its worker threads: started together, stopped together, and started again after a detach
 * only when the last ones have ended, for no fd has two readers.
 *
 *     idle ──start──► running ──stop──► stopping ──ended──► idle
 *                        │                  └──start──► stopping, wanted ──ended──► running
 *                        └─ one task ends by itself: the others finish, then `onEnded` with its end, once
 */

import type { ResourceLimits } from 'node:worker_threads';

import { asError } from '../errors.ts';
import { closeFd, openEach } from '../native/fd.ts';
import { createEventFd, drainEventFd, signalEventFd } from '../native/poll.ts';
import { errorData, type TaskEnd } from './link-end.ts';
import { WorkerPool } from './pool.ts';
import type { WorkerTask } from './worker.ts';

/** What a crew asks of the way of running that it serves. */
export interface CrewListener {
  /** The task of fd number `index`, about to start. */
  makeTask(index: number, stopFd: number): WorkerTask;
  /** Sets whatever stops task `index` besides its eventfd. */
  stopTask(index: number): void;
  /** Asks task `index` to end when its fd has nothing more, because another one has ended. */
  finishTask(index: number): void;
  /** A task's thread died. */
  onLost(index: number): void;
  /** All tasks have ended: because of `end`, or because they were stopped (null). */
  onEnded(end: TaskEnd | null): void;
}

/** Runs one task per fd. */
export class WorkerCrew {
  readonly #fds: readonly number[];
  readonly #stopFds: readonly number[];
  readonly #listener: CrewListener;
  readonly #limits: ResourceLimits;
  #pool: WorkerPool | null = null;
  #liveCount = 0;
  #wanted = false;
  #isStopping = false;
  #isClosed = false;
  #isDisposed = false;
  #end: TaskEnd | null = null;

  /** @param limits of the memory of each thread; Node's own where the user's code runs in it */
  constructor(fds: readonly number[], listener: CrewListener, limits: ResourceLimits = {}) {
    this.#limits = limits;
    this.#fds = fds;
    this.#stopFds = openEach(fds.length, createEventFd);
    this.#listener = listener;
  }

  /** Tasks run. */
  get isLive(): boolean {
    return this.#liveCount > 0;
  }

  /** Starts the tasks, now or when those that are stopping have ended. */
  start(): void {
    this.#wanted = true;
    if (!this.isLive) this.#launch();
  }

  /** Tells all tasks to end. */
  stop(): void {
    this.#wanted = false;
    this.#isStopping = this.isLive;
    if (this.#end?.kind === 'detached') this.#end = null; // so has the caller: it is none of the next attachment's
    if (this.isLive) for (let index = 0; index < this.#fds.length; index++) this.#stop(index);
  }

  /** Stops, and ends the threads when the tasks have ended. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.stop();
    if (!this.isLive) void this.#dispose();
  }

  /** Wakes task `index`, to look at whatever it shares with us. No effect when the threads have been ended. */
  wake(index: number): void {
    if (!this.#isDisposed) signalEventFd(this.#stopFds[index] as number);
  }

  #launch(): void {
    this.#end = null;
    this.#isStopping = false;
    this.#pool ??= new WorkerPool(this.#fds.length, this.#limits);
    this.#liveCount = this.#fds.length;
    for (let index = 0; index < this.#fds.length; index++) void this.#runTask(index, this.#pool);
  }

  async #runTask(index: number, pool: WorkerPool): Promise<void> {
    const fd = this.#fds[index] as number;
    const stopFd = this.#stopFds[index] as number;
    drainEventFd(stopFd);
    let end: TaskEnd;
    try {
      end = await pool.run(this.#listener.makeTask(index, stopFd), () => this.#stop(index));
    } catch (error) {
      this.#listener.onLost(index);
      end = { kind: 'lost', fd, errno: 0, error: errorData(asError(error)) };
    }
    this.#onTaskEnd(end);
  }

  #stop(index: number): void {
    this.#listener.stopTask(index);
    this.wake(index);
  }

  #onTaskEnd(end: TaskEnd): void {
    this.#liveCount--;
    const isDetach = end.kind === 'detached' || end.kind === 'closed';
    // A dispatcher that detaches when it has been stopped is none of the next attachment's.
    if (end.kind !== 'stopped' && this.#end === null && !(isDetach && this.#isStopping)) {
      this.#end = end;
      for (let index = 0; index < this.#fds.length; index++) {
        if (isDetach) this.#stop(index);
        else this.#listener.finishTask(index);
      }
    }
    if (this.#liveCount === 0) this.#onAllEnded();
  }

  #onAllEnded(): void {
    const restart = this.#wanted && this.#end === null && !this.#isClosed;
    if (restart) return this.#launch();
    this.#listener.onEnded(this.#end);
    if (this.#isClosed) void this.#dispose();
  }

  /** Reached from `close` and from the last task's end, in either order. */
  async #dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    for (const fd of this.#stopFds) closeFd(fd);
    await this.#pool?.destroy();
  }
}
