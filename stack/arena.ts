/**
 * An arena: the one block of memory from which an endpoint and thread lends packets, cut into equal slots.
 *
 *     slot 0                                        slot 1
 *     ├──────────┬──────────────────────┬───┬─────┬┼──────────┬─────
 *     │ headroom │ frame capacity       │ 1 │ pad ││ headroom │ ...
 *     │ 128      │ capacity bytes       │   │     ││          │
 *     └──────────┴──────────────────────┴───┴─────┴┴──────────┴─────
 *                ^ frames are read to here   ^ spare byte: a result that reaches it was truncated
 *
 * The headroom lets a stack put link headers before a payload, and a forwarder grow a header, without moving bytes. It
 * is a whole number of cache lines, so that frames begin on one.
 */

/** Bytes before the frame of every slot: two cache lines, more than any link, IPv6 and tunnel header together. */
export const HEADROOM_BYTES = 128;

/** Slots begin on cache lines, so that two threads never share one. */
const CACHE_LINE_BYTES = 64;

/** The spare byte behind the capacity that tells a truncated frame from one that just fits. */
const SPARE_BYTES = 1;

/** Memory that packets point into: an arena, a kernel ring, or the private memory of a clone. */
export interface PacketMemory {
  /** All of the memory, for copies; lives as long as the memory, positions are absolute in it. */
  readonly bytes: Uint8Array;
  /** The same memory, for fields. */
  readonly view: DataView;
  /** Address of `bytes[0]` for system calls, or 0 while no FFI has bound it (writers then copy). */
  address: number;
}

/** A block of equal packet slots over one SharedArrayBuffer. */
export class Arena implements PacketMemory {
  /** To be posted to another thread, which opens the same slots with it. */
  readonly buffer: SharedArrayBuffer;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  address = 0;
  /** Number of slots. */
  readonly slotCount: number;
  /** Longest frame that a slot takes whole, in bytes. */
  readonly capacityBytes: number;
  /** Distance from one slot to the next, in bytes. */
  readonly slotBytes: number;

  /**
   * @param slotCount how many slots, at least 1
   * @param capacityBytes longest frame of a slot, in bytes, at least 1
   * @param buffer the memory of an arena of the same shape that another thread made; default: new memory
   * @throws RangeError when a count is not a positive integer, or the buffer is too small
   */
  constructor(slotCount: number, capacityBytes: number, buffer?: SharedArrayBuffer) {
    requirePositive('slotCount', slotCount);
    requirePositive('capacityBytes', capacityBytes);
    this.slotCount = slotCount;
    this.capacityBytes = capacityBytes;
    this.slotBytes = roundUp(HEADROOM_BYTES + capacityBytes + SPARE_BYTES, CACHE_LINE_BYTES);
    const byteLength = slotCount * this.slotBytes;
    const memory = buffer ?? new SharedArrayBuffer(byteLength);
    this.buffer = memory;
    this.bytes = new Uint8Array(memory, 0, byteLength);
    this.view = new DataView(memory, 0, byteLength);
  }

  /** Position of slot `index`'s first headroom byte. */
  slotBase(index: number): number {
    return index * this.slotBytes;
  }

  /** Position where slot `index`'s frame begins. */
  frameStart(index: number): number {
    return index * this.slotBytes + HEADROOM_BYTES;
  }

  /** Position just behind slot `index`'s capacity: the spare byte. */
  frameLimit(index: number): number {
    return index * this.slotBytes + HEADROOM_BYTES + this.capacityBytes;
  }
}

function requirePositive(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`Cannot create an arena: ${name} is ${value}; a positive integer is required`);
  }
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
