/**
 * The ledger of one measurement, in shared memory: which of the numbered packets have come. Written by the thread that
 * gets them, read by the one that sends them, which keeps count of what is unanswered.
 *
 *      words     CORRUPT | FOREIGN | DUPLICATE | lane 0, 1, ... | reader 0, 1, ...
 *                                                '- packets of lane = number mod lanes
 *      seen      one byte for each number
 */

import { checkNumbered, CORRUPT, FOREIGN } from './numbered-packet.ts';
import type { PacketBuffer } from '../../stack/packet-buffer.ts';

const CORRUPT_WORD = 0;
const FOREIGN_WORD = 1;
const DUPLICATE_WORD = 2;
const LANES_WORD = 4;
const READERS_WORD = 8;
const WORDS = 16;

/** How a ledger is opened in another thread; structured-cloned. */
export interface LedgerData {
  readonly buffer: SharedArrayBuffer;
  readonly total: number;
  readonly lanes: number;
  readonly offloads: boolean;
}

/** Keeps count of `total` numbered packets. */
export class Ledger {
  readonly data: LedgerData;
  readonly #words: Int32Array;
  readonly #seen: Uint8Array;

  constructor(data: Omit<LedgerData, 'buffer'> & { readonly buffer?: SharedArrayBuffer }) {
    const buffer = data.buffer ?? new SharedArrayBuffer(4 * WORDS + data.total);
    this.data = { ...data, buffer };
    this.#words = new Int32Array(buffer, 0, WORDS);
    this.#seen = new Uint8Array(buffer, 4 * WORDS, data.total);
  }

  /**
   * Checks a packet whose `networkOffset` is set, and enters it.
   * @param reader which of several readers got it
   */
  enter(packet: PacketBuffer, reader = 0): void {
    this.#add(READERS_WORD + reader);
    const { total, lanes, offloads } = this.data;
    const number = checkNumbered(packet, offloads);
    if (number === FOREIGN) this.#add(FOREIGN_WORD);
    else if (number === CORRUPT || number >= total) this.#add(CORRUPT_WORD);
    else if (Atomics.exchange(this.#seen, number, 1) === 1) this.#add(DUPLICATE_WORD);
    else this.#add(LANES_WORD + (number % lanes));
  }

  /** Packets of a lane that have come. */
  arrived(lane: number): number {
    return Atomics.load(this.#words, LANES_WORD + lane);
  }

  /** Frames that reader `reader` got, whatever they were. */
  readBy(reader: number): number {
    return Atomics.load(this.#words, READERS_WORD + reader);
  }

  /** Different numbers that have come. */
  get arrivedCount(): number {
    let count = 0;
    for (let lane = 0; lane < this.data.lanes; lane++) count += this.arrived(lane);
    return count;
  }

  /** What has come: `{ arrived: total, corrupt: 0, duplicate: 0 }` is as it should be. */
  get result(): { arrived: number; corrupt: number; duplicate: number } {
    const [corrupt, duplicate] = [CORRUPT_WORD, DUPLICATE_WORD].map((word) => Atomics.load(this.#words, word));
    return { arrived: this.arrivedCount, corrupt: corrupt as number, duplicate: duplicate as number };
  }

  #add(word: number): void {
    Atomics.add(this.#words, word, 1);
  }
}
