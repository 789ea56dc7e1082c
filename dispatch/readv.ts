/**
 * The readv dispatcher: one frame a system call, from any fd. For TUN and TAP, whose fds are no sockets.
 *
 * gVisor scatters each frame over ten iovecs to save memory; one flat slot and plain read(2) is 17 to 26 % cheaper and
 * keeps the frame contiguous. The one slot is read, delivered and read again, so that it stays in the cache.
 */

import { ERRNO } from '../native/errno.ts';
import { read } from '../native/io.ts';
import { pin, unpin } from '../native/memory.ts';
import { Arena } from '../stack/arena.ts';
import { PacketPool } from '../stack/packet-pool.ts';
import { isHungUp } from './hangup.ts';
import type { Intake } from './intake.ts';
import { type FrameSink, HANGUP, type LinkDispatcher } from './link-dispatcher.ts';

/** Reads frames one by one with read(2). */
export class ReadvDispatcher implements LinkDispatcher {
  readonly fd: number;
  readonly mode = 'readv';
  isDrained = false;

  readonly #intake: Intake;
  readonly #batch: number;
  readonly #canHangUp: boolean;
  readonly #arena: Arena;
  readonly #pool: PacketPool;
  readonly #at: number;
  readonly #address: number;
  readonly #readBytes: number;
  #isOpen = true;

  /**
   * @param capacityBytes longest frame, in bytes, virtio-net header excluded
   * @param batch most frames per `dispatch()`
   * @param canHangUp the fd is a connection-mode socket, whose zero-length results may mean hang-up
   */
  constructor(fd: number, intake: Intake, capacityBytes: number, batch: number, canHangUp: boolean) {
    this.fd = fd;
    this.#intake = intake;
    this.#batch = batch;
    this.#canHangUp = canHangUp;
    this.#arena = new Arena(1, capacityBytes);
    this.#arena.address = pin(this.#arena.bytes);
    this.#pool = new PacketPool(this.#arena);
    this.#at = this.#arena.frameStart(0) - intake.vnetHeaderBytes;
    this.#address = this.#arena.address + this.#at;
    this.#readBytes = intake.vnetHeaderBytes + capacityBytes + 1; // the spare byte tells a truncated frame
  }

  dispatch(sink: FrameSink, limit: number): number {
    try {
      return this.#read(sink, Math.min(limit, this.#batch));
    } finally {
      this.#intake.flush();
    }
  }

  #read(sink: FrameSink, limit: number): number {
    const packet = this.#pool.at(0);
    let frames = 0;
    this.isDrained = false;
    while (frames < limit) {
      this.#intake.countSyscall();
      const length = read(this.fd, this.#address, this.#readBytes);
      if (length < 0 || (length === 0 && this.#canHangUp && isHungUp(this.fd))) {
        this.isDrained = length === -ERRNO.EAGAIN;
        if (frames > 0) break; // what was taken is reported first; an end will be met again by the next call
        return length === 0 ? HANGUP : length;
      }
      frames++;
      if (this.#intake.admit(packet, this.#at, this.#at + length, length === this.#readBytes)) sink.deliverFrame(packet);
    }
    return frames;
  }

  takeError(): number {
    return 0;
  }

  collectKernelDrops(): void {}

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    unpin(this.#arena.bytes);
    this.#arena.address = 0;
  }
}
