/**
 * Counters of a NIC: what became of the packets between the endpoint and the protocol handlers.
 *
 * Bytes, batches and system calls are the endpoint's to count (statistics.ts). Two invariants:
 *
 *     receivedPackets            = deliveredPackets + inbound drops
 *     packets written (accepted) = transmittedPackets + outbound drops
 */

import { StatisticsBlock } from './statistics.ts';

const COUNTER_NAMES = [
  /** Packets that the endpoint delivered, whatever became of them. */
  'receivedPackets',
  /** Packets handed to a protocol handler. */
  'deliveredPackets',
  /** Packets that the endpoint accepted. */
  'transmittedPackets',
] as const;

const INBOUND_DROP_REASONS = [
  /** The NIC was disabled when it came. */
  'receive-disabled',
  /** Addressed to another host's link address, and the NIC is not promiscuous. */
  'other-host',
  /** No handler is set for its EtherType. */
  'unknown-protocol',
] as const;

const OUTBOUND_DROP_REASONS = [
  /** The NIC was disabled when it was written. */
  'transmit-disabled',
  /** The next hop's link address is not known. */
  'no-link-address',
] as const;

/** Name of a counter of a NIC. */
export type NicCounterName = (typeof COUNTER_NAMES)[number];
/** Why a NIC dropped a packet. */
export type NicDropReason = (typeof INBOUND_DROP_REASONS)[number] | (typeof OUTBOUND_DROP_REASONS)[number];

const ALL_NAMES: readonly (NicCounterName | NicDropReason)[] = [
  ...COUNTER_NAMES,
  ...INBOUND_DROP_REASONS,
  ...OUTBOUND_DROP_REASONS,
];

/** Position of each counter and drop reason in a NIC's block. */
export const NicCounter: Readonly<Record<NicCounterName | NicDropReason, number>> = Object.freeze(
  Object.fromEntries(ALL_NAMES.map((name, index) => [name, index])),
) as Readonly<Record<NicCounterName | NicDropReason, number>>;

/** All counters of a NIC at one moment. */
export type NicStatisticsSnapshot = Record<NicCounterName, number> & {
  /** Packets by drop reason; reasons that never occurred are 0. */
  readonly drops: Record<NicDropReason, number>;
};

/** The counters of one NIC. Written by the NIC only, on the thread of its stack. */
export class NicStatistics {
  readonly #block: StatisticsBlock;

  /** @param block the NIC's own block, of `NicStatistics.createBlock` */
  constructor(block: StatisticsBlock) {
    this.#block = block;
  }

  /** A block with room for the counters of one NIC. */
  static createBlock(): StatisticsBlock {
    return new StatisticsBlock(new Float64Array(ALL_NAMES.length));
  }

  /** One counter or drop reason. */
  get(name: NicCounterName | NicDropReason): number {
    return this.#block.get(NicCounter[name]);
  }

  /** All counters at this moment. Allocates: for printing and tests. */
  snapshot(): NicStatisticsSnapshot {
    const pick = (names: readonly (NicCounterName | NicDropReason)[]): object =>
      Object.fromEntries(names.map((name) => [name, this.get(name)]));
    const drops = pick([...INBOUND_DROP_REASONS, ...OUTBOUND_DROP_REASONS]);
    return { ...pick(COUNTER_NAMES), drops } as NicStatisticsSnapshot;
  }
}
