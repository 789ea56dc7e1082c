/**
 * Way of running 3, the caller's half: workers fill rings, this thread drains them in batches.
 *
 * The slots of a batch are lent to the dispatcher where the kernel wrote them, and released when all of the batch has
 * been delivered, in a `finally`. The event loop's work budget holds here as inline (see turn.ts).
 */

import { asError } from '../errors.ts';
import { Fd } from '../native/fd.ts';
import { pin, unpin } from '../native/memory.ts';
import { createEventFd, drainEventFd, signalEventFd } from '../native/poll.ts';
import { Arena } from '../stack/arena.ts';
import { PacketBuffer } from '../stack/packet-buffer.ts';
import { Counter, type LinkStatistics, type StatisticsBlock } from '../stack/statistics.ts';
import { FdPoll } from './fd-poll.ts';
import type { BatchSink } from './inline-reader.ts';
import { Intake } from './intake.ts';
import { type LinkEnd, linkEndOf, type TaskEnd } from './link-end.ts';
import type { ReceiveOptions } from './open-dispatcher.ts';
import { RingConsumer } from './ring.ts';
import { TRUNCATED, VALIDATED } from './ring-layout.ts';
import type { Runner, RunnerListener } from './runner.ts';
import { TurnMark, turns, type TurnTaker } from './turn.ts';
import { type CrewListener, WorkerCrew } from './worker-crew.ts';
import type { WorkerTask } from './worker.ts';

/** Slots of a ring: a thousand small ones, or 16 MiB of the 64 KiB ones (touched only as used). */
const SMALL_SLOTS = 1024;
const LARGE_SLOTS = 256;
const SMALL_SLOT_BYTES = 16_384;

/** No code of the user runs in these threads, and ours keeps nothing: garbage need not be gathered by the megabyte. */
const THREAD_LIMITS = { maxYoungGenerationSizeMb: 2 };

/** Drains the ring of one worker. */
class RingReader implements TurnTaker {
  readonly mark: TurnMark = new TurnMark();
  readonly isPolledAgain = false; // its eventfd is read empty before the ring is
  readonly ring: RingConsumer;
  readonly arena: Arena;
  readonly #receive: ReceiveOptions;
  readonly #packet: PacketBuffer;
  readonly #intake: Intake;
  readonly #sink: BatchSink;
  readonly #consumerFd: Fd;
  readonly poll: FdPoll;
  readonly #wake: () => void;
  readonly #onThrown: (end: LinkEnd) => void;
  #isRunning = false;
  #isReading = false;
  #hasMore = false;

