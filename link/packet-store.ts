/**
 * Packet slots for endpoints over memory: made when first needed, reused from then on.
 *
 *     size class      0          1          2     ...  5 and up
 *     payload bytes   to 2,048   to 4,096   to 8,192   to 65,536 and more
 *     free slots      [· · ·]    [·]        []         []
 *
 * Unlike an Arena, whose slots are all of one size and live as long as it does, a store is small while its packets are,
 * and a slot that its holder forgets to release is taken by the garbage collector: a test that reads a packet and
 * never returns it leaks nothing. Once as many slots exist as are in use at a time, nothing is allocated any more.
 */

import { HEADROOM_BYTES } from '../stack/arena.ts';
import { PacketBuffer, type PacketOwner } from '../stack/packet-buffer.ts';
import { guardAllocated } from '../stack/packet-pool.ts';

/** log2 of the payload bytes of size class 0, which holds what an MTU of 1,500 lets through. */
const SMALL_SHIFT = 11;
/** Size classes, each twice the one before; the last holds the longest IP packet several times over. */
const CLASS_COUNT = 10;
/** Longest payload that a store gives a slot for, in bytes. */
export const STORE_PAYLOAD_MAX: number = 2 ** (SMALL_SHIFT + CLASS_COUNT - 1);

/** Up to this length a loop of words is faster than a sub-view and `set`, and allocates nothing. */
const WORD_COPY_MAX = 4096;
/** Bytes copied by one turn of the unrolled loop. */
const STRIDE_BYTES = 16;

/** Free slots by size class, with a limit on how many may be in use. */
export class PacketStore {
  readonly #free: Slot[][] = Array.from({ length: CLASS_COUNT }, () => []);
  readonly #limit: number;
  #usedCount = 0;

  /** @param limit how many packets may be in use at a time; Infinity where somebody else bounds them */
  constructor(limit: number = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
  }

  /** Packets that are in use: allocated and not released. */
  get usedCount(): number {
    return this.#usedCount;
  }

  /**
   * A packet of `payloadBytes` behind the whole headroom, as `PacketPool.allocate` gives it.
   * @returns null when the limit is reached or the payload is longer than any slot
   */
  allocate(payloadBytes: number): PacketBuffer | null {
    const packet = this.take(payloadBytes);
    return packet === null ? null : guardAllocated(packet);
  }

  /** The same, without the guard of LINKPOINT_DEBUG=1: for the endpoint's own queues. */
  take(payloadBytes: number): PacketBuffer | null {
    if (this.#usedCount >= this.#limit || payloadBytes > STORE_PAYLOAD_MAX) return null;
    const sizeClass = sizeClassOf(payloadBytes);
    const free = this.#free[sizeClass] as Slot[];
    const slot = free.pop() ?? new Slot(this, sizeClass);
    this.#usedCount++;
    return slot.take(payloadBytes);
  }

  /** For slots: one of them is free again. */
  put(slot: Slot): void {
    this.#usedCount--;
    (this.#free[slot.sizeClass] as Slot[]).push(slot);
  }
}

/** One packet with memory of its own. */
class Slot implements PacketOwner {
  readonly sizeClass: number;
  readonly #store: PacketStore;
  readonly #packet: PacketBuffer;

  constructor(store: PacketStore, sizeClass: number) {
    const bytes = new Uint8Array(HEADROOM_BYTES + 2 ** (SMALL_SHIFT + sizeClass));
    const memory = { bytes, view: new DataView(bytes.buffer), address: 0 };
    this.sizeClass = sizeClass;
    this.#store = store;
    this.#packet = new PacketBuffer(memory, 0, 0, bytes.length);
  }

  take(payloadBytes: number): PacketBuffer {
    const packet = this.#packet;
    packet.repoint(HEADROOM_BYTES, HEADROOM_BYTES + payloadBytes);
    packet.networkOffset = HEADROOM_BYTES;
    packet.owner = this;
    return packet;
  }

  /** A second release of the same allocation has no effect. */
  reclaim(packet: PacketBuffer): void {
    if (packet.owner !== this) return;
    this.#packet.owner = null;
    this.#packet.generation++;
    this.#store.put(this);
  }
}

function sizeClassOf(payloadBytes: number): number {
  return payloadBytes <= 1 << SMALL_SHIFT ? 0 : 32 - Math.clz32((payloadBytes - 1) >>> SMALL_SHIFT);
}

/** Copies `length` bytes between two memories, without allocating anything up to 4,096 bytes. */
export function copyBetween(
  source: PacketBuffer,
  from: number,
  target: PacketBuffer,
  to: number,
  length: number,
): void {
  if (length > WORD_COPY_MAX) {
    target.bytes.set(source.bytes.subarray(from, from + length), to);
    return;
  }
  const input = source.view;
  const output = target.view;
  let done = 0;
  for (const last = length - STRIDE_BYTES; done <= last; done += STRIDE_BYTES) {
    output.setInt32(to + done, input.getInt32(from + done));
    output.setInt32(to + done + 4, input.getInt32(from + done + 4));
    output.setInt32(to + done + 8, input.getInt32(from + done + 8));
    output.setInt32(to + done + 12, input.getInt32(from + done + 12));
  }
  for (; done < length; done++) output.setUint8(to + done, input.getUint8(from + done));
}
