/**
 * Two endpoints, each the wire of the other: a veth pair inside one process.
 *
 *     dispatcher a ──► a.writePackets ──► [ b's queue ] ──► dispatcher b
 *     dispatcher a ◄── [ a's queue ] ◄── b.writePackets ◄── dispatcher b
 *
 * Packets to a peer that nobody is attached to are accepted, dropped and counted `no-peer` by the sender, as frames on
 * a cable whose other end is not plugged in. When one end is closed, the other one delivers what it was sent before and
 * then ends with `hangup`.
 */

import type { LinkAddress } from '../header/address.ts';
import { type Capabilities, type GsoSupport, HARDWARE_NONE, NO_GSO } from '../stack/link-endpoint.ts';
import type { PacketList } from '../stack/packet-list.ts';
import { Counter } from '../stack/statistics.ts';
import {
  checkGso,
  checkLinkAddress,
  checkMtu,
  checkQueueSize,
  DEFAULT_MTU,
  DEFAULT_QUEUE_SIZE,
} from './memory-options.ts';
import { QueuedEndpoint } from './queued-endpoint.ts';

/** How a pipe is made; both ends are alike but for their addresses. */
export interface PipeOptions {
  /** Of the first and of the second end. Default 0, none. */
  readonly linkAddresses?: readonly [LinkAddress, LinkAddress];
  /** Default 1500. */
  readonly mtu?: number;
  /** Packets that wait for delivery at most, each way, from 1. Default 512. */
  readonly size?: number;
  /** OR of `Capability` bits. Default none. */
  readonly capabilities?: Capabilities;
  /** Default none. */
  readonly gso?: GsoSupport;
}

/** One end of a pipe; made by `createPipe`. */
export class PipeEndpoint extends QueuedEndpoint {
  #peer: PipeEndpoint | null = null;
  #wantsDrain = false;

  /** For `createPipe`: plugs two new ends into each other. */
  static connect(one: PipeEndpoint, other: PipeEndpoint): void {
    one.#peer = other;
    other.#peer = one;
  }

  protected override transmit(list: PacketList): number {
    let accepted = 0;
    let bytes = 0;
    let lost = 0;
    for (; accepted < list.length; accepted++) {
      const packet = list.at(accepted);
      const peer = this.#reachablePeer;
      if (peer === null) lost++;
      else if (peer.enqueue(packet)) bytes += packet.networkBytes;
      else break;
    }
    this.counters.add(Counter.transmittedPackets, accepted - lost);
    this.counters.add(Counter.transmittedBytes, bytes);
    if (lost > 0) this.counters.add(Counter['no-peer'], lost);
    if (accepted < list.length) this.#wantsDrain = true;
    return accepted;
  }

  /** The other end's writer was refused; its turn has come. */
  protected override onRoom(): void {
    if (this.#peer !== null) this.#peer.#drained();
  }

  /** The peer is gone and everything it had sent is delivered. */
  protected override onEmpty(): void {
    if (this.#peer === null) this.end({ kind: 'hangup', fd: -1 });
  }

  protected override onClose(): void {
    super.onClose();
    const peer = this.#peer;
    this.#peer = null;
    if (peer !== null) peer.#hangUp();
  }

  get #reachablePeer(): PipeEndpoint | null {
    return this.#peer?.isAttached === true ? this.#peer : null;
  }

  #drained(): void {
    if (!this.#wantsDrain || this.hasEnded) return;
    this.#wantsDrain = false;
    this.emit('drain');
  }

  /** The flush that follows ends this endpoint as soon as the queue is empty. */
  #hangUp(): void {
    this.#peer = null;
    this.#drained(); // what is written now is accepted, and lost
    this.scheduleFlush();
  }
}

/**
 * Makes both ends of a pipe.
 * @throws RangeError, InvalidOptionError when an option has no legal value
 */
export function createPipe(options: PipeOptions = {}): [PipeEndpoint, PipeEndpoint] {
  const [first, second] = options.linkAddresses ?? [0, 0];
  const shared = {
    size: checkQueueSize(options.size ?? DEFAULT_QUEUE_SIZE),
    mtu: checkMtu(options.mtu ?? DEFAULT_MTU),
    hardwareType: HARDWARE_NONE,
    capabilities: options.capabilities ?? 0,
    gso: checkGso(options.gso ?? NO_GSO),
  };
  const one = new PipeEndpoint({ ...shared, linkAddress: checkLinkAddress(first) });
  const other = new PipeEndpoint({ ...shared, linkAddress: checkLinkAddress(second) });
  PipeEndpoint.connect(one, other);
  return [one, other];
}
