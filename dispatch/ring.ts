/**
 * A ring of packet slots between two threads: one producer, one consumer, no locks, no copies.
 *
 *              tail                    head
 *     ┌────┬────┬────┬────┬────┬────┬────┬────┐
 *     │free│free│full│full│full│full│free│free│      index of a slot = counter mod slotCount
 *     └────┴────┴────┴────┴────┴────┴────┴────┘
 *               └ peek ────────────┘└ reserve ─►
 *               release ►            commit ►
 *
 * Head and tail are free-running 32-bit counters: full when they differ by slotCount, empty when they are equal, and no
 * slot is wasted to tell the two apart. The producer lets the kernel write straight into reserved slots; the consumer
 * lends them to the dispatcher where they are and releases a batch at once.
 *
 * Sleeping. Who finds nothing to do sets its flag, looks once more, and only then waits on its eventfd. Who makes
 * something to do and finds the flag set clears it and writes the eventfd. Atomics are sequentially consistent, so one
 * of the two always sees the other: no wake-up is lost, and none is sent to a thread that is awake.
 */

import {
  CONSUMER_SLEEPS,
  FIRST_SLOT,
  GO_ON,
  HEAD,
  PRODUCER_SLEEPS,
  ringWords,
  SLOT_FLAGS,
  SLOT_LENGTH,
  SLOT_WORDS,
  STOP,
  STOP_NOW,
  STOP_WHEN_EMPTY,
  TAIL,
} from './ring-layout.ts';

/** The shared words of a ring, seen from either side. */
abstract class RingSide {
  /** To be posted to the other side. */
  readonly buffer: SharedArrayBuffer;
  /** Power of two. */
  readonly slotCount: number;
  protected readonly words: Int32Array;
  protected readonly mask: number;

  constructor(slotCount: number, buffer: SharedArrayBuffer) {
    this.slotCount = slotCount;
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
    this.mask = slotCount - 1;
  }

  /** Slots that hold a frame. */
  get fullCount(): number {
    return (Atomics.load(this.words, HEAD) - Atomics.load(this.words, TAIL)) | 0;
  }

  /** The producer was told to end at once. */
  get stopsNow(): boolean {
    return Atomics.load(this.words, STOP) === STOP_NOW;
  }

  /** The producer was told to end when the fd has nothing more. */
  get stopsWhenEmpty(): boolean {
    return Atomics.load(this.words, STOP) === STOP_WHEN_EMPTY;
  }
}

/** The side that fills slots. */
export class RingProducer extends RingSide {
  #head = 0;

  constructor(slotCount: number, buffer: SharedArrayBuffer) {
    super(slotCount, buffer);
    this.#head = Atomics.load(this.words, HEAD);
  }

  /** The slot that `reserve` begins at. */
  get nextSlot(): number {
    return this.#head & this.mask;
  }

  /** Free slots from `nextSlot` on that lie side by side, 0 when the ring is full. */
  reserve(): number {
    const free = this.slotCount - ((this.#head - Atomics.load(this.words, TAIL)) | 0);
    return Math.min(free, this.slotCount - this.nextSlot);
  }

  /** Describes slot `slot`, before it is committed. */
  describe(slot: number, length: number, flags: number): void {
    const at = FIRST_SLOT + slot * SLOT_WORDS;
    this.words[at + SLOT_LENGTH] = length;
    this.words[at + SLOT_FLAGS] = flags;
  }

  /**
   * Hands `count` described slots to the consumer.
   * @returns true when the consumer sleeps and must be woken
   */
  commit(count: number): boolean {
    this.#head = (this.#head + count) | 0;
    Atomics.store(this.words, HEAD, this.#head);
    return Atomics.exchange(this.words, CONSUMER_SLEEPS, 0) === 1;
  }

  /**
   * Declares that the producer will wait for room.
   * @returns false when room came up meanwhile: do not wait
   */
  sleep(): boolean {
    Atomics.store(this.words, PRODUCER_SLEEPS, 1);
    if (this.reserve() === 0 && !this.stopsNow) return true;
    Atomics.store(this.words, PRODUCER_SLEEPS, 0);
    return false;
  }
}

/** The side that delivers slots. */
export class RingConsumer extends RingSide {
  #tail = 0;

  /** @param slotCount power of two, at most 1024 */
  constructor(slotCount: number, buffer?: SharedArrayBuffer) {
    if (slotCount < 1 || slotCount > 1024 || (slotCount & (slotCount - 1)) !== 0) {
      throw new RangeError(`Cannot create a ring: slotCount is ${slotCount}; a power of two up to 1024 is required`);
    }
    super(slotCount, buffer ?? new SharedArrayBuffer(ringWords(slotCount) * Int32Array.BYTES_PER_ELEMENT));
    this.#tail = Atomics.load(this.words, TAIL);
    Atomics.store(this.words, CONSUMER_SLEEPS, 1);
  }

  /** How many slots are ready. */
  peek(): number {
    return (Atomics.load(this.words, HEAD) - this.#tail) | 0;
  }

  /** Index of the ready slot number `offset`, from 0. */
  slotAt(offset: number): number {
    return (this.#tail + offset) & this.mask;
  }

  /** Bytes in slot `slot`. */
  length(slot: number): number {
    return this.words[FIRST_SLOT + slot * SLOT_WORDS + SLOT_LENGTH] as number;
  }

  /** Flags of slot `slot`. */
  flags(slot: number): number {
    return this.words[FIRST_SLOT + slot * SLOT_WORDS + SLOT_FLAGS] as number;
  }

  /**
   * Gives the first `count` ready slots back.
   * @returns true when the producer waits for room and must be woken
   */
  release(count: number): boolean {
    this.#tail = (this.#tail + count) | 0;
    Atomics.store(this.words, TAIL, this.#tail);
    return Atomics.exchange(this.words, PRODUCER_SLEEPS, 0) === 1;
  }

  /**
   * Declares that the consumer will wait for a commit.
   * @returns false when slots became ready meanwhile: do not wait
   */
  sleep(): boolean {
    Atomics.store(this.words, CONSUMER_SLEEPS, 1);
    if (this.peek() === 0) return true;
    Atomics.store(this.words, CONSUMER_SLEEPS, 0);
    return false;
  }

  /** Tells the producer to end at once; it must be woken too. */
  stop(): void {
    Atomics.store(this.words, STOP, STOP_NOW);
  }

  /** Tells the producer to end when the fd has nothing more; it must be woken too. */
  finish(): void {
    Atomics.compareExchange(this.words, STOP, GO_ON, STOP_WHEN_EMPTY);
  }

  /** Makes the ring ready for a new producer. Only while there is none. */
  restart(): void {
    Atomics.store(this.words, PRODUCER_SLEEPS, 0);
    Atomics.store(this.words, STOP, GO_ON);
    Atomics.store(this.words, CONSUMER_SLEEPS, 1);
  }
}
