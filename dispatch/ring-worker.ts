/**
 * Way of running 3, the worker's half: a thread that blocks in poll(2) and fills the ring.
 *
 *     ┌─► full? ──► wait on [eventfd] for a release ───────────────┐
 *     │    no                                                      │
 *     │   fill slots ──► commit ──► consumer sleeps? write its eventfd
 *     │    nothing there                                           │
 *     └── wait on [fd, eventfd] ◄──────────────────────────────────┘
 *
 * The worker's own eventfd means "look at the words of the ring": room, or STOP. A thread that blocks hears no messages,
 * so there is no other way to reach it.
 */

import { POLLERR, POLLIN } from '../native/constants.ts';
import { boundInterfaceIndex } from '../native/packet-socket.ts';
import { drainEventFd, PollSet, signalEventFd } from '../native/poll.ts';
import { Arena } from '../stack/arena.ts';
import { Counter, LinkStatistics, type StatisticsBlock } from '../stack/statistics.ts';
import { classifyReceiveFailure, LAST_FRAMES, type TaskEnd } from './link-end.ts';
import type { ReceiveOptions } from './open-dispatcher.ts';
import { RingProducer } from './ring.ts';
import { openRingSource, type RingSource } from './ring-source.ts';

/** Longest block without a look around: a deleted interface raises no event. */
const LOOK_AROUND_MILLISECONDS = 500;
const FIRST_REVIVAL_MILLISECONDS = 10;
/** Batches between two readings of the kernel's drop counters, when the fd is never idle. */
const COLLECT_BATCHES = 1024;

/** What a ring worker is given. Plain data and shared memory. */
export interface RingTask {
  readonly kind: 'ring';
  readonly receive: ReceiveOptions;
  readonly ring: SharedArrayBuffer;
  readonly slots: SharedArrayBuffer;
  readonly slotCount: number;
  /** Written when the consumer sleeps. */
  readonly consumerFd: number;
  /** Written to wake this worker. */
  readonly workerFd: number;
  readonly statistics: SharedArrayBuffer;
  readonly statisticsBlock: number;
}

const FD = 0;
const EVENT = 1;

/** Fills the ring until it is told to stop or the link ends. Blocks the thread. */
export function runRingTask(task: RingTask): TaskEnd {
  const worker = new RingWorker(task);
  try {
    return worker.run();
  } finally {
    worker.close();
  }
}

class RingWorker {
  readonly #task: RingTask;
  readonly #ring: RingProducer;
  readonly #source: RingSource;
  readonly #counters: StatisticsBlock;
  readonly #poll: PollSet;
  readonly #room: PollSet;
  #batchCount = 0;
  #lastFrames = 0;
  #isDown = false;
  /** The interface was deleted: what is queued still comes, then the end. */
  #isGone = false;
  #revivalMilliseconds = FIRST_REVIVAL_MILLISECONDS;

  constructor(task: RingTask) {
    this.#task = task;
    this.#ring = new RingProducer(task.slotCount, task.ring);
    this.#counters = new LinkStatistics(task.statistics).block(task.statisticsBlock);
    const arena = new Arena(task.slotCount, task.receive.capacityBytes, task.slots);
    this.#source = openRingSource(task.receive, arena, this.#ring, this.#counters);
    this.#poll = new PollSet([task.receive.fd, task.workerFd], [POLLIN, POLLIN]);
    this.#room = new PollSet([task.workerFd], [POLLIN]);
  }

  run(): TaskEnd {
    while (!this.#ring.stopsNow) {
      const free = this.#ring.reserve();
      if (free === 0) {
        this.#awaitRoom();
        continue;
      }
      const filled = this.#source.fill(this.#ring.nextSlot, free);
      if (filled > 0) {
        this.#commit(filled);
        if (this.#lastFrames > LAST_FRAMES) break;
      } else {
        const end = this.#handleFailure(filled);
        if (end !== null) return end;
      }
    }
    return this.#end('stopped', 0);
  }

  close(): void {
    this.#source.collectKernelDrops();
    this.#source.close();
    this.#poll.close();
    this.#room.close();
  }

  #commit(count: number): void {
    this.#isDown = false;
    this.#revivalMilliseconds = FIRST_REVIVAL_MILLISECONDS;
    if (this.#ring.commit(count)) signalEventFd(this.#task.consumerFd);
    if (this.#ring.stopsWhenEmpty) this.#lastFrames += count;
    if (++this.#batchCount % COLLECT_BATCHES === 0) this.#source.collectKernelDrops();
  }

  #awaitRoom(): void {
    if (!this.#ring.sleep()) return;
    this.#room.wait(-1);
    drainEventFd(this.#task.workerFd);
  }

  #handleFailure(result: number): TaskEnd | null {
    switch (classifyReceiveFailure(result)) {
      case 'empty':
        return this.#awaitFrames();
      case 'again':
        this.#counters.add(Counter.interrupted, 1);
        return null;
      case 'no-buffers':
        this.#counters.add(Counter.receiveNoBuffers, 1);
        return this.#awaitFrames();
      case 'down':
        return this.#linkDown();
      case 'hangup':
        return this.#end('hangup', 0);
      case 'gone':
        return this.#end('gone', -result);
      case 'fatal':
        return this.#end('fatal', -result);
    }
  }

  /** Blocks until the fd or the eventfd is ready. */
  #awaitFrames(): TaskEnd | null {
    if (this.#isGone) return this.#end('gone', 0);
    if (this.#ring.stopsWhenEmpty) return this.#end('stopped', 0);
    const ready = this.#poll.wait(LOOK_AROUND_MILLISECONDS);
    if (ready <= 0) {
      this.#source.collectKernelDrops();
      this.#lookWhetherGone();
      return null;
    }
    this.#counters.add(Counter.wakeups, 1);
    if ((this.#poll.returned(EVENT) & POLLIN) !== 0) drainEventFd(this.#task.workerFd);
    if ((this.#poll.returned(FD) & POLLERR) === 0) return null;
    const error = this.#source.takeError();
    return error < 0 ? this.#handleFailure(error) : null;
  }

  /** ENETDOWN was read, so the socket is quiet now: wait for the link, or for its end, at growing intervals. */
  #linkDown(): null {
    if (!this.#isDown) this.#counters.add(Counter.linkFlaps, 1);
    this.#isDown = true;
    if (this.#lookWhetherGone()) return null;
    if (this.#room.wait(this.#revivalMilliseconds) > 0) drainEventFd(this.#task.workerFd);
    this.#revivalMilliseconds = Math.min(this.#revivalMilliseconds * 2, LOOK_AROUND_MILLISECONDS);
    return null;
  }

  #lookWhetherGone(): boolean {
    const { fd, isPacketSocket } = this.#task.receive;
    this.#isGone ||= isPacketSocket && boundInterfaceIndex(fd) === -1;
    return this.#isGone;
  }

  #end(kind: TaskEnd['kind'], errno: number): TaskEnd {
    return { kind, fd: this.#task.receive.fd, errno };
  }
}
