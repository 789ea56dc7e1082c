/**
 * The recvmmsg dispatcher: a batch of frames a system call, from sockets.
 *
 *     MessageTable          Arena
 *     mmsghdr 0 ─ iovec ──► slot 0   [headroom … vnet | frame | spare]
 *     mmsghdr 1 ─ iovec ──► slot 1
 *     ...                            every slot is lent during the batch and free after it
 */

import { MSG_DONTWAIT, MSG_TRUNC } from '../native/constants.ts';
import { pin, unpin } from '../native/memory.ts';
import { MessageTable } from '../native/vectors.ts';
import { Arena } from '../stack/arena.ts';
import { PacketPool } from '../stack/packet-pool.ts';
import type { StatisticsBlock } from '../stack/statistics.ts';
import { isHungUp } from './hangup.ts';
import type { Intake } from './intake.ts';
import { KernelDrops } from './kernel-drops.ts';
import { type FrameSink, HANGUP, type LinkDispatcher } from './link-dispatcher.ts';

/** What kind of socket a dispatcher reads: it decides about hang-up and kernel statistics. */
export interface SocketKind {
  /** Connection-mode: zero-length results may mean hang-up. */
  readonly canHangUp: boolean;
  /** AF_PACKET: the kernel counts what it drops. */
  readonly isPacketSocket: boolean;
}

/** Reads frames in batches with recvmmsg(2). */
export class RecvmmsgDispatcher implements LinkDispatcher {
  readonly fd: number;
  readonly mode = 'recvmmsg';
  isDrained = false;

  readonly #intake: Intake;
  readonly #batch: number;
  readonly #canHangUp: boolean;
  readonly #arena: Arena;
  readonly #pool: PacketPool;
  readonly #table: MessageTable;
  readonly #readBytes: number;
  readonly #kernelDrops: KernelDrops | null;
  #hungUp = false;
  #isOpen = true;

  /**
   * @param capacityBytes longest frame, in bytes, virtio-net header excluded
   * @param batch slots, and so the most frames per system call
   */
  constructor(
    fd: number,
    intake: Intake,
    counters: StatisticsBlock,
    geometry: { capacityBytes: number; batch: number },
    kind: SocketKind,
  ) {
    this.fd = fd;
    this.#intake = intake;
    this.#batch = geometry.batch;
    this.#canHangUp = kind.canHangUp;
    this.#kernelDrops = kind.isPacketSocket ? new KernelDrops(fd, counters) : null;
    this.#arena = new Arena(geometry.batch, geometry.capacityBytes);
    this.#arena.address = pin(this.#arena.bytes);
    this.#pool = new PacketPool(this.#arena);
    this.#readBytes = intake.vnetHeaderBytes + geometry.capacityBytes + 1; // the spare byte tells a truncated frame
    this.#table = new MessageTable(geometry.batch, 1);
    for (let slot = 0; slot < geometry.batch; slot++) {
      this.#table.setIovec(slot, 0, this.#arena.address + this.#slotAt(slot), this.#readBytes);
    }
  }

  dispatch(sink: FrameSink, limit: number): number {
    if (this.#hungUp) return HANGUP;
    const asked = Math.min(limit, this.#batch);
    this.#intake.countSyscall();
    const received = this.#table.receive(this.fd, 0, asked, MSG_DONTWAIT);
    this.isDrained = received < asked;
    const count = received > 0 && this.#table.length(received - 1) === 0 ? this.#withoutEndOfFile(received) : received;
    try {
      this.#deliver(sink, count);
    } finally {
      this.#intake.flush();
    }
    return count === 0 ? HANGUP : count;
  }

  takeError(): number {
    return 0;
  }

  collectKernelDrops(): void {
    if (this.#isOpen) this.#kernelDrops?.collect();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#table.close();
    unpin(this.#arena.bytes);
    this.#arena.address = 0;
  }

  #deliver(sink: FrameSink, count: number): void {
    let slot = 0;
    try {
      while (slot < count) {
        const packet = this.#pool.at(slot);
        const length = this.#table.length(slot);
        const truncated = length === this.#readBytes || (this.#table.flags(slot) & MSG_TRUNC) !== 0;
        const at = this.#slotAt(slot++);
        if (this.#intake.admit(packet, at, at + length, truncated)) sink.deliverFrame(packet);
      }
    } finally {
      if (slot < count) this.#intake.abandon(count - slot);
    }
  }

  /**
   * End of file fills the rest of a batch with zero-length results, also behind frames. At hang-up those trailing zeros
   * are no datagrams: they are cut off, and the next `dispatch()` reports the hang-up.
   */
  #withoutEndOfFile(received: number): number {
    if (!this.#canHangUp || !isHungUp(this.fd)) return received;
    this.#hungUp = true;
    this.isDrained = false; // the runner must come back for the hang-up
    let count = received;
    while (count > 0 && this.#table.length(count - 1) === 0) count--;
    return count;
  }

  #slotAt(slot: number): number {
    return this.#arena.frameStart(slot) - this.#intake.vnetHeaderBytes;
  }
}
