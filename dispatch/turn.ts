/**
 * One turn of the event loop: how much a thread may deliver before it lets everything else run.
 *
 *     poll phase          check phase          poll phase          check phase
 *     fd callbacks ─────► our setImmediate ──► fd callbacks ─────► our setImmediate ──► ...
 *     └─ one budget, 256 packets or 2 ms, for any poll phase with the check phase after or before it ─┘
 *
 * A reader that is alone and finds budget left is served straight from its poll callback: the lowest latency. As soon as
 * one has more than the budget allows, it waits in a queue, and the queue is served round-robin, a batch each, from
 * setImmediate: the loop goes round in between, so no flood starves timers, sockets or the user's own work. The 256 hold
 * between any two of the user's own setImmediate turns, whichever side of ours they fall on; that is why the two phases
 * are accounted one against the other.
 *
 * As long as nobody waits, no immediate is scheduled: it would cost each wake-up a loop turn of its own. The loop calls a
 * poll handle once per poll phase, so a reader that comes a second time has seen it go round, and a new phase begins; it
 * also does when nothing was delivered for a millisecond, for then nobody floods. So a reader that is alone does not wait
 * in the queue when the budget is spent: its fd is still readable, and the next poll phase brings it back. One that does
 * wait is called for nothing in every poll phase; when that goes on, its poll handle is paused until it has its turn.
 */

/** Most packets per turn of the event loop. */
export const TURN_PACKETS = 256;
/** Longest time of delivery per turn, in milliseconds. */
export const TURN_MILLISECONDS = 2;
/** Time without deliveries after which a budget is whole again, in milliseconds. */
const REST_MILLISECONDS = 1;

/** A pause and its end cost two changes of epoll's list: as much as this many calls for nothing. */
const PAUSE_AFTER_CALLS = 5;

/** Something that has packets to deliver. */
export interface TurnTaker {
  /**
   * Delivers one batch of at most `packetLimit` packets.
   * @returns how many packets it took
   */
  step(packetLimit: number): number;
  /** More may be waiting. */
  readonly wantsTurn: boolean;
  /** While more is waiting, the event loop calls its poll handle in every poll phase. */
  readonly isPolledAgain: boolean;
  /** Where its readiness comes from. */
  readonly poll: Pausable;
  /** For `Turns` alone. */
  readonly mark: TurnMark;
}

/** A poll handle that can be told to be silent about its reader for a while. */
export interface Pausable {
  pause(): void;
  resume(): void;
}

/** What `Turns` notes of a taker. */
export class TurnMark {
  /** The poll phase in which it was ready last. */
  phase = -1;
  isQueued = false;
  /** How often the loop has called it while it waited. */
  callsInQueue = 0;
}

/** The global is a getter that is called each time. */
const clock: typeof performance = performance;

/** The work budget of a thread's event loop. One per thread: `turns`. */
export class Turns {
  readonly #queue: TurnTaker[] = [];
  /** Number of the poll phase. */
  #phase = 0;
  #pollPackets = 0;
  #checkPackets = 0;
  #pollMilliseconds = 0;
  #checkMilliseconds = 0;
  /** When the last delivery of a poll phase ended. */
  #restsSince = 0;
  #isScheduled = false;
  readonly #check = (): void => this.#runCheckPhase();

  /** To be called from a poll callback: `taker` is ready. Serves it at once if nothing waits and budget is left. */
  ready(taker: TurnTaker): void {
    const { mark } = taker;
    if (mark.isQueued) return callInQueue(taker);
    const began = clock.now();
    if (mark.phase === this.#phase || began - this.#restsSince > REST_MILLISECONDS) this.#beginPollPhase();
    mark.phase = this.#phase;
    const isAlone = this.#queue.length === 0;
    let taken = 0;
    if (isAlone) {
      let now = began;
      do {
        const left = TURN_PACKETS - this.#checkPackets - this.#pollPackets;
        const leftMilliseconds = TURN_MILLISECONDS - this.#checkMilliseconds - this.#pollMilliseconds - (now - began);
        if (left <= 0 || leftMilliseconds <= 0) break;
        const stepped = taker.step(left);
        taken += stepped;
        this.#pollPackets += stepped;
        now = clock.now();
      } while (taker.wantsTurn);
      this.#pollMilliseconds += now - began;
      this.#restsSince = now;
    }
    if (!taker.wantsTurn || (isAlone && taken > 0 && taker.isPolledAgain)) return;
    this.#enqueue(taker);
    this.#schedule();
  }

  /** Takes a reader that stops out of the queue. */
  remove(taker: TurnTaker): void {
    const index = taker.mark.isQueued ? this.#queue.indexOf(taker) : -1;
    if (index >= 0) this.#queue.splice(index, 1);
    leave(taker);
  }

  #enqueue(taker: TurnTaker): void {
    taker.mark.isQueued = true;
    this.#queue.push(taker);
  }

  #beginPollPhase(): void {
    this.#phase++;
    this.#pollPackets = 0;
    this.#pollMilliseconds = 0;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#check);
  }

  #runCheckPhase(): void {
    this.#isScheduled = false;
    this.#checkPackets = 0;
    const began = clock.now();
    let now = began;
    while (this.#queue.length > 0) {
      const left = TURN_PACKETS - this.#pollPackets - this.#checkPackets;
      if (left <= 0 || now - began >= TURN_MILLISECONDS - this.#pollMilliseconds) break;
      const taker = this.#queue.shift() as TurnTaker;
      this.#checkPackets += taker.step(left);
      if (taker.wantsTurn) this.#enqueue(taker);
      else leave(taker);
      now = clock.now();
    }
    this.#checkMilliseconds = now - began;
    this.#beginPollPhase();
    if (this.#queue.length > 0 || this.#checkPackets > 0) this.#schedule();
  }
}

/** The loop calls a reader that waits, for nothing: half of the cost of 64 readers that are flooded. */
function callInQueue({ mark, poll }: TurnTaker): void {
  if (++mark.callsInQueue === PAUSE_AFTER_CALLS) poll.pause();
}

/** It does not wait any more. */
function leave({ mark, poll }: TurnTaker): void {
  mark.isQueued = false;
  if (mark.callsInQueue >= PAUSE_AFTER_CALLS) poll.resume();
  mark.callsInQueue = 0;
}

/** The budget of this thread. */
export const turns: Turns = new Turns();
