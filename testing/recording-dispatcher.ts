/** A dispatcher that keeps what it gets, and does inside the delivery what a script tells it. */

import type { Direction, NetworkDispatcher } from '../stack/network-dispatcher.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';

/** What came in. */
export interface Recorded {
  /** EtherType. */
  readonly protocol: number;
  /** A clone, with all metadata. */
  readonly packet: PacketBuffer;
  /** The frame's bytes, link header included. */
  readonly bytes: Uint8Array;
}

/** What a tap saw. */
export interface Tapped extends Recorded {
  readonly direction: Direction;
}

/** Done inside each delivery, with the lent packet; `index` counts from 0. What it throws, the dispatcher throws. */
export type DeliveryScript = (packet: PacketBuffer, protocol: number, index: number) => void;

/** Collects clones of all packets, in order. */
export class RecordingDispatcher implements NetworkDispatcher {
  /** The packets delivered, in order. */
  readonly packets: Recorded[] = [];
  /** Batches that ended. */
  batchCount = 0;
  /** Runs inside each delivery, after the packet was recorded. */
  script: DeliveryScript | null;

  constructor(script: DeliveryScript | null = null) {
    this.script = script;
  }

  /** The frames' bytes, in order. */
  get frames(): Uint8Array[] {
    return this.packets.map(({ bytes }) => bytes);
  }

  deliverNetworkPacket(protocol: number, packet: PacketBuffer): void {
    const index = this.packets.length;
    this.packets.push({ protocol, packet: packet.clone(), bytes: packet.copyBytes() });
    this.script?.(packet, protocol, index);
  }

  deliverBatchEnd(): void {
    this.batchCount++;
  }
}

/** A RecordingDispatcher that is a link-layer tap, too. Endpoints copy nothing for taps; this one clones. */
export class TappingDispatcher extends RecordingDispatcher {
  /** What crossed the endpoint, both ways, in order. */
  readonly tapped: Tapped[] = [];

  deliverLinkPacket(protocol: number, packet: PacketBuffer, direction: Direction): void {
    this.tapped.push({ protocol, packet: packet.clone(), bytes: packet.copyBytes(), direction });
  }
}
