/**
 * Counters of a link: one Float64Array block per writing thread in a SharedArrayBuffer, summed by readers.
 *
 *     block of thread 0   counters | drops by reason | batch-size histogram   (single writer: no atomics needed)
 *     block of thread 1   ...
 *
 * A Float64 counts exactly to 2^53 and is written whole on every platform that runs here. Writers add once per batch.
 * The invariant, held by the compliance suite: receivedPackets = deliveredPackets + sum of inbound drops.
 */

const COUNTER_NAMES = [
  /** Frames taken from the link, whatever became of them. */
  'receivedPackets',
  'receivedBytes',
  /** System calls that read frames, the failing ones included. */
  'receiveSyscalls',
  /** Packets handed to the dispatcher. */
  'deliveredPackets',
  /** Times that a reader was woken by the kernel. */
  'wakeups',
  /** Received super-packets: frames with a segmentation type. */
  'receivedSuperPackets',
  'transmittedPackets',
  'transmittedBytes',
  'transmitSyscalls',
  'transmittedSuperPackets',
  /** Packets copied before transmission because no FFI had bound their memory. */
  'transmitCopies',
  /** `writePackets` calls that accepted fewer than given. */
  'shortWrites',
  /** Calls interrupted by a signal and tried again. */
  'interrupted',
  /** Receive calls refused with ENOBUFS and tried again. */
  'receiveNoBuffers',
  /** Link-down episodes survived. */
  'linkFlaps',
  /** Frames that the kernel dropped before we could read them: PACKET_STATISTICS, accumulated. Not part of the invariant. */
  'kernelDrops',
] as const;

const INBOUND_DROP_REASONS = [
  /** A zero-length datagram. */
  'empty-datagram',
  /** Shorter than its link header, or than one byte of network header. */
  'runt',
  /** Longer than its slot. */
  'truncated',
  /** Unicast to somebody else's link address. */
  'foreign-link-address',
  /** No link header, and the first nibble is no IP version. */
  'unknown-protocol',
  /** The virtio-net header contradicts the frame. */
  'bad-vnet-header',
  /** Nobody was attached (any more) when it came. */
  'detached',
  /** A queue of the endpoint was full. */
  'queue-full',
  /** Was in a worker's ring when the worker died. */
  'worker-lost',
  /** Refused by a decorator (its documentation says why). */
  'filtered',
] as const;

const OUTBOUND_DROP_REASONS = [
  /** The device is down or gone: EIO, ENETDOWN, ENXIO. */
  'link-down',
  /** Refused by the kernel for another reason (EINVAL, EMSGSIZE, ...). */
  'transmit-refused',
  /** `allocate` found no free slot; counted per call. */
  'allocate-failed',
  /** The peer of a pipe or the destination of a route is not there. */
  'no-peer',
] as const;

/** Name of a counter. */
export type CounterName = (typeof COUNTER_NAMES)[number];
/** Why a received frame was not delivered. */
export type InboundDropReason = (typeof INBOUND_DROP_REASONS)[number];
/** Why an outbound packet was accepted and yet not sent, or not allocated. */
export type OutboundDropReason = (typeof OUTBOUND_DROP_REASONS)[number];
/** Any reason. */
export type DropReason = InboundDropReason | OutboundDropReason;

/** Batch sizes are counted in powers of two: 1, 2, 3-4, 5-8, ... up to 257 and more. */
export const HISTOGRAM_BUCKETS = 10;

const ALL_NAMES: readonly string[] = [...COUNTER_NAMES, ...INBOUND_DROP_REASONS, ...OUTBOUND_DROP_REASONS];
const HISTOGRAM_AT = ALL_NAMES.length;
const BLOCK_WORDS = Math.ceil((HISTOGRAM_AT + HISTOGRAM_BUCKETS) / 8) * 8; // whole cache lines per thread
const WORD_BYTES = Float64Array.BYTES_PER_ELEMENT;

