/**
 * What the inline dispatchers over slots share: the slots, one packet that is pointed at each of them in turn, and the
 * failure that a socket told behind frames.
 *
 * One packet and not one a slot: a loan ends before the next begins, and a packet that was just used is in the cache.
 */

import { pin, unpin } from '../native/memory.ts';
import type { Arena } from '../stack/arena.ts';
import { PacketBuffer } from '../stack/packet-buffer.ts';
import type { Intake } from './intake.ts';
import type { KernelDrops } from './kernel-drops.ts';
import type { DispatchMode, FrameSink, LinkDispatcher } from './link-dispatcher.ts';

/** Parts of a slot dispatcher. */
export interface SlotDispatcherParts {
  readonly fd: number;
  /** Most frames per `dispatch()`. */
  readonly batch: number;
  readonly arena: Arena;
  readonly intake: Intake;
  /** Null on sockets that the kernel keeps no statistics of. */
  readonly kernelDrops: KernelDrops | null;
}

/** Delivers frames that a system call has put into slots. */
export abstract class SlotDispatcher implements LinkDispatcher {
  readonly fd: number;
  abstract readonly mode: DispatchMode;
  abstract readonly isDrained: boolean;
  protected readonly batch: number;
  protected readonly arena: Arena;
  protected readonly intake: Intake;
  protected readonly packet: PacketBuffer;
  /** What ended the last batch behind frames, or 0: a socket tells an error once, so it waits for the next `dispatch()`. */
  protected failure = 0;
  readonly #kernelDrops: KernelDrops | null;
  #isOpen = true;

  /** Binds the arena to its address until `close()`. */
  constructor({ fd, batch, arena, intake, kernelDrops }: SlotDispatcherParts) {
    this.fd = fd;
    this.batch = batch;
    this.arena = arena;
    this.intake = intake;
    this.#kernelDrops = kernelDrops;
    arena.address = pin(arena.bytes);
    this.packet = new PacketBuffer(arena, 0, 0, arena.frameLimit(0));
  }

  get holdsResult(): boolean {
    return this.failure < 0;
  }

  abstract dispatch(sink: FrameSink, limit: number): number;

  takeError(): number {
    return 0;
  }

  collectKernelDrops(): void {
    if (this.#isOpen) this.#kernelDrops?.collect();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.collectKernelDrops();
    this.#isOpen = false;
    unpin(this.arena.bytes);
    this.arena.address = 0;
  }

  /** The kept failure, which is told now. */
  protected takeFailure(): number {
    const { failure } = this;
    this.failure = 0;
    return failure;
  }
}