  constructor(
    receive: ReceiveOptions,
    sink: BatchSink,
    counters: StatisticsBlock,
    links: { wake: () => void; onThrown: (end: LinkEnd) => void },
  ) {
    this.#receive = receive;
    this.#sink = sink;
    this.#wake = links.wake;
    this.#onThrown = links.onThrown;
    const slotCount = receive.capacityBytes <= SMALL_SLOT_BYTES ? SMALL_SLOTS : LARGE_SLOTS;
    this.ring = new RingConsumer(slotCount);
    this.arena = new Arena(slotCount, receive.capacityBytes);
    this.#packet = new PacketBuffer(this.arena, 0, 0, 0);
    this.#intake = new Intake(counters, receive.vnetHeaderBytes, receive.deliverTruncated);
    this.#consumerFd = new Fd(createEventFd(), true);
    this.arena.address = pin(this.arena.bytes); // for this thread's writers, too: lent packets are sent where they lie
    this.poll = new FdPoll(this.#consumerFd.number);
  }

  get consumerFd(): number {
    return this.#consumerFd.number;
  }

  get isReading(): boolean {
    return this.#isReading;
  }

  get wantsTurn(): boolean {
    return this.#isRunning && this.#hasMore;
  }

  start(): void {
    this.#isRunning = true;
    this.poll.setReader(this.#onWoken);
    // Frames may be left from an attachment that was replaced at once, and whether it slept is not known: look.
    signalEventFd(this.consumerFd);
  }

  stop(): void {
    this.#isRunning = false;
    this.#hasMore = false;
    turns.remove(this);
    this.poll.setReader(null);
  }

  /** Idempotent. */
  close(): void {
    this.stop();
    unpin(this.arena.bytes);
    this.arena.address = 0;
    this.#consumerFd.close();
  }

  step(packetLimit: number): number {
    if (!this.#isRunning || this.#isReading) return 0;
    const taken = Math.min(this.ring.peek(), packetLimit, this.#receive.batch);
    this.#deliver(taken);
    this.#hasMore = this.#isRunning && (this.ring.peek() > 0 || !this.ring.sleep());
    return taken;
  }

  /** Delivers all that is committed, whatever the budget; without a dispatcher it is counted `detached`. */
  drain(): void {
    for (let ready = this.ring.peek(); ready > 0 && !this.#isReading; ready = this.ring.peek()) this.#deliver(ready);
  }

  /** Counts what a dead worker left behind. */
  lose(): void {
    const lost = this.ring.peek();
    for (let offset = 0; offset < lost; offset++) this.#intake.lose(Counter['worker-lost']);
    this.#intake.flush();
    this.ring.release(lost);
  }

  #deliver(count: number): void {
    if (count === 0) return;
    this.#isReading = true;
    let offset = 0;
    try {
      while (offset < count) this.#deliverSlot(this.ring.slotAt(offset++));
      this.#sink.endBatch();
    } catch (thrown) {
      this.#intake.abandon(count - offset);
      this.#onThrown({ kind: 'thrown', fd: this.#receive.fd, error: asError(thrown) });
    } finally {
      this.#intake.flush();
      this.#sink.flush();
      this.#isReading = false;
      if (this.ring.release(count)) this.#wake();
    }
  }

  #deliverSlot(slot: number): void {
    const packet = this.#packet;
    packet.base = this.arena.slotBase(slot);
    packet.limit = this.arena.frameLimit(slot);
    const at = this.arena.frameStart(slot) - this.#intake.vnetHeaderBytes;
    const flags = this.ring.flags(slot);
    if (!this.#intake.admit(packet, at, at + this.ring.length(slot), (flags & TRUNCATED) !== 0)) return;
    if ((flags & VALIDATED) !== 0 && packet.checksum === 'none') packet.checksum = 'validated';
    this.#sink.deliverFrame(packet);
  }

  readonly #onWoken = (): void => {
    drainEventFd(this.#consumerFd.number);
    this.#hasMore = true; // the signal is gone: where this turn has no budget left, the queue must remember
    if (this.#isRunning) turns.ready(this);
  };
}

/** Reads fds by blocking workers and delivers on the caller's thread. */
export class RingRunner implements Runner, CrewListener {
  readonly #links: readonly ReceiveOptions[];
  readonly #readers: RingReader[] = [];
  readonly #crew: WorkerCrew;
  readonly #statistics: LinkStatistics;
  readonly #listener: RunnerListener;
  #isClosed = false;

  /** @param statistics one block for this thread (0) and one for each worker (1, 2, ...) */
  constructor(links: readonly ReceiveOptions[], sink: BatchSink, statistics: LinkStatistics, listener: RunnerListener) {
    this.#links = links;
    this.#statistics = statistics;
    this.#listener = listener;
    this.#crew = new WorkerCrew(links.map((link) => link.fd), this, THREAD_LIMITS);
    const onThrown = (end: LinkEnd): void => listener.onEnd(end);
    const counters = statistics.block(0);
    try {
      links.forEach((link, index) => {
        this.#readers.push(new RingReader(link, sink, counters, { wake: () => this.#crew.wake(index), onThrown }));
      });
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get isBusy(): boolean {
    return this.#crew.isLive || this.#readers.some((reader) => reader.isReading);
  }

  start(): void {
    for (const reader of this.#readers) reader.start();
    this.#crew.start();
  }

  stop(): void {
    for (const reader of this.#readers) reader.stop();
    this.#crew.stop();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.stop();
    if (!this.#crew.isLive) this.#closeReaders();
    this.#crew.close();
  }

  /** Nothing to do: the other workers finish before `onEnded`. */
  drainAll(): void {}

  /** Nothing to do: the workers read the kernel's counters. */
  collectKernelDrops(): void {}

  makeTask(index: number, workerFd: number): WorkerTask {
    const { ring, arena, consumerFd } = this.#readers[index] as RingReader;
    ring.restart();
    return {
      kind: 'ring',
      receive: this.#links[index] as ReceiveOptions,
      ring: ring.buffer,
      slots: arena.buffer,
      slotCount: ring.slotCount,
      consumerFd,
      workerFd,
      statistics: this.#statistics.buffer,
      statisticsBlock: index + 1,
    };
  }

  stopTask(index: number): void {
    (this.#readers[index] as RingReader).ring.stop();
  }

  finishTask(index: number): void {
    (this.#readers[index] as RingReader).ring.finish();
    this.#crew.wake(index);
  }

  onLost(index: number): void {
    (this.#readers[index] as RingReader).lose();
  }

  onEnded(end: TaskEnd | null): void {
    for (const reader of this.#readers) reader.drain();
    const linkEnd = end === null ? null : linkEndOf(end);
    if (linkEnd !== null) this.#listener.onEnd(linkEnd);
    if (this.#isClosed) this.#closeReaders();
    this.#listener.onIdle();
  }

  #closeReaders(): void {
    for (const reader of this.#readers) reader.close();
  }
}
