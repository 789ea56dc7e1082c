/**
 * What the demo sends, and whether it came back: pure bookkeeping, the sockets are others' business.
 *
 *     next() ─► Sending ─► (the caller sends it) ─► committed(sending) ─► outstanding ─► answer(bytes) ─► right, wrong
 *
 * Sizes run through 1 .. maxBytes; in between come super-sends of 40 x 1,200 bytes, whose segments are answered one by
 * one. At most 64 KiB and 64 datagrams are unanswered, for without a window the receive buffer of a socket (208 KiB,
 * of which even a datagram of one byte takes 768 to 2,304) would overflow now and then.
 *
 * An answer is right when it equals, byte for byte, some outstanding datagram. The first is tried first, but order is
 * not asked for: a kernel with several processors does not promise any.
 */

/** Most payload bytes unanswered. */
const WINDOW_BYTES = 64 * 1024;
/** Most datagrams unanswered. */
const WINDOW_DATAGRAMS = 64;

/** Bytes of a segment of a super-send. */
export const SEGMENT_BYTES = 1200;
/** Segments of a super-send. */
export const SEGMENTS = 40;

/** Walks through all sizes of 1 .. n for every n that it does not divide. */
const SIZE_STEP = 7919;

/** Where datagrams take their bytes from: pseudo-random, so that no two are alike by accident. */
const PATTERN_BYTES = 1 << 18;

/** One send(2): `bytes` from `at` in `Exchange.pattern`. */
export interface Sending {
  readonly at: number;
  readonly bytes: number;
  /** 0, or the size of the segments that the kernel cuts it into: UDP_SEGMENT, udp(7). */
  readonly segmentBytes: number;
}

interface Outstanding {
  readonly at: number;
  readonly bytes: number;
  readonly sentAt: number;
}

/** How an exchange went. */
export interface ExchangeResult {
  /** Datagrams sent, each segment of a super-send counted. */
  readonly datagrams: number;
  readonly bytes: number;
  readonly superSends: number;
  /** Answers that were right, byte for byte. */
  readonly right: number;
  /** Answers that equal nothing outstanding. */
  readonly wrong: number;
  /** Datagrams that were not sent or not answered. */
  readonly missing: number;
  readonly seconds: number;
  /** From send to answer, in microseconds, the wait in the window included. 0 without answers. */
  readonly roundTripP50: number;
  readonly roundTripP99: number;
}

/** Plan of an exchange. */
export interface ExchangePlan {
  /** Datagrams of 1 to `maxBytes` bytes. */
  readonly count: number;
  /** Super-sends among them. */
  readonly superSends: number;
  /** Longest datagram that fits the MTU. */
  readonly maxBytes: number;
}

/** Sends by plan and checks what comes back. */
export class Exchange {
  /** All payload bytes come from here; make it sendable once. */
  readonly pattern: Uint8Array = makePattern();
  readonly #plan: ExchangePlan;
  readonly #now: () => number;
  readonly #outstanding: Outstanding[] = [];
  readonly #roundTrips: number[] = [];
  readonly #startedAt: number;
  readonly #superEvery: number;
  #sentCount = 0;
  #sentSupers = 0;
  #sentBytes = 0;
  #outstandingBytes = 0;
  #wrong = 0;

  /** @param now milliseconds of a clock that never goes back */
  constructor(plan: ExchangePlan, now: () => number = () => performance.now()) {
    this.#plan = plan;
    this.#now = now;
    this.#startedAt = now();
    this.#superEvery = plan.superSends === 0 ? Infinity : Math.max(1, Math.floor(plan.count / plan.superSends));
  }

  /** Everything is sent and answered. */
  get isDone(): boolean {
    return this.#isAllSent && this.#outstanding.length === 0;
  }

  /** Answers so far that were right. */
  get right(): number {
    return this.#roundTrips.length;
  }

