/**
 * The readv dispatcher: one frame a system call, from any fd. One slot, read and delivered in turn, so that it stays in
 * the cache; see readv.ts for why one flat slot.
 *
 * Nothing is between the call and the delivery but the intake: at one call a frame, each step costs 10 to 20 ns.
 */

import { ERRNO } from '../native/errno.ts';
import { read } from '../native/io.ts';
import { Counter, type StatisticsBlock } from '../stack/statistics.ts';
import { isHungUp } from './hangup.ts';
import { type FrameSink, HANGUP } from './link-dispatcher.ts';
import { SlotDispatcher, type SlotDispatcherParts } from './slot-dispatcher.ts';

/** Reads and delivers frames one by one. */
export class ReadvDispatcher extends SlotDispatcher {
  readonly mode = 'readv';
  isDrained = false;
  readonly #counters: StatisticsBlock;
  readonly #canHangUp: boolean;
  /** Where the slot's virtio-net header or frame begins. */
  readonly #at: number;
  readonly #address: number;
  readonly #readBytes: number;

  /**
   * @param parts with an arena of one slot
   * @param canHangUp the fd is a connection-mode socket, whose zero-length results may mean hang-up
   */
  constructor(parts: SlotDispatcherParts, counters: StatisticsBlock, canHangUp: boolean) {
    super(parts);
    const { arena, intake } = parts;
    this.#counters = counters;
    this.#canHangUp = canHangUp;
    this.#at = arena.frameStart(0) - intake.vnetHeaderBytes;
    this.#address = arena.address + this.#at;
    this.#readBytes = intake.vnetHeaderBytes + arena.capacityBytes + 1; // the spare byte tells a truncated frame
  }

  dispatch(sink: FrameSink, limit: number): number {
    if (this.failure < 0) return this.takeFailure();
    const { intake, packet } = this;
    const asked = Math.min(limit, this.batch);
    const at = this.#at;
    let taken = 0;
    let calls = 0;
    this.isDrained = false;
    try {
      while (taken < asked) {
        const length = read(this.fd, this.#address, this.#readBytes);
        calls++;
        if (length <= 0 && this.#isEnd(length)) return this.#end(length, taken);
        taken++;
        if (intake.admit(packet, at, at + length, length === this.#readBytes)) sink.deliverFrame(packet);
        if (sink.isDetached === true) break;
      }
      return taken;
    } finally {
      this.#counters.add(Counter.receiveSyscalls, calls);
      intake.flush();
    }
  }

  #isEnd(length: number): boolean {
    return length < 0 || (this.#canHangUp && isHungUp(this.fd));
  }

  #end(length: number, taken: number): number {
    const result = length < 0 ? length : HANGUP;
    this.isDrained = result === -ERRNO.EAGAIN;
    if (taken === 0) return result;
    if (!this.isDrained) this.failure = result;
    return taken;
  }
}
