/**
 * The counting dispatcher of `linkpoint bench`, and where it counts: shared memory, so that it counts in workers, too.
 *
 *     per dispatcher, a cache line of Float64:  | packets | bytes | first packet at | last batch ended at | ... |
 *
 * Times are milliseconds since 1970, for each thread's performance.now() begins elsewhere.
 */

import type { NetworkDispatcher } from '../stack/network-dispatcher.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';

const PACKETS = 0;
const BYTES = 1;
const FIRST = 2;
const LAST = 3;
/** A cache line: no two dispatchers write the same. */
const WORDS = 8;

/** What the dispatchers have counted. */
export class Tally {
  /** To be handed to the dispatchers of workers. */
  readonly buffer: SharedArrayBuffer;
  readonly #words: Float64Array;

  /** @param source how many dispatchers there will be, or the buffer of another thread's tally */
  constructor(source: number | SharedArrayBuffer) {
    this.buffer = typeof source === 'number' ? new SharedArrayBuffer(source * WORDS * 8) : source;
    this.#words = new Float64Array(this.buffer);
  }

  /** Packets counted by all dispatchers. */
  get packets(): number {
    return this.#column(PACKETS).reduce((sum, count) => sum + count, 0);
  }

  /** Bytes of their frames, link headers included. */
  get bytes(): number {
    return this.#column(BYTES).reduce((sum, count) => sum + count, 0);
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
    this.#words[at + PACKETS] = (this.#words[at + PACKETS] as number) + packets;
    this.#words[at + BYTES] = (this.#words[at + BYTES] as number) + bytes;
    this.#words[at + FIRST] = firstAt;
    this.#words[at + LAST] = lastAt;
  }

  #column(word: number): number[] {
    return [...this.#words].filter((_, index) => index % WORDS === word);
  }
}

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
