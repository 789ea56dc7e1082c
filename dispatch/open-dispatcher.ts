/** The link dispatcher for an fd, by mode. */

import type { VnetHeaderBytes } from '../gso/virtio-net-header.ts';
import type { StatisticsBlock } from '../stack/statistics.ts';
import { Intake } from './intake.ts';
import type { DispatchMode, LinkDispatcher } from './link-dispatcher.ts';
import { PacketMmapDispatcher, type RingGeometry } from './packet-mmap.ts';
import { ReadvDispatcher } from './readv.ts';
import { RecvmmsgDispatcher } from './recvmmsg.ts';

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
  const { fd, mode, capacityBytes, batch } = options;
  const intake = new Intake(counters, options.vnetHeaderBytes, options.deliverTruncated);
  if (mode === 'readv') return new ReadvDispatcher(fd, intake, capacityBytes, batch, options.canHangUp);
  if (mode === 'recvmmsg') return new RecvmmsgDispatcher(fd, intake, counters, { capacityBytes, batch }, options);
  return new PacketMmapDispatcher(fd, intake, counters, options.ring, batch);
}
