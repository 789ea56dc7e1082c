/** The recvmmsg dispatcher: a batch of frames a system call, as many slots as the batch; see recvmmsg.ts. */

import type { StatisticsBlock } from '../stack/statistics.ts';
import type { FrameSink } from './link-dispatcher.ts';
import { RecvmmsgReader } from './recvmmsg.ts';
import { SlotDispatcher, type SlotDispatcherParts } from './slot-dispatcher.ts';

/** Reads frames by the batch and delivers them one by one. */
export class RecvmmsgDispatcher extends SlotDispatcher {
  readonly mode = 'recvmmsg';
  readonly #reader: RecvmmsgReader;

  /**
   * @param parts with an arena of at most 1024 slots
   * @param canHangUp the fd is a connection-mode socket, whose zero-length results may mean hang-up
   */
  constructor(parts: SlotDispatcherParts, counters: StatisticsBlock, canHangUp: boolean) {
    super(parts);
    this.#reader = new RecvmmsgReader(parts.fd, parts.arena, counters, parts.intake.vnetHeaderBytes, canHangUp);
  }

  get isDrained(): boolean {
    return this.#reader.isDrained;
  }

  dispatch(sink: FrameSink, limit: number): number {
    if (this.failure < 0) return this.takeFailure();
    const asked = Math.min(limit, this.batch);
    const reader = this.#reader;
    let taken = 0;
    try {
      while (taken < asked) {
        const filled = reader.fill(0, Math.min(asked - taken, this.arena.slotCount));
        if (filled < 0) return taken === 0 ? filled : this.#keepFailure(filled, taken);
        this.#deliver(sink, filled);
        taken += filled;
        if (reader.isDrained || sink.isDetached === true) break;
      }
      return taken;
    } finally {
      reader.flush();
      this.intake.flush();
    }
  }

  override close(): void {
    super.close();
    this.#reader.close();
  }

  #keepFailure(failure: number, taken: number): number {
    if (!this.#reader.isDrained) this.failure = failure;
    return taken;
  }

  #deliver(sink: FrameSink, count: number): void {
    const { arena, intake, packet } = this;
    const reader = this.#reader;
    let slot = 0;
    try {
      while (slot < count) {
        const at = arena.frameStart(slot) - intake.vnetHeaderBytes;
        const end = at + reader.length(slot);
        const truncated = reader.isTruncated(slot);
        packet.base = arena.slotBase(slot);
        packet.limit = arena.frameLimit(slot);
        slot++;
        if (intake.admit(packet, at, end, truncated)) sink.deliverFrame(packet);
      }
    } finally {
      if (slot < count) intake.abandon(count - slot);
    }
  }
}
