/**
 * The packets of an arena: one PacketBuffer per slot, made once.
 *
 * Packets are allocated from the free list: the slot is the caller's until `release()`. What is received needs no pool:
 * a reader points one packet at its slots in turn, for a loan ends before the next begins.
 *
 * With LINKPOINT_DEBUG=1 a fresh guard stands between the caller and the packet for every loan; once the loan has
 * ended, any access through the guard throws UseAfterReturnError, for good.
 */

import { UseAfterReturnError } from '../errors.ts';
import { type Arena, HEADROOM_BYTES } from './arena.ts';
import { PacketBuffer, type PacketOwner } from './packet-buffer.ts';

const DEBUG = typeof process !== 'undefined' && process.env['LINKPOINT_DEBUG'] === '1';

/** All packets of one arena. */
export class PacketPool implements PacketOwner {
  readonly arena: Arena;
  readonly #packets: PacketBuffer[] = [];
  readonly #free: Int32Array;
  #freeCount = 0;

  constructor(arena: Arena) {
    this.arena = arena;
    this.#free = new Int32Array(arena.slotCount);
    for (let slot = 0; slot < arena.slotCount; slot++) {
      this.#packets.push(new PacketBuffer(arena, slot, arena.slotBase(slot), arena.frameLimit(slot)));
      this.#free[this.#freeCount++] = arena.slotCount - 1 - slot;
    }
  }

  /** Slots that `allocate` can still give. */
  get freeCount(): number {
    return this.#freeCount;
  }

  /** The packet of slot `index`. */
  at(index: number): PacketBuffer {
    return this.#packets[index] as PacketBuffer;
  }

  /**
   * Takes a free slot for a packet of `payloadBytes` behind the whole headroom: `start` and `networkOffset` are at the
   * payload, `end` behind it; its bytes are what the slot's last user left.
   * @returns null when no slot is free or the payload does not fit
   */
  allocate(payloadBytes: number): PacketBuffer | null {
    if (this.#freeCount === 0 || payloadBytes > this.arena.capacityBytes) return null;
    const slot = this.#free[--this.#freeCount] as number;
    const packet = this.at(slot);
    const start = packet.base + HEADROOM_BYTES;
    packet.repoint(start, start + payloadBytes);
    packet.networkOffset = start;
    packet.owner = this;
    return guardAllocated(packet);
  }

  /** Takes an allocated packet back; a second release of the same allocation has no effect. */
  reclaim(packet: PacketBuffer): void {
    if (packet.owner !== this) return;
    this.#free[this.#freeCount++] = packet.slot;
    packet.owner = null;
    packet.generation++; // last: a guard of this loan is dead from here on
  }
}

/**
 * The packet as it is lent for one delivery: itself, or with LINKPOINT_DEBUG=1 a guard that dies with the delivery.
 * The lender calls `endLoan` with the packet itself when the delivery has returned.
 *
 * Loans nest: a lent or allocated packet that is injected into another endpoint is lent once more, and stays valid for
 * its first borrower when the inner delivery has returned. So a loan is a token of its own, not a generation.
 */
export const lend: (packet: PacketBuffer) => PacketBuffer = DEBUG ? openLoan : (packet) => packet;

/** Ends the last loan of a packet: the guard that was handed out for it is dead from now on. */
export const endLoan: (packet: PacketBuffer) => void = DEBUG ? closeLoan : () => {};

/**
 * An allocated packet as its caller gets it: itself, or with LINKPOINT_DEBUG=1 a guard that dies with the allocation.
 * For owners, which increment `generation` when they take the packet back.
 */
export const guardAllocated: (packet: PacketBuffer) => PacketBuffer = DEBUG ? guardAllocation : (packet) => packet;

interface Loan {
  isOver: boolean;
}

const loans = new WeakMap<PacketBuffer, Loan[]>();

function openLoan(packet: PacketBuffer): PacketBuffer {
  const loan = { isOver: false };
  const open = loans.get(packet);
  if (open === undefined) loans.set(packet, [loan]);
  else open.push(loan);
  return guarded(packet, () => loan.isOver);
}

function closeLoan(packet: PacketBuffer): void {
  const loan = loans.get(packet)?.pop();
  if (loan !== undefined) loan.isOver = true;
}

function guardAllocation(packet: PacketBuffer): PacketBuffer {
  const { generation } = packet;
  return guarded(packet, () => packet.generation !== generation);
}

function guarded(packet: PacketBuffer, isOver: () => boolean): PacketBuffer {
  const check = (field: string | symbol): void => {
    if (isOver()) throw new UseAfterReturnError(String(field));
  };
  return new Proxy(packet, {
    get(target, field): unknown {
      check(field);
      return Reflect.get(target, field, target);
    },
    set(target, field, value): boolean {
      check(field);
      return Reflect.set(target, field, value, target);
    },
  });
}