/** Position of each counter and drop reason in a block: `Counter['receivedPackets']`, `Counter['runt']`. */
export const Counter: Readonly<Record<CounterName | DropReason, number>> = Object.freeze(
  Object.fromEntries(ALL_NAMES.map((name, index) => [name, index])),
) as Readonly<Record<CounterName | DropReason, number>>;

/** All counters at one moment, for printing and for tests. */
export type StatisticsSnapshot = Record<CounterName, number> & {
  /** Packets by drop reason; reasons that never occurred are 0. */
  readonly drops: Record<DropReason, number>;
  /** Receive batches by size: index 0 counts batches of 1, index i those of 2^(i-1)+1 to 2^i. */
  readonly batchSizes: readonly number[];
};

/** One thread's own counters. Only that thread writes them. */
export class StatisticsBlock {
  readonly #words: Float64Array;

  constructor(words: Float64Array) {
    this.#words = words;
  }

  /** Adds `amount` to the counter at `index` (from `Counter`). */
  add(index: number, amount: number): void {
    this.#words[index] = (this.#words[index] as number) + amount;
  }

  /** The counter at `index` (from `Counter`) as this thread wrote it. */
  get(index: number): number {
    return this.#words[index] as number;
  }

  /** Counts one receive batch of `packetCount` packets. */
  addBatch(packetCount: number): void {
    if (packetCount > 0) this.add(HISTOGRAM_AT + histogramBucket(packetCount), 1);
  }
}

/** The bucket of a batch of `packetCount` packets, from 0 to HISTOGRAM_BUCKETS - 1. */
export function histogramBucket(packetCount: number): number {
  return Math.min(32 - Math.clz32(packetCount - 1), HISTOGRAM_BUCKETS - 1);
}

/** The counters of an endpoint: reads all blocks, hands out one block per writing thread. */
export class LinkStatistics {
  /** To be posted to a worker, which opens its block with `new LinkStatistics(buffer).block(index)`. */
  readonly buffer: SharedArrayBuffer;
  readonly #words: Float64Array;

  /** @param source how many threads will write, or the buffer of another thread's statistics */
  constructor(source: number | SharedArrayBuffer = 1) {
    this.buffer = typeof source === 'number' ? new SharedArrayBuffer(source * BLOCK_WORDS * WORD_BYTES) : source;
    this.#words = new Float64Array(this.buffer);
  }

  /** The block of writing thread `index`. */
  block(index = 0): StatisticsBlock {
    const at = index * BLOCK_WORDS;
    if (at < 0 || at + BLOCK_WORDS > this.#words.length) {
      throw new RangeError(`Cannot open statistics block ${index}: there are ${this.#words.length / BLOCK_WORDS}`);
    }
    return new StatisticsBlock(this.#words.subarray(at, at + BLOCK_WORDS));
  }

  /** One counter or drop reason, summed over the threads. */
  get(name: CounterName | DropReason): number {
    return this.#sum(Counter[name]);
  }

  /** Packets received and not delivered, all reasons together. */
  get inboundDrops(): number {
    return INBOUND_DROP_REASONS.reduce((sum, reason) => sum + this.get(reason), 0);
  }

  /** All counters at this moment. Allocates: for printing and tests. */
  snapshot(): StatisticsSnapshot {
    const counters = Object.fromEntries(COUNTER_NAMES.map((name) => [name, this.get(name)])) as Record<CounterName, number>;
    const reasons = [...INBOUND_DROP_REASONS, ...OUTBOUND_DROP_REASONS];
    const drops = Object.fromEntries(reasons.map((name) => [name, this.get(name)])) as Record<DropReason, number>;
    const batchSizes = Array.from({ length: HISTOGRAM_BUCKETS }, (_, bucket) => this.#sum(HISTOGRAM_AT + bucket));
    return { ...counters, drops, batchSizes };
  }

  #sum(index: number): number {
    let sum = 0;
    for (let at = index; at < this.#words.length; at += BLOCK_WORDS) sum += this.#words[at] as number;
    return sum;
  }
}
