/** A reusable batch of packets, in order: what `writePackets` takes. */

import type { PacketBuffer } from './packet-buffer.ts';

/** Grows to the largest batch it ever held and then allocates no more. Holds no ownership of its own. */
export class PacketList {
  readonly #packets: PacketBuffer[] = [];
  #length = 0;

  /** How many packets the list holds. */
  get length(): number {
    return this.#length;
  }

  /** A list of the given packets. */
  static of(...packets: readonly PacketBuffer[]): PacketList {
    const list = new PacketList();
    for (const packet of packets) list.push(packet);
    return list;
  }

  /** Adds a packet at the end. */
  push(packet: PacketBuffer): void {
    this.#packets[this.#length++] = packet;
  }

  /**
   * The packet at `index`, from 0.
   * @throws RangeError when the list is shorter
   */
  at(index: number): PacketBuffer {
    const packet = this.#packets[index];
    if (packet === undefined || index >= this.#length) {
      throw new RangeError(`Cannot read packet ${index} of the list: it holds ${this.#length}`);
    }
    return packet;
  }

  /** Empties the list; the packets are not released. */
  clear(): void {
    this.#length = 0;
  }

  /** Removes the first `count` packets (the accepted prefix of a short write), keeping the rest in order. */
  dropFirst(count: number): void {
    const removed = Math.min(count, this.#length);
    this.#packets.copyWithin(0, removed, this.#length);
    this.#length -= removed;
  }

  /** Iterates in order. Allocates an iterator: for cold paths. */
  *[Symbol.iterator](): IterableIterator<PacketBuffer> {
    for (let index = 0; index < this.#length; index++) yield this.at(index);
  }
}
