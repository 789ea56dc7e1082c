/**
 * The recvmmsg reader: a batch of frames a system call, from sockets.
 *
 *     MessageTable          Arena
 *     mmsghdr 0 ─ iovec ──► slot 0   [headroom … vnet | frame | spare]
 *     mmsghdr 1 ─ iovec ──► slot 1
 *     ...                            message and slot have the same number, for good
 */

import { MSG_DONTWAIT, MSG_TRUNC } from '../native/constants.ts';
import { MessageTable } from '../native/vectors.ts';
import type { Arena } from '../stack/arena.ts';
import { Counter, type StatisticsBlock } from '../stack/statistics.ts';
import { isHungUp } from './hangup.ts';
import { HANGUP } from './link-dispatcher.ts';
import type { SlotReader } from './slot-reader.ts';

/** Reads frames in batches with recvmmsg(2). */
export class RecvmmsgReader implements SlotReader {
  isDrained = false;
  readonly #fd: number;
  readonly #counters: StatisticsBlock;
  readonly #table: MessageTable;
  readonly #readBytes: number;
  readonly #canHangUp: boolean;
  #calls = 0;
  #hungUp = false;

  /**
   * @param arena slots, bound to their address; at most 1024
   * @param canHangUp the fd is a connection-mode socket, whose zero-length results may mean hang-up
   */
  constructor(fd: number, arena: Arena, counters: StatisticsBlock, vnetHeaderBytes: number, canHangUp: boolean) {
    this.#fd = fd;
    this.#counters = counters;
    this.#canHangUp = canHangUp;
    this.#readBytes = vnetHeaderBytes + arena.capacityBytes + 1; // the spare byte tells a truncated frame
    this.#table = new MessageTable(arena.slotCount, 1);
    for (let slot = 0; slot < arena.slotCount; slot++) {
      const address = arena.address + arena.frameStart(slot) - vnetHeaderBytes;
      this.#table.setIovec(slot, 0, address, this.#readBytes);
    }
  }

  fill(first: number, count: number): number {
    if (this.#hungUp) return HANGUP;
    this.#calls++;
    const received = this.#table.receive(this.#fd, first, count, MSG_DONTWAIT);
    this.isDrained = received < count;
    if (received <= 0 || this.#table.length(first + received - 1) !== 0) return received;
    return this.#withoutEndOfFile(first, received);
  }

  length(slot: number): number {
    return this.#table.length(slot);
  }

  isTruncated(slot: number): boolean {
    return this.#table.length(slot) === this.#readBytes || (this.#table.flags(slot) & MSG_TRUNC) !== 0;
  }

  flush(): void {
    this.#counters.add(Counter.receiveSyscalls, this.#calls);
    this.#calls = 0;
  }

  close(): void {
    this.#table.close();
  }

  /**
   * End of file fills the rest of a batch with zero-length results, also behind frames. At hang-up those trailing zeros
   * are no datagrams: they are cut off, and the next fill reports the hang-up.
   */
  #withoutEndOfFile(first: number, received: number): number {
    if (!this.#canHangUp || !isHungUp(this.#fd)) return received;
    this.#hungUp = true;
    this.isDrained = false; // the runner must come back for the hang-up
    let count = received;
    while (count > 0 && this.#table.length(first + count - 1) === 0) count--;
    return count === 0 ? HANGUP : count;
  }
}
