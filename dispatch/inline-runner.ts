/** Way of running 1 for all fds of an endpoint: an inline reader each, on this thread's event loop. */

import type { StatisticsBlock } from '../stack/statistics.ts';
import type { FdPoll } from './fd-poll.ts';
import { type BatchSink, InlineReader } from './inline-reader.ts';
import type { LinkDispatcher } from './link-dispatcher.ts';
import { openDispatcher, type ReceiveOptions } from './open-dispatcher.ts';
import type { Runner, RunnerListener } from './runner.ts';

/** Reads fds on the event loop. */
export class InlineRunner implements Runner {
  readonly #readers: readonly InlineReader[];

  /** @param polls the fds' poll handles, in the order of `links` */
  constructor(
    links: readonly ReceiveOptions[],
    polls: readonly FdPoll[],
    sink: BatchSink,
    counters: StatisticsBlock,
    listener: RunnerListener,
  ) {
    const dispatchers = openDispatchers(links, counters);
    this.#readers = dispatchers.map((dispatcher, index) => {
      const { isPacketSocket } = links[index] as ReceiveOptions;
      return new InlineReader(dispatcher, polls[index] as FdPoll, sink, { counters, isPacketSocket, listener });
    });
  }

  get isBusy(): boolean {
    return this.#readers.some((reader) => reader.isReading);
  }

  start(): void {
    for (const reader of this.#readers) reader.start();
  }

  stop(): void {
    for (const reader of this.#readers) reader.stop();
  }

  close(): void {
    for (const reader of this.#readers) reader.close();
  }

  drainAll(): void {
    for (const reader of this.#readers) reader.drain();
  }

  collectKernelDrops(): void {
    for (const reader of this.#readers) reader.dispatcher.collectKernelDrops();
  }
}

/** All or none: when the kernel refuses a ring, those before it are given back. */
function openDispatchers(links: readonly ReceiveOptions[], counters: StatisticsBlock): LinkDispatcher[] {
  const dispatchers: LinkDispatcher[] = [];
  try {
    for (const link of links) dispatchers.push(openDispatcher(link, counters));
    return dispatchers;
  } catch (error) {
    for (const dispatcher of dispatchers) dispatcher.close();
    throw error;
  }
}
