/**
 * The readv reader of ring workers: one frame a system call, from any fd. For TUN and TAP, whose fds are no sockets.
 *
 * gVisor scatters each frame over ten iovecs to save memory; one flat slot and plain read(2) is 17 to 26 % cheaper and
 * keeps the frame contiguous.
 */

import { ERRNO } from '../native/errno.ts';
import { read } from '../native/io.ts';
import type { Arena } from '../stack/arena.ts';
import { Counter, type StatisticsBlock } from '../stack/statistics.ts';
import { isHungUp } from './hangup.ts';
import { HANGUP } from './link-dispatcher.ts';
import type { SlotReader } from './slot-reader.ts';

/** Reads frames one by one with read(2). */
export class ReadvReader implements SlotReader {
  isDrained = false;
  readonly #fd: number;
  readonly #arena: Arena;
  readonly #counters: StatisticsBlock;
  readonly #vnetHeaderBytes: number;
  readonly #readBytes: number;
  readonly #canHangUp: boolean;
  readonly #lengths: Int32Array;
  #calls = 0;
  /** What ended the last `fill` behind frames: a socket tells an error once. */
  #failure = 0;

  /**
   * @param arena slots, bound to their address
   * @param canHangUp the fd is a connection-mode socket, whose zero-length results may mean hang-up
   */
  constructor(fd: number, arena: Arena, counters: StatisticsBlock, vnetHeaderBytes: number, canHangUp: boolean) {
    this.#fd = fd;
    this.#arena = arena;
    this.#counters = counters;
    this.#vnetHeaderBytes = vnetHeaderBytes;
    this.#readBytes = vnetHeaderBytes + arena.capacityBytes + 1; // the spare byte tells a truncated frame
    this.#canHangUp = canHangUp;
    this.#lengths = new Int32Array(arena.slotCount);
  }

  fill(first: number, count: number): number {
    let filled = 0;
    let result = this.#failure;
    this.#failure = 0;
    if (result < 0) return result;
    while (filled < count) {
      result = this.#read(first + filled);
      if (result < 0) break;
      this.#lengths[first + filled] = result;
      filled++;
    }
    this.isDrained = result === -ERRNO.EAGAIN;
    this.#calls += result < 0 ? filled + 1 : filled;
    if (filled === 0) return result;
    if (result < 0 && !this.isDrained) this.#failure = result;
    return filled;
  }

  length(slot: number): number {
    return this.#lengths[slot] as number;
  }

  isTruncated(slot: number): boolean {
    return this.#lengths[slot] === this.#readBytes;
  }

  flush(): void {
    this.#counters.add(Counter.receiveSyscalls, this.#calls);
    this.#calls = 0;
  }

  close(): void {}

  #read(slot: number): number {
    const address = this.#arena.address + this.#arena.frameStart(slot) - this.#vnetHeaderBytes;
    const length = read(this.#fd, address, this.#readBytes);
    return length === 0 && this.#canHangUp && isHungUp(this.#fd) ? HANGUP : length;
  }
}
