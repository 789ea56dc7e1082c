/** The link dispatcher for an fd, by mode. */

import type { VnetHeaderBytes } from '../gso/virtio-net-header.ts';
import { Arena } from '../stack/arena.ts';
import type { StatisticsBlock } from '../stack/statistics.ts';
import { Intake } from './intake.ts';
import { KernelDrops } from './kernel-drops.ts';
import type { DispatchMode, LinkDispatcher } from './link-dispatcher.ts';
import { PacketMmapDispatcher } from './packet-mmap.ts';
import { ReadvReader } from './readv.ts';
import { ReadvDispatcher } from './readv-dispatcher.ts';
import { RecvmmsgReader } from './recvmmsg.ts';
import { RecvmmsgDispatcher } from './recvmmsg-dispatcher.ts';
import type { RingGeometry } from './rx-ring.ts';
import type { SlotReader } from './slot-reader.ts';

/** What there is to know for reading one fd. Plain data: it crosses to workers. */
export interface ReceiveOptions {
  readonly fd: number;
  readonly mode: DispatchMode;
  readonly vnetHeaderBytes: VnetHeaderBytes;
  /** Connection-mode socket: zero-length results may mean hang-up. */
  readonly canHangUp: boolean;
  readonly isPacketSocket: boolean;
  /** Longest frame, in bytes. */
  readonly capacityBytes: number;
  /** Most frames per batch. */
  readonly batch: number;
  readonly deliverTruncated: boolean;
  readonly ring: RingGeometry;
}

/**
 * Opens the dispatcher of `options.mode`.
 * @param counters of the thread that will call it
 */
export function openDispatcher(options: ReceiveOptions, counters: StatisticsBlock): LinkDispatcher {
  const { fd, mode, vnetHeaderBytes, batch } = options;
  const intake = new Intake(counters, vnetHeaderBytes, options.deliverTruncated);
  if (mode === 'packet-mmap') return new PacketMmapDispatcher(fd, intake, counters, options.ring, batch);
  const arena = new Arena(mode === 'readv' ? 1 : batch, options.capacityBytes);
  const kernelDrops = options.isPacketSocket ? new KernelDrops(fd, counters) : null;
  const Dispatcher = mode === 'readv' ? ReadvDispatcher : RecvmmsgDispatcher;
  return new Dispatcher({ fd, batch, arena, intake, kernelDrops }, counters, options.canHangUp);
}

/** The slot reader of mode readv or recvmmsg over an arena that is bound to its address. */
export function openSlotReader(options: ReceiveOptions, arena: Arena, counters: StatisticsBlock): SlotReader {
  const Reader = options.mode === 'readv' ? ReadvReader : RecvmmsgReader;
  return new Reader(options.fd, arena, counters, options.vnetHeaderBytes, options.canHangUp);
}