  /** What to send next; null when all is sent or the window is full. */
  next(): Sending | null {
    if (this.#isAllSent) return null;
    const sending = this.#isSuperTurn ? this.#superSend() : this.#plainSend();
    const datagrams = sending.segmentBytes === 0 ? 1 : SEGMENTS;
    if (this.#outstandingBytes + sending.bytes > WINDOW_BYTES) return null;
    return this.#outstanding.length + datagrams > WINDOW_DATAGRAMS ? null : sending;
  }

  /** The last `next()` was sent, at `sentAt` of the clock. */
  committed(sending: Sending, sentAt: number = this.#now()): void {
    const step = sending.segmentBytes === 0 ? sending.bytes : sending.segmentBytes;
    for (let offset = 0; offset < sending.bytes; offset += step) {
      this.#outstanding.push({ at: sending.at + offset, bytes: step, sentAt });
    }
    this.#outstandingBytes += sending.bytes;
    this.#sentBytes += sending.bytes;
    if (sending.segmentBytes === 0) this.#sentCount++;
    else this.#sentSupers++;
  }

  /** An answer has come; whether it was right. */
  answer(bytes: Uint8Array): boolean {
    const index = this.#outstanding.findIndex((sent) => this.#isEcho(sent, bytes));
    const sent = this.#outstanding[index];
    if (sent === undefined) {
      this.#wrong++;
      return false;
    }
    this.#outstanding.splice(index, 1);
    this.#outstandingBytes -= sent.bytes;
    this.#roundTrips.push((this.#now() - sent.sentAt) * 1000);
    return true;
  }

  /** How it went, now. */
  result(): ExchangeResult {
    const { right } = this;
    const planned = this.#plan.count + this.#plan.superSends * SEGMENTS;
    const sorted = Float64Array.from(this.#roundTrips).sort();
    return {
      datagrams: this.#sentCount + this.#sentSupers * SEGMENTS,
      bytes: this.#sentBytes,
      superSends: this.#sentSupers,
      right,
      wrong: this.#wrong,
      missing: planned - right,
      seconds: (this.#now() - this.#startedAt) / 1000,
      roundTripP50: percentile(sorted, 0.5),
      roundTripP99: percentile(sorted, 0.99),
    };
  }

  get #isAllSent(): boolean {
    return this.#sentCount === this.#plan.count && this.#sentSupers === this.#plan.superSends;
  }

  get #isSuperTurn(): boolean {
    if (this.#sentSupers === this.#plan.superSends) return false;
    return this.#sentCount === this.#plan.count || this.#sentCount >= this.#sentSupers * this.#superEvery;
  }

  #plainSend(): Sending {
    const bytes = 1 + ((this.#sentCount * SIZE_STEP) % this.#plan.maxBytes);
    return { at: this.#positionFor(bytes), bytes, segmentBytes: 0 };
  }

  #superSend(): Sending {
    const bytes = SEGMENTS * SEGMENT_BYTES;
    return { at: this.#positionFor(bytes), bytes, segmentBytes: SEGMENT_BYTES };
  }

  #positionFor(bytes: number): number {
    const turn = this.#sentCount + this.#sentSupers * SIZE_STEP + 1;
    return (Math.imul(turn, 0x9e37_79b1) >>> 0) % (PATTERN_BYTES - bytes); // scattered, but the same in every run
  }

  #isEcho(sent: Outstanding, bytes: Uint8Array): boolean {
    return (
      sent.bytes === bytes.byteLength &&
      Buffer.compare(this.pattern.subarray(sent.at, sent.at + sent.bytes), bytes) === 0
    );
  }
}

/** The smallest value that at least `share` of the values do not exceed; 0 of none. */
function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/** Xorshift (Marsaglia 2003): the same bytes in every run. */
function makePattern(): Uint8Array {
  const bytes = new Uint8Array(PATTERN_BYTES);
  let state = 0x2545_f491;
  for (let at = 0; at < PATTERN_BYTES; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state;
  }
  return bytes;
}
