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
  #passes = false;
  #frames = 0;
  #bytes = 0;
  #superPackets = 0;

  constructor(counters: StatisticsBlock, vnetHeaderBytes: VnetHeaderBytes, deliverTruncated: boolean) {
    this.#counters = counters;
    this.vnetHeaderBytes = vnetHeaderBytes;
    this.#deliverTruncated = deliverTruncated;
  }

  /**
   * An intake that judges nothing: every frame is admitted with its virtio-net header still before it, undecoded, for
   * another intake to judge.
   */
  static passing(counters: StatisticsBlock, vnetHeaderBytes: VnetHeaderBytes): Intake {
    const intake = new Intake(counters, vnetHeaderBytes, true);
    intake.#passes = true;
    return intake;
  }

  /**
   * Points `packet` at the bytes from `at` (the virtio-net header where there is one) to `end`.
   * @returns false when the frame was counted as a drop and must not be delivered
   */
  admit(packet: PacketBuffer, at: number, end: number, truncated: boolean): boolean {
    if (this.#passes) return pass(packet, at, end, truncated);
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

  /** Counts frames of a batch that an exception left undelivered. */
  abandon(frameCount: number): void {
    this.#frames += frameCount;
    this.#counters.add(Counter.detached, frameCount);
  }

  /** Counts a frame that came and will never be judged. */
  lose(reason: number): void {
    this.#frames++;
    this.#drop(reason);
  }

  /** Writes the batch to the counters. */
  flush(): void {
    if (this.#frames === 0) return;
    const counters = this.#counters;
    counters.add(Counter.receivedPackets, this.#frames);
    counters.add(Counter.receivedBytes, this.#bytes);
    counters.addBatch(this.#frames);
    if (this.#superPackets !== 0) counters.add(Counter.receivedSuperPackets, this.#superPackets);
    this.#frames = 0;
    this.#bytes = 0;
    this.#superPackets = 0;
  }

  #drop(reason: number): false {
    this.#counters.add(reason, 1);
    return false;
  }
}

function pass(packet: PacketBuffer, at: number, end: number, truncated: boolean): true {
  packet.repoint(at, end);
  packet.truncated = truncated;
  return true;
}
