/**
 * Reads a QEMU stream: a LinkDispatcher whose batches are the frames of one read(2).
 *
 *     fd ── read ──► QemuFrames ──► Intake ──► FrameSink
 *
 * A frame is lent where it lies; what is before it in the buffer was consumed and serves as its headroom.
 */

import { Intake } from '../dispatch/intake.ts';
import { type DispatchMode, type FrameSink, HANGUP, type LinkDispatcher } from '../dispatch/link-dispatcher.ts';
import { ERRNO } from '../native/errno.ts';
import { read } from '../native/io.ts';
import { pin, unpin } from '../native/memory.ts';
import { HEADROOM_BYTES } from '../stack/arena.ts';
import { PacketBuffer } from '../stack/packet-buffer.ts';
import { Counter, type StatisticsBlock } from '../stack/statistics.ts';
import { INCOMPLETE, LENGTH_BYTES, MALFORMED, QemuFrames } from './qemu-frames.ts';

/** Most frames per `dispatch()`. */
const BATCH = 64;

/** Reads frames from a stream socket. Answers -EPROTO for good once the peer has announced an impossible frame. */
export class QemuReader implements LinkDispatcher {
  readonly fd: number;
  readonly mode: DispatchMode = 'readv';
  readonly #frames: QemuFrames;
  readonly #counters: StatisticsBlock;
  readonly #intake: Intake;
  readonly #packet: PacketBuffer;
  #tookAll = true;
  #isOpen = true;

  constructor(fd: number, maxFrameBytes: number, counters: StatisticsBlock) {
    this.fd = fd;
    this.#frames = new QemuFrames(maxFrameBytes);
    this.#counters = counters;
    this.#intake = new Intake(counters, 0, false);
    const { arena } = this.#frames;
    arena.address = pin(arena.bytes);
    this.#packet = new PacketBuffer(arena, 0, 0, arena.capacityBytes);
  }

  get isDrained(): boolean {
    return this.#tookAll && this.#frames.peek() === INCOMPLETE;
  }

  get holdsResult(): boolean {
    return this.#frames.peek() !== INCOMPLETE;
  }

  /** The length that the peer announced: what a -EPROTO is about. */
  get announcedBytes(): number {
    return this.#frames.announcedBytes;
  }

  dispatch(sink: FrameSink, limit: number): number {
    try {
      const result = this.#await();
      if (result < 0) return result;
      const most = Math.min(limit, BATCH);
      let taken = 0;
      for (let length = result; length >= 0 && taken < most; length = this.#frames.peek()) {
        taken++;
        this.#deliver(sink, length);
      }
      return taken;
    } finally {
      this.#intake.flush();
    }
  }

  /** Drops the whole frames that were read and not delivered, counted `detached`: there is no slot to leave them in. */
  discard(): void {
    for (let length = this.#frames.peek(); length >= 0; length = this.#frames.peek()) {
      this.#frames.release(length);
      this.#intake.abandon(1);
    }
    this.#intake.flush();
  }

  takeError(): number {
    return 0;
  }

  collectKernelDrops(): void {}

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    unpin(this.#frames.arena.bytes);
    this.#frames.arena.address = 0;
  }

  /** Reads until a frame is whole: its bytes, or -errno, or HANGUP. */
  #await(): number {
    const frames = this.#frames;
    let length = frames.peek();
    while (length === INCOMPLETE) {
      const room = frames.reserve();
      this.#counters.add(Counter.receiveSyscalls, 1);
      const count = read(this.fd, frames.arena.address + frames.end, room);
      this.#tookAll = count < room;
      if (count < 0) return count;
      if (count === 0) return this.#hangUp();
      frames.commit(count);
      length = frames.peek();
    }
    return length === MALFORMED ? -ERRNO.EPROTO : length;
  }

  /** Lends the frame. It is released first: a dispatcher that detaches discards what is *behind* it. */
  #deliver(sink: FrameSink, length: number): void {
    const packet = this.#packet;
    const start = this.#frames.frameStart;
    const end = start + length;
    this.#frames.release(length);
    packet.base = start - HEADROOM_BYTES;
    packet.limit = end;
    if (this.#intake.admit(packet, start, end, false)) sink.deliverFrame(packet);
  }

  /** A frame that was under way will never be whole. */
  #hangUp(): number {
    if (this.#frames.pendingBytes > LENGTH_BYTES) this.#intake.lose(Counter.truncated);
    return HANGUP;
  }
}
