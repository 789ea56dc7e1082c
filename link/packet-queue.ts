/**
 * A bounded first-in-first-out queue of packet copies: what stands between two ends of a link in memory.
 *
 *            head                      tail = (head + length) % size
 *             ▼                         ▼
 *     [ · ][ p ][ p ][ p ][ p ][ p ][ · ][ · ]
 *
 * The copy is what lets `writePackets` only borrow: when `push` returns, the packet is its writer's again.
 */

import type { PacketBuffer } from '../stack/packet-buffer.ts';
import { copyBetween, PacketStore } from './packet-store.ts';

/** A ring of packets, each in a slot of the queue's own store until it is released. */
export class PacketQueue {
  /** How many packets the queue holds at most. */
  readonly size: number;
  readonly #ring: (PacketBuffer | null)[];
  readonly #store: PacketStore = new PacketStore();
  #head = 0;
  #length = 0;

  constructor(size: number) {
    this.size = size;
    this.#ring = new Array<PacketBuffer | null>(size).fill(null);
  }

  /** Packets waiting. */
  get length(): number {
    return this.#length;
  }

  /**
   * Copies the bytes of `packet` from position `from` on, with all that is known about them, to the end of the queue.
   * @returns false when the queue is full
   */
  push(packet: PacketBuffer, from: number): boolean {
    if (this.#length === this.size) return false;
    const byteCount = packet.end - from;
    const copy = this.#store.take(byteCount);
    if (copy === null) throw new RangeError(`Cannot queue a packet of ${byteCount} bytes: no slot is that long`);
    copyBetween(packet, from, copy, copy.start, byteCount);
    copy.copyMetadata(packet, copy.start - from);
    this.#ring[(this.#head + this.#length) % this.size] = copy;
    this.#length++;
    return true;
  }

  /** Takes the first packet; the caller releases it. Null when there is none. */
  shift(): PacketBuffer | null {
    if (this.#length === 0) return null;
    const packet = this.#ring[this.#head] as PacketBuffer;
    this.#ring[this.#head] = null;
    this.#head = (this.#head + 1) % this.size;
    this.#length--;
    return packet;
  }
}
