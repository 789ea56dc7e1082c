/**
 * Where a ring worker's frames come from: a slot reader that fills ring slots directly, or a packet-mmap ring whose
 * frames are copied out of their block, for a block cannot wait for another thread without holding up the kernel.
 */

import { pin, unpin } from '../native/memory.ts';
import { Arena } from '../stack/arena.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';
import type { StatisticsBlock } from '../stack/statistics.ts';
import { LinkStatistics } from '../stack/statistics.ts';
import { Intake } from './intake.ts';
import { KernelDrops } from './kernel-drops.ts';
import type { FrameSink } from './link-dispatcher.ts';
import { openSlotReader, type ReceiveOptions } from './open-dispatcher.ts';
import { PacketMmapDispatcher } from './packet-mmap.ts';
import type { RingProducer } from './ring.ts';
import { TRUNCATED, VALIDATED } from './ring-layout.ts';

/** Puts frames into reserved slots and describes them. */
export interface RingSource {
  /** @returns slots filled and described from `first` on; -errno or HANGUP when none was */
  fill(first: number, count: number): number;
  /** As LinkDispatcher.takeError. */
  takeError(): number;
  collectKernelDrops(): void;
  close(): void;
}

/** Opens the source that `options.mode` asks for, over the ring's slots. */
export function openRingSource(
  options: ReceiveOptions,
  arena: Arena,
  ring: RingProducer,
  counters: StatisticsBlock,
): RingSource {
  return options.mode === 'packet-mmap'
    ? new CopyingSource(options, arena, ring, counters)
    : new DirectSource(options, arena, ring, counters);
}

/** The kernel writes into the ring's slots. */
class DirectSource implements RingSource {
  readonly #arena: Arena;
  readonly #ring: RingProducer;
  readonly #reader: ReturnType<typeof openSlotReader>;
  readonly #batch: number;
  readonly #kernelDrops: KernelDrops | null;

  constructor(options: ReceiveOptions, arena: Arena, ring: RingProducer, counters: StatisticsBlock) {
    this.#arena = arena;
    this.#ring = ring;
    this.#batch = options.batch;
    arena.address = pin(arena.bytes);
    this.#reader = openSlotReader(options, arena, counters);
    this.#kernelDrops = options.isPacketSocket ? new KernelDrops(options.fd, counters) : null;
  }

  fill(first: number, count: number): number {
    const filled = this.#reader.fill(first, Math.min(count, this.#batch));
    this.#reader.flush();
    for (let slot = first; slot < first + filled; slot++) {
      this.#ring.describe(slot, this.#reader.length(slot), this.#reader.isTruncated(slot) ? TRUNCATED : 0);
    }
    return filled;
  }

  takeError(): number {
    return 0;
  }

  collectKernelDrops(): void {
    this.#kernelDrops?.collect();
  }

  close(): void {
    this.#reader.close();
    unpin(this.#arena.bytes);
  }
}

/** Frames are copied from a packet-mmap block into the ring's slots, as they are, virtio-net header included. */
class CopyingSource implements RingSource, FrameSink {
  readonly #arena: Arena;
  readonly #ring: RingProducer;
  readonly #dispatcher: PacketMmapDispatcher;
  readonly #vnetHeaderBytes: number;
  #slot = 0;

  constructor(options: ReceiveOptions, arena: Arena, ring: RingProducer, counters: StatisticsBlock) {
    this.#arena = arena;
    this.#ring = ring;
    this.#vnetHeaderBytes = options.vnetHeaderBytes;
    // The consumer's intake counts and judges the frames; this one only passes them on, so its counters are scratch.
    const scratch = new LinkStatistics(1).block(0);
    const intake = Intake.passing(scratch, options.vnetHeaderBytes);
    this.#dispatcher = new PacketMmapDispatcher(options.fd, intake, counters, options.ring, options.batch);
  }

  fill(first: number, count: number): number {
    this.#slot = first;
    return this.#dispatcher.dispatch(this, count);
  }

  deliverFrame(packet: PacketBuffer): void {
    const slot = this.#slot++;
    const at = this.#arena.frameStart(slot) - this.#vnetHeaderBytes;
    const room = this.#vnetHeaderBytes + this.#arena.capacityBytes;
    const length = Math.min(packet.length, room);
    this.#arena.bytes.set(packet.bytes.subarray(packet.start, packet.start + length), at);
    const truncated = packet.truncated || length < packet.length;
    const flags = (truncated ? TRUNCATED : 0) | (packet.checksum === 'validated' ? VALIDATED : 0);
    this.#ring.describe(slot, length, flags);
  }

  takeError(): number {
    return this.#dispatcher.takeError();
  }

  collectKernelDrops(): void {
    this.#dispatcher.collectKernelDrops();
  }

  close(): void {
    this.#dispatcher.close();
  }
}
