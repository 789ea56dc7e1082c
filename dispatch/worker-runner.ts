/** Way of running 2, the caller's half: each worker has the fd, the dispatcher and an event loop of its own. */

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { WorkerDispatcher } from './dispatcher-task.ts';
import { linkEndOf, type TaskEnd } from './link-end.ts';
import type { Runner, RunnerListener } from './runner.ts';
import { type CrewListener, WorkerCrew } from './worker-crew.ts';
import type { WorkerTask } from './worker.ts';

/** One fd and what its worker needs to open its half of the endpoint. */
export interface WorkerLink {
  readonly fd: number;
  /** Module that exports `openHalf`. */
  readonly halfModule: string;
  /** For `openHalf`; structured-cloned. */
  readonly halfOptions: unknown;
}

/** Runs a dispatcher module in one worker per fd. */
export class WorkerRunner implements Runner, CrewListener {
  /** What to run from the next `start` on. */
  dispatcher: WorkerDispatcher | null = null;
  readonly #links: readonly WorkerLink[];
  readonly #ports: (MessagePort | undefined)[];
  readonly #crew: WorkerCrew;
  readonly #listener: RunnerListener;

  constructor(links: readonly WorkerLink[], listener: RunnerListener) {
    this.#links = links;
    this.#ports = links.map(() => undefined);
    this.#listener = listener;
    this.#crew = new WorkerCrew(links.map((link) => link.fd), this);
  }

  get isBusy(): boolean {
    return this.#crew.isLive;
  }

  start(): void {
    this.#crew.start();
  }

  stop(): void {
    this.#crew.stop();
  }

  close(): void {
    this.#crew.close();
  }

  /** Nothing to do: the other workers drain their fds before `onEnded`. */
  drainAll(): void {}

  /** Nothing to do: the workers read the kernel's counters. */
  collectKernelDrops(): void {}

  makeTask(index: number, stopFd: number): WorkerTask {
    const { fd, halfModule, halfOptions } = this.#links[index] as WorkerLink;
    const { module, data } = this.dispatcher as WorkerDispatcher;
    const { port1, port2 } = new MessageChannel();
    port1.on('message', () => this.#listener.onDrain());
    port1.unref();
    this.#ports[index] = port1;
    const count = this.#links.length;
    const polling = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const task = { fd, index, count, stopFd, polling, port: port2 };
    return { kind: 'dispatcher', halfModule, halfOptions, module: String(module), data, ...task };
  }

  /** The eventfd says it all. */
  stopTask(): void {}

  finishTask(index: number): void {
    this.#ports[index]?.postMessage('finish');
  }

  onLost(): void {}

  onEnded(end: TaskEnd | null): void {
    for (const port of this.#ports) port?.close();
    const linkEnd = end === null ? null : linkEndOf(end);
    if (linkEnd !== null) this.#listener.onEnd(linkEnd);
    if (end?.kind === 'detached' || end?.kind === 'closed') this.#listener.onLeave?.(end.kind, end.fd);
    this.#listener.onIdle();
  }
}
