/**
 * The way up of an fd-based endpoint: link header, address filter, dispatcher. One per endpoint and thread.
 *
 *     LinkDispatcher ─► deliverFrame ─► link header ─► ours? ─► dispatcher.deliverNetworkPacket(protocol, packet)
 *                                          │ runt        │ foreign       │ nobody attached
 *                                          └─ counted ───┴─ counted ─────┴─ counted
 */

import type { BatchSink } from '../dispatch/inline-reader.ts';
import type { LinkAddress } from '../header/address.ts';
import type { NetworkDispatcher } from '../stack/network-dispatcher.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';
import { endLoan, lend } from '../stack/packet-pool.ts';
import { Counter, type StatisticsBlock } from '../stack/statistics.ts';
import { classify, parseEthernetHeader, parseNoHeader, PROTOCOL_UNKNOWN } from './link-header.ts';

/** How frames are read and filtered. */
export interface FdSinkOptions {
  readonly ethernetHeader: boolean;
  /** Our address; 0 filters nothing. */
  readonly linkAddress: LinkAddress;
  /** Deliver unicast to other addresses too, marked `other-host`. */
  readonly promiscuous: boolean;
}

/** Takes frames from link dispatchers and lends them to the attached network dispatcher. */
export class FdSink implements BatchSink {
  /** Who gets the packets; null while nobody is attached. */
  dispatcher: NetworkDispatcher | null = null;
  readonly #counters: StatisticsBlock;
  readonly #ethernetHeader: boolean;
  readonly #linkAddress: LinkAddress;
  /** Our address as the two words that most frames begin with: compared without making a 48-bit number of them. */
  readonly #ownHigh: number;
  readonly #ownLow: number;
  readonly #promiscuous: boolean;
  #delivered = 0;

  constructor(counters: StatisticsBlock, options: FdSinkOptions) {
    this.#counters = counters;
    this.#ethernetHeader = options.ethernetHeader;
    this.#linkAddress = options.linkAddress;
    this.#ownHigh = Math.floor(options.linkAddress / 0x1_0000_0000);
    this.#ownLow = options.linkAddress | 0;
    this.#promiscuous = options.promiscuous;
  }

  get isDetached(): boolean {
    return this.dispatcher === null;
  }

  deliverFrame(packet: PacketBuffer): void {
    if (!(this.#ethernetHeader ? this.#acceptEthernet(packet) : this.#acceptNoHeader(packet))) return;
    const { dispatcher } = this;
    if (dispatcher === null) return this.#counters.add(Counter.detached, 1);
    this.#delivered++;
    const lent = lend(packet);
    try {
      dispatcher.deliverLinkPacket?.(packet.egress.protocol, lent, 'in');
      dispatcher.deliverNetworkPacket(packet.egress.protocol, lent);
    } finally {
      endLoan(packet);
    }
  }

  endBatch(): void {
    this.dispatcher?.deliverBatchEnd?.();
  }

  flush(): void {
    if (this.#delivered === 0) return;
    this.#counters.add(Counter.deliveredPackets, this.#delivered);
    this.#delivered = 0;
  }

  #acceptEthernet(packet: PacketBuffer): boolean {
    if (!parseEthernetHeader(packet)) return this.#drop(Counter.runt);
    const { view, linkOffset } = packet;
    if (view.getInt32(linkOffset + 2) === this.#ownLow && view.getUint16(linkOffset) === this.#ownHigh) return true;
    packet.packetType = classify(packet, this.#linkAddress);
    return packet.packetType !== 'other-host' || this.#promiscuous || this.#drop(Counter['foreign-link-address']);
  }

  #acceptNoHeader(packet: PacketBuffer): boolean {
    if (!parseNoHeader(packet)) return this.#drop(Counter.runt);
    return packet.egress.protocol !== PROTOCOL_UNKNOWN || this.#drop(Counter['unknown-protocol']);
  }

  #drop(reason: number): false {
    this.#counters.add(reason, 1);
    return false;
  }
}
