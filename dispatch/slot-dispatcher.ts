/**
 * The inline dispatcher over slots: fill, admit, deliver, and the slots are free again.
 *
 * With readv there is one slot, read and delivered in turn, so that it stays in the cache; with recvmmsg there are as
 * many as the batch.
 */

import { pin, unpin } from '../native/memory.ts';
import type { Arena } from '../stack/arena.ts';
import { PacketPool } from '../stack/packet-pool.ts';
import type { Intake } from './intake.ts';
import type { KernelDrops } from './kernel-drops.ts';
import type { DispatchMode, FrameSink, LinkDispatcher } from './link-dispatcher.ts';
import type { SlotReader } from './slot-reader.ts';

/** Parts of a slot dispatcher. */
export interface SlotDispatcherParts {
  readonly fd: number;
  readonly mode: DispatchMode;
  /** Most frames per `dispatch()`. */
  readonly batch: number;
  readonly arena: Arena;
  readonly intake: Intake;
  /** Null on sockets that the kernel keeps no statistics of. */
  readonly kernelDrops: KernelDrops | null;
}

/** Delivers the frames that a slot reader reads. */
export class SlotDispatcher implements LinkDispatcher {
  readonly fd: number;
  readonly mode: DispatchMode;
  readonly #parts: SlotDispatcherParts;
  readonly #reader: SlotReader;
  readonly #pool: PacketPool;
  #failure = 0;
  #isOpen = true;

  /** @param makeReader is called when the arena has been bound to its address */
  constructor(parts: SlotDispatcherParts, makeReader: () => SlotReader) {
    this.fd = parts.fd;
    this.mode = parts.mode;
    this.#parts = parts;
    parts.arena.address = pin(parts.arena.bytes);
    this.#reader = makeReader();
    this.#pool = new PacketPool(parts.arena);
  }

  get isDrained(): boolean {
    return this.#reader.isDrained;
  }

  dispatch(sink: FrameSink, limit: number): number {
    const { batch, arena, intake } = this.#parts;
    const asked = Math.min(limit, batch);
    let taken = 0;
    if (this.#failure < 0) return this.#takeFailure();
    try {
      while (taken < asked) {
        const filled = this.#reader.fill(0, Math.min(asked - taken, arena.slotCount));
        if (filled < 0) return taken === 0 ? filled : this.#keepFailure(filled, taken);
        this.#deliver(sink, filled);
        taken += filled;
        if (this.#reader.isDrained || sink.isDetached === true) break;
      }
      return taken;
    } finally {
      this.#reader.flush();
      intake.flush();
    }
  }

  takeError(): number {
    return 0;
  }

  collectKernelDrops(): void {
    if (this.#isOpen) this.#parts.kernelDrops?.collect();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.collectKernelDrops();
    this.#isOpen = false;
    this.#reader.close();
    unpin(this.#parts.arena.bytes);
    this.#parts.arena.address = 0;
  }

  /** A socket tells an error once: behind frames, it must wait for the next `dispatch()`. */
  #keepFailure(failure: number, taken: number): number {
    if (!this.#reader.isDrained) this.#failure = failure;
    return taken;
  }

  #takeFailure(): number {
    const failure = this.#failure;
    this.#failure = 0;
    return failure;
  }

  #deliver(sink: FrameSink, count: number): void {
    const { arena, intake } = this.#parts;
    const reader = this.#reader;
    let slot = 0;
    try {
      while (slot < count) {
        const packet = this.#pool.at(slot);
        const at = arena.frameStart(slot) - intake.vnetHeaderBytes;
        const end = at + reader.length(slot);
        const truncated = reader.isTruncated(slot++);
        if (intake.admit(packet, at, end, truncated)) sink.deliverFrame(packet);
      }
    } finally {
      if (slot < count) intake.abandon(count - slot);
    }
  }
}
