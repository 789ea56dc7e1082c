/**
 * The counting dispatcher of `linkpoint bench`, and where it counts: shared memory, so that it counts in workers, too.
 *
 *     per dispatcher, a cache line of Float64:
 *     | packets, bytes | packets, bytes | first packet at | last batch ended at | version | - |
 *            even             odd
 *
 * A batch is added to the pair that is not the version's, and then the version is: whoever reads on another thread sees
 * packets and bytes of the same batches, also when the writer has died in between.
 * Times are milliseconds since 1970, for each thread's performance.now() begins elsewhere.
 */

import type { NetworkDispatcher } from '../stack/network-dispatcher.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';

/** Words of a pair: packets, bytes. */
const PAIR = 2;
const FIRST = 2 * PAIR;
const LAST = FIRST + 1;
const VERSION = LAST + 1;
/** A cache line: no two dispatchers write the same. */
const WORDS = 8;

/** What the dispatchers have counted. */
export class Tally {
  /** To be handed to the dispatchers of workers. */
  readonly buffer: SharedArrayBuffer;
  readonly #words: Float64Array;
  /** The same memory, for the versions: Atomics know integers only. */
  readonly #versions: Int32Array;

  /** @param source how many dispatchers there will be, or the buffer of another thread's tally */
  constructor(source: number | SharedArrayBuffer) {
    this.buffer = typeof source === 'number' ? new SharedArrayBuffer(source * WORDS * 8) : source;
    this.#words = new Float64Array(this.buffer);
    this.#versions = new Int32Array(this.buffer);
  }

  /** Packets counted by all dispatchers, and bytes of these packets' frames, link headers included. */
  count(): { packets: number; bytes: number } {
    let packets = 0;
    let bytes = 0;
    for (let at = 0; at < this.#words.length; at += WORDS) {
      const one = this.#countOf(at);
      packets += one.packets;
      bytes += one.bytes;
    }
    return { packets, bytes };
  }

  /** When the first packet came; Infinity before. */
  get firstAt(): number {
    return Math.min(...this.#column(FIRST).filter((at) => at > 0));
  }

  /** When the last batch was through; 0 before. */
  get lastAt(): number {
    return Math.max(...this.#column(LAST));
  }

  /** Adds a batch to dispatcher `index`. */
  add(index: number, packets: number, bytes: number, firstAt: number, lastAt: number): void {
    const at = index * WORDS;
    const version = Atomics.load(this.#versions, versionAt(at));
    const from = pairAt(at, version);
    const to = pairAt(at, version + 1);
    this.#words[to] = (this.#words[from] as number) + packets;
    this.#words[to + 1] = (this.#words[from + 1] as number) + bytes;
    this.#words[at + FIRST] = firstAt;
    this.#words[at + LAST] = lastAt;
    Atomics.store(this.#versions, versionAt(at), version + 1);
  }

  /** Reads again what was overwritten meanwhile, which takes two batches. */
  #countOf(at: number): { packets: number; bytes: number } {
    for (;;) {
      const version = Atomics.load(this.#versions, versionAt(at));
      const from = pairAt(at, version);
      const packets = this.#words[from] as number;
      const bytes = this.#words[from + 1] as number;
      if (Atomics.load(this.#versions, versionAt(at)) === version) return { packets, bytes };
    }
  }

  #column(word: number): number[] {
    return [...this.#words].filter((_, index) => index % WORDS === word);
  }
}

/** Position among 32-bit integers of the version of the line whose 64-bit words begin at `at`. */
const versionAt = (at: number): number => (at + VERSION) * 2;

/** Position of the pair that `version` names. */
const pairAt = (at: number, version: number): number => at + (version & 1) * PAIR;

/** The clock of the tally. */
export const clock = (): number => performance.timeOrigin + performance.now();

/** Counts packets and bytes, and nothing else. */
export class CountingDispatcher implements NetworkDispatcher {
  readonly #tally: Tally;
  readonly #index: number;
  #firstAt = 0;
  #packets = 0;
  #bytes = 0;

  constructor(tally: Tally, index = 0) {
    this.#tally = tally;
    this.#index = index;
  }

  deliverNetworkPacket(_protocol: number, packet: PacketBuffer): void {
    if (this.#firstAt === 0) this.#firstAt = clock();
    this.#packets++;
    this.#bytes += packet.length;
  }

  deliverBatchEnd(): void {
    if (this.#packets === 0) return;
    this.#tally.add(this.#index, this.#packets, this.#bytes, this.#firstAt, clock());
    this.#packets = 0;
    this.#bytes = 0;
  }
}
