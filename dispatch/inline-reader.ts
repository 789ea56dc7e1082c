/**
 * Way of running 1: the fd is polled by this thread's event loop and read in batches on it.
 *
 *     poll callback ──► turns.ready ──► step ──► dispatcher.dispatch(sink) ──► user
 *                                         │ failed
 *                                         ├─ empty, again, no-buffers: go on
 *                                         ├─ down: the link flaps; try again after 10 ms, doubling, until it is back
 *                                         └─ hangup, gone, fatal: listener.onEnd, once
 *
 * libuv stops a poll handle whose fd reports an error (an interface that goes down does), so the same timer that waits
 * for the link starts the handle again. An AF_PACKET socket is looked at twice a second besides: of its interface's
 * deletion it tells once at most, before the frames that were queued, and not at all if that was down before.
 *
 * No exception of a user's dispatcher leaves a poll callback: one try/catch holds around a whole batch.
 */

import { asError } from '../errors.ts';
import { boundInterfaceIndex } from '../native/packet-socket.ts';
import { Counter, type StatisticsBlock } from '../stack/statistics.ts';
import type { FdPoll } from './fd-poll.ts';
import type { FrameSink, LinkDispatcher } from './link-dispatcher.ts';
import { classifyReceiveFailure, deviceGone, LAST_FRAMES, type LinkEnd, receiveFailed } from './link-end.ts';
import type { RunnerListener } from './runner.ts';
import { TurnMark, turns, type TurnTaker } from './turn.ts';

/** First wait for a link that went down, in milliseconds. */
const FIRST_REVIVAL_MILLISECONDS = 10;
/** Longest wait. */
const LAST_REVIVAL_MILLISECONDS = 500;
/** Time between two looks at an AF_PACKET socket: a deleted interface must be noticed within a second. */
const WATCH_MILLISECONDS = 500;

/** A sink that is told about batches. */
export interface BatchSink extends FrameSink {
  /** The batch is over: flush coalesced answers. Throws what the user throws. */
  endBatch(): void;
  /** Write the batch to the counters. Never throws. */
  flush(): void;
}

/** Reads one fd on the event loop of the thread that made it. */
export class InlineReader implements TurnTaker {
  readonly dispatcher: LinkDispatcher;
  readonly mark: TurnMark = new TurnMark();
  readonly poll: FdPoll;
  readonly #sink: BatchSink;
  readonly #counters: StatisticsBlock;
  readonly #isPacketSocket: boolean;
  readonly #listener: RunnerListener;
  #isRunning = false;
  #isReading = false;
  #closeAfterRead = false;
  #hasMore = false;
  #isDown = false;
  #watch: NodeJS.Timeout | null = null;
  #revival: NodeJS.Timeout | null = null;
  #revivalMilliseconds = FIRST_REVIVAL_MILLISECONDS;

  constructor(
    dispatcher: LinkDispatcher,
    poll: FdPoll,
    sink: BatchSink,
    link: { counters: StatisticsBlock; isPacketSocket: boolean; listener: RunnerListener },
  ) {
    this.dispatcher = dispatcher;
    this.poll = poll;
    this.#sink = sink;
    this.#counters = link.counters;
    this.#isPacketSocket = link.isPacketSocket;
    this.#listener = link.listener;
  }

  /** A delivery is under way. */
  get isReading(): boolean {
    return this.#isReading;
  }

  get wantsTurn(): boolean {
    return this.#isRunning && this.#hasMore;
  }

  get isPolledAgain(): boolean {
    return this.dispatcher.holdsResult !== true;
  }

