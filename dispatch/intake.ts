/**
 * Intake: what a system call left in memory becomes a lent packet, or a counted drop.
 *
 *     ├── headroom ─────┬─ vnet ─┬─ frame ───────────────────┬───┤
 *                       at       packet.start                packet.end = at + received bytes
 *
 * The virtio-net header is read into the last bytes of the headroom, so that the frame itself begins where it always
 * begins and one flat read takes both.
 */

import { decode, type VnetHeaderBytes } from '../gso/virtio-net-header.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';
import { Counter, type StatisticsBlock } from '../stack/statistics.ts';

/** Counts and checks the frames of one fd. Counters are written once per batch, by `flush`. */
export class Intake {
  readonly vnetHeaderBytes: VnetHeaderBytes;
  readonly #counters: StatisticsBlock;
  readonly #deliverTruncated: boolean;
  #frames = 0;
  #bytes = 0;
  #superPackets = 0;
  #syscalls = 0;

  constructor(counters: StatisticsBlock, vnetHeaderBytes: VnetHeaderBytes, deliverTruncated: boolean) {
    this.#counters = counters;
    this.vnetHeaderBytes = vnetHeaderBytes;
    this.#deliverTruncated = deliverTruncated;
  }

  /**
   * Points `packet` at the bytes from `at` (the virtio-net header where there is one) to `end`.
   * @returns false when the frame was counted as a drop and must not be delivered
   */
  admit(packet: PacketBuffer, at: number, end: number, truncated: boolean): boolean {
    const start = at + this.vnetHeaderBytes;
    this.#frames++;
    if (end <= start) return this.#drop(end === at ? Counter['empty-datagram'] : Counter.runt);
    this.#bytes += end - start;
    packet.repoint(start, end);
    if (this.vnetHeaderBytes !== 0) {
      if (!decode(packet.view, at, packet) && !truncated) return this.#drop(Counter['bad-vnet-header']);
      if (packet.gsoType !== 'none') this.#superPackets++;
    }
    if (truncated) {
      if (!this.#deliverTruncated) return this.#drop(Counter.truncated);
      packet.truncated = true;
    }
    return true;
  }

  /** Counts one system call of the batch. */
  countSyscall(): void {
    this.#syscalls++;
  }

  /** Counts frames of a batch that an exception left undelivered. */
  abandon(frameCount: number): void {
    this.#frames += frameCount;
    this.#counters.add(Counter.detached, frameCount);
  }

  /** Writes the batch to the counters. */
  flush(): void {
    const counters = this.#counters;
    if (this.#frames !== 0) {
      counters.add(Counter.receivedPackets, this.#frames);
      counters.add(Counter.receivedBytes, this.#bytes);
      counters.addBatch(this.#frames);
      if (this.#superPackets !== 0) counters.add(Counter.receivedSuperPackets, this.#superPackets);
    }
    counters.add(Counter.receiveSyscalls, this.#syscalls);
    this.#frames = 0;
    this.#bytes = 0;
    this.#superPackets = 0;
    this.#syscalls = 0;
  }

  #drop(reason: number): false {
    this.#counters.add(reason, 1);
    return false;
  }
}
