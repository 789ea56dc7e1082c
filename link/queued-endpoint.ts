/**
 * What loopback and pipe share: an inbound queue between the writer and the delivery.
 *
 *     writer ──► enqueue ──► [ queue ] ──setImmediate──► flush ──► dispatcher
 *
 * Without the queue two dispatchers that answer each other would recurse until the stack is gone, and a packet would be
 * lent to its own writer. A flush delivers one batch and then lets the event loop breathe.
 */

import type { LinkAddress } from '../header/address.ts';
import { Capability, type Capabilities, type GsoSupport } from '../stack/link-endpoint.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';
import { Counter } from '../stack/statistics.ts';
import { EndpointBase } from './endpoint-base.ts';
import { parseNoHeader } from './link-header.ts';
import { TRANSMIT_SLOTS } from './memory-options.ts';
import { PacketQueue } from './packet-queue.ts';
import { PacketStore } from './packet-store.ts';

/** Packets that one flush delivers: the work budget of a thread and loop turn. */
const BATCH_PACKETS = 256;

/** The fixed properties of a queued endpoint. */
export interface QueuedEndpointProperties {
  /** Packets that wait for delivery at most. */
  readonly size: number;
  readonly mtu: number;
  readonly linkAddress: LinkAddress;
  readonly hardwareType: number;
  readonly capabilities: Capabilities;
  readonly gso: GsoSupport;
}

/** An endpoint over memory, without a link header, that delivers from a queue of its own. */
export abstract class QueuedEndpoint extends EndpointBase {
  readonly mtu: number;
  readonly maxHeaderLength: number = 0;
  readonly linkAddress: LinkAddress;
  readonly hardwareType: number;
  readonly capabilities: Capabilities;
  readonly gso: GsoSupport;

  readonly #queue: PacketQueue;
  readonly #transmit: PacketStore = new PacketStore(TRANSMIT_SLOTS);
  #isScheduled = false;

  constructor(properties: QueuedEndpointProperties) {
    super();
    this.mtu = properties.mtu;
    this.linkAddress = properties.linkAddress;
    this.hardwareType = properties.hardwareType;
    this.capabilities = properties.capabilities;
    this.gso = properties.gso;
    this.#queue = new PacketQueue(properties.size);
  }

  /** The queue has room again, after a flush. */
  protected abstract onRoom(): void;
  /** The queue is empty, after a flush. */
  protected onEmpty(): void {}

  /** Packets that wait for delivery. */
  get queuedCount(): number {
    return this.#queue.length;
  }

  protected override takeSlot(payloadBytes: number): PacketBuffer | null {
    return this.#transmit.allocate(payloadBytes);
  }

  /**
   * Copies the packet, from its network header on, for delivery by this endpoint: a link header, which a forwarded
   * packet may still have before it, means nothing here.
   * @returns false when the queue is full
   */
  protected enqueue(packet: PacketBuffer): boolean {
    if (!this.#queue.push(packet, packet.end - packet.networkBytes)) return false;
    this.scheduleFlush();
    return true;
  }

  /** Flushes soon, also an empty queue, so that `onEmpty` is called. */
  protected scheduleFlush(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#flush);
  }

  /** What still waits is never delivered. It had come in, so it is counted. */
  protected override onClose(): void {
    for (let packet = this.#queue.shift(); packet !== null; packet = this.#queue.shift()) {
      this.counters.add(Counter.receivedPackets, 1);
      this.counters.add(Counter.receivedBytes, packet.length);
      this.counters.add(Counter.detached, 1);
      packet.release();
    }
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    if (this.hasEnded) return;
    const count = Math.min(this.#queue.length, BATCH_PACKETS);
    this.counters.addBatch(count);
    try {
      for (let delivered = 0; delivered < count; delivered++) this.#deliverFirst();
      if (count > 0) this.dispatcher?.deliverBatchEnd?.();
    } catch (error) {
      this.fail(error);
    }
    this.settle();
    this.#afterFlush();
  };

  #deliverFirst(): void {
    const packet = this.#queue.shift();
    if (packet === null) return; // closed by the delivery before
    forgetSender(packet);
    try {
      this.lendInbound(packet.egress.protocol, packet);
    } finally {
      packet.release();
    }
  }

  #afterFlush(): void {
    if (this.hasEnded) return;
    this.onRoom();
    if (this.#queue.length > 0) this.scheduleFlush();
    else this.onEmpty();
  }
}

/** Leaves of the metadata what the receiver of a packet may know: where its sender sent it is the sender's business. */
function forgetSender(packet: PacketBuffer): void {
  const { egress } = packet;
  packet.linkOffset = -1;
  packet.packetType = 'host';
  egress.localLinkAddress = 0;
  egress.remoteLinkAddress = 0;
  egress.remoteAddress = null;
  if (egress.protocol === 0) parseNoHeader(packet);
}

/** Capabilities of a link that cannot corrupt a packet: whoever asks for a checksum gets one for nothing. */
export const MEMORY_CAPABILITIES: Capabilities = Capability.TX_CHECKSUM_OFFLOAD | Capability.RX_CHECKSUM_OFFLOAD;