  /** Polls the fd from now on. */
  start(): void {
    this.#isRunning = true;
    this.poll.setReader(this.#onReadable);
    if (this.#isPacketSocket) this.#watch = setInterval(() => this.#endIfGone(), WATCH_MILLISECONDS);
  }

  /** Reads no more; allowed inside a delivery. Idempotent; `start` may follow. */
  stop(): void {
    this.#isRunning = false;
    this.#hasMore = false;
    this.#isDown = false;
    this.#cancelRevival();
    if (this.#watch !== null) clearInterval(this.#watch);
    this.#watch = null;
    turns.remove(this);
    this.poll.setReader(null);
  }

  /** Stops for good and gives the dispatcher's memory back, after the delivery under way if there is one. */
  close(): void {
    this.stop();
    if (this.#isReading) this.#closeAfterRead = true;
    else this.dispatcher.close();
  }

  /**
   * Delivers what is still queued in the fd, whatever the budget: for the others when one fd of several has ended. An
   * interrupted call, or a reset that is told before the frames, is not the end of them.
   */
  drain(): void {
    let left = LAST_FRAMES;
    let taken = 0;
    do {
      taken = this.step(left);
      left -= taken;
    } while (left > 0 && !this.#isReading && (taken > 0 || this.wantsTurn));
  }

  step(packetLimit: number): number {
    if (!this.#isRunning || this.#isReading) return 0;
    const taken = this.#read(packetLimit);
    if (taken > 0) {
      this.#hasMore = this.#isRunning && !this.dispatcher.isDrained;
      this.#recover();
      return taken;
    }
    this.#hasMore = false;
    if (this.#isRunning) this.#handleFailure(taken);
    return 0;
  }

  /** One batch, with whatever the user throws caught: 0 when it threw. */
  #read(packetLimit: number): number {
    this.#isReading = true;
    try {
      const taken = this.dispatcher.dispatch(this.#sink, packetLimit);
      if (taken > 0) this.#sink.endBatch();
      return taken;
    } catch (thrown) {
      this.#end({ kind: 'thrown', fd: this.dispatcher.fd, error: asError(thrown) });
      return 0;
    } finally {
      this.#sink.flush();
      this.#isReading = false;
      if (this.#closeAfterRead) this.dispatcher.close();
      if (!this.#isRunning) this.#listener.onIdle();
    }
  }

  readonly #onReadable = (status: number): void => {
    if (!this.#isRunning) return;
    this.#counters.add(Counter.wakeups, 1);
    const error = status < 0 ? this.dispatcher.takeError() : 0;
    if (error < 0) this.#handleFailure(error);
    else this.#takeTurn();
    if (status < 0 && this.#isRunning) this.#awaitRevival();
  };

  /** Something is there to read: now, or in the queue when others wait or the budget is spent. */
  #takeTurn(): void {
    this.#hasMore = true;
    turns.ready(this);
  }

  #handleFailure(result: number): void {
    const { fd } = this.dispatcher;
    switch (classifyReceiveFailure(result)) {
      case 'empty':
        return;
      case 'again':
        this.#hasMore = true;
        return this.#counters.add(Counter.interrupted, 1);
      case 'no-buffers':
        return this.#counters.add(Counter.receiveNoBuffers, 1);
      case 'down':
        return this.#linkDown();
      case 'hangup':
        return this.#end({ kind: 'hangup', fd });
      case 'gone':
        return this.#end({ kind: 'error', fd, error: deviceGone(fd, 'read') });
      case 'fatal':
        return this.#end({ kind: 'error', fd, error: receiveFailed(fd, result) });
    }
  }

  #linkDown(): void {
    if (!this.#isDown) this.#counters.add(Counter.linkFlaps, 1);
    this.#isDown = true;
    if (!this.#endIfGone()) this.#awaitRevival();
  }

  /** An AF_PACKET socket outlives its interface in silence: only getsockname(2) tells, by an index of -1. */
  #endIfGone(): boolean {
    const { fd } = this.dispatcher;
    if (!this.#isPacketSocket || boundInterfaceIndex(fd) !== -1) return false;
    this.drain(); // the error came before the frames that were queued
    if (this.#isRunning) this.#end({ kind: 'error', fd, error: deviceGone(fd, 'getsockname') });
    return true;
  }

  #awaitRevival(): void {
    if (this.#revival !== null) return;
    this.#revival = setTimeout(this.#revive, this.#revivalMilliseconds);
    this.#revivalMilliseconds = Math.min(this.#revivalMilliseconds * 2, LAST_REVIVAL_MILLISECONDS);
  }

  readonly #revive = (): void => {
    this.#revival = null;
    if (!this.#isRunning || this.#endIfGone()) return;
    this.poll.revive();
    if (this.#isDown) this.#awaitRevival();
  };

  /** A frame came: the link is up, or was when that was queued. */
  #recover(): void {
    if (!this.#isDown && this.#revivalMilliseconds === FIRST_REVIVAL_MILLISECONDS) return;
    this.#isDown = false;
    this.#revivalMilliseconds = FIRST_REVIVAL_MILLISECONDS;
  }

  #cancelRevival(): void {
    if (this.#revival !== null) clearTimeout(this.#revival);
    this.#revival = null;
    this.#revivalMilliseconds = FIRST_REVIVAL_MILLISECONDS;
  }

  #end(end: LinkEnd): void {
    this.stop();
    this.#listener.onEnd(end);
  }
}
