/**
 * What every endpoint does alike: the life of an attachment, the checks of a write, taps and events.
 *
 *       create ──attach──► attached ──attach(null)──► detached ──attach──► attached ...
 *                             │                          │
 *                             ├── hang-up, error ──────► ended        a later attach throws LinkClosedError
 *                             └── close() ─────────────► ended
 *
 * `closed` fires once per attachment, whichever way it ends. An endpoint that overrides the hooks below gets the rest,
 * forwarding of capabilities included, by construction.
 */

import { EventEmitter } from 'eventemitter3';
import { AlreadyAttachedError, asError, LinkClosedError, PacketTooLongError } from '../errors.ts';
import type { LinkAddress } from '../header/address.ts';
import type { Capabilities, ClosedReason, GsoSupport, LinkEndpoint, LinkEndpointEvents } from '../stack/link-endpoint.ts';
import type { NetworkDispatcher } from '../stack/network-dispatcher.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';
import type { PacketList } from '../stack/packet-list.ts';
import { endLoan, lend } from '../stack/packet-pool.ts';
import { Counter, LinkStatistics, type StatisticsBlock } from '../stack/statistics.ts';
import { addEthernetHeader, parseEthernetHeader, parseNoHeader } from './link-header.ts';
import { listOver } from './raw-packet.ts';

/** Life cycle, write checks and taps of an endpoint; subclasses supply the link. */
export abstract class EndpointBase extends EventEmitter<LinkEndpointEvents> implements LinkEndpoint {
  abstract readonly mtu: number;
  abstract readonly maxHeaderLength: number;
  abstract readonly linkAddress: LinkAddress;
  abstract readonly hardwareType: number;
  abstract readonly capabilities: Capabilities;
  abstract readonly gso: GsoSupport;

  /** The counters that the thread of this object writes. */
  protected readonly counters: StatisticsBlock;

  readonly #statistics: LinkStatistics;
  #dispatcher: NetworkDispatcher | null = null;
  #ended: string | null = null;
  #deliveryDepth = 0;
  #waiters: (() => void)[] = [];

  /** @param block the block of `statistics` that the thread of this object writes */
  constructor(statistics: LinkStatistics = new LinkStatistics(1), block = 0) {
    super();
    this.#statistics = statistics;
    this.counters = statistics.block(block);
  }

  get statistics(): LinkStatistics {
    return this.#statistics;
  }

  /** Where `allocate` takes packets from; null when none is free. */
  protected abstract takeSlot(payloadBytes: number): PacketBuffer | null;
  /** Sends what `writePackets` has checked; returns the accepted count. */
  protected abstract transmit(list: PacketList): number;

  /** Starts reading; the dispatcher is set. May throw: the attachment is undone then. */
  protected onAttach(): void {}
  /** Stops reading; the dispatcher is null already. */
  protected onDetach(): void {}
  /** Gives back what the endpoint owns. Called once, after the last detach. */
  protected onClose(): void {}
  /** Something besides the delivery under way may still call a dispatcher: a worker that is stopping. */
  protected get isStopping(): boolean {
    return false;
  }

  /** An endpoint with a link header has an Ethernet header, unless it overrides this and `parseHeader`. */
  addHeader(packet: PacketBuffer): void {
    if (this.maxHeaderLength > 0) addEthernetHeader(packet, this.linkAddress);
  }

  parseHeader(packet: PacketBuffer): boolean {
    return this.maxHeaderLength > 0 ? parseEthernetHeader(packet) : parseNoHeader(packet);
  }

  allocate(payloadBytes: number): PacketBuffer | null {
    const packet = this.takeSlot(payloadBytes);
    if (packet === null) this.counters.add(Counter['allocate-failed'], 1);
    return packet;
  }

  writeRawPacket(bytes: Uint8Array): boolean {
    return this.writePackets(listOver(bytes, this.maxHeaderLength)) === 1;
  }

  get isAttached(): boolean {
    return this.#dispatcher !== null;
  }

  /** The attached dispatcher. */
  protected get dispatcher(): NetworkDispatcher | null {
    return this.#dispatcher;
  }

  /** The endpoint has ended: by close(), hang-up or error. */
  protected get hasEnded(): boolean {
    return this.#ended !== null;
  }

  attach(dispatcher: NetworkDispatcher | null): void {
    if (dispatcher === null) return this.detach(-1);
    this.requireOpen('Cannot attach a dispatcher');
    if (this.#dispatcher !== null) throw new AlreadyAttachedError('Cannot attach a dispatcher');
    this.#dispatcher = dispatcher;
    try {
      this.onAttach();
    } catch (error) {
      this.#dispatcher = null;
      throw error;
    }
  }

  close(): void {
    if (this.#ended === 'closed') return;
    const wasOpen = this.#ended === null;
    this.#ended = 'closed';
    this.#finish({ kind: 'detached', fd: -1 }, wasOpen);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.wait();
  }

  wait(): Promise<void> {
    if (this.#isQuiet) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  writePackets(list: PacketList): number {
    this.requireOpen('Cannot write packets');
    this.#checkLengths(list);
    const accepted = this.transmit(list);
    if (this.#dispatcher?.deliverLinkPacket !== undefined) this.#tapOutbound(list, accepted);
    if (accepted < list.length) this.counters.add(Counter.shortWrites, 1);
    return accepted;
  }

  /** Ends the attachment, if there is one. */
  protected detach(fd: number): void {
    if (this.#dispatcher !== null) this.#finish({ kind: 'detached', fd }, false);
  }

  /** Ends the endpoint by the other side's doing: `closed` fires once if a dispatcher was attached. */
  protected end(reason: ClosedReason): void {
    if (this.#ended !== null) return;
    this.#ended = reason.kind;
    this.#finish(reason, true);
  }

  /**
   * Lends one packet to the dispatcher; counts it `detached` if there is none.
   * Throws what the dispatcher throws: callers hold one try/catch around a whole batch (see `deliverOne`).
   */
  protected lendInbound(protocol: number, packet: PacketBuffer): void {
    const dispatcher = this.#dispatcher;
    this.counters.add(Counter.receivedPackets, 1);
    this.counters.add(Counter.receivedBytes, packet.length);
    if (dispatcher === null) return this.counters.add(Counter.detached, 1);
    this.counters.add(Counter.deliveredPackets, 1);
    const lent = lend(packet);
    this.#deliveryDepth++;
    try {
      dispatcher.deliverLinkPacket?.(protocol, lent, 'in');
      dispatcher.deliverNetworkPacket(protocol, lent);
    } finally {
      this.#deliveryDepth--;
      endLoan(packet);
      if (this.#dispatcher === null) this.settle(); // detached inside: who waits for this delivery waits no more
    }
  }

  /** Delivers one packet as a batch of its own; a dispatcher that throws ends the endpoint. */
  protected deliverOne(protocol: number, packet: PacketBuffer): void {
    try {
      this.lendInbound(protocol, packet);
      this.#dispatcher?.deliverBatchEnd?.();
    } catch (error) {
      this.fail(error);
    }
    this.settle();
  }

  /**
   * Ends the endpoint because its dispatcher threw. A dispatcher that detached or closed before it threw has no
   * attachment left whose `closed` could tell: the error is rethrown then, for it must not vanish.
   */
  protected fail(thrown: unknown, fd = -1): void {
    const error = asError(thrown);
    if (this.#dispatcher === null) rethrowLater(error);
    this.end({ kind: 'error', fd, error });
  }

  /** @throws LinkClosedError when the endpoint has ended */
  protected requireOpen(action: string): void {
    if (this.#ended !== null) throw new LinkClosedError(action, this.#ended);
  }

  /** Resolves `wait()` if nothing can call a dispatcher any more. */
  protected settle(): void {
    if (!this.#isQuiet || this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }

  get #isQuiet(): boolean {
    return this.#dispatcher === null && this.#deliveryDepth === 0 && !this.isStopping;
  }

  /** Detaches and, for good, closes; who hears `closed` finds everything given back that can be given back by then. */
  #finish(reason: ClosedReason, forGood: boolean): void {
    const wasAttached = this.#dispatcher !== null;
    this.#dispatcher = null;
    if (wasAttached) this.onDetach();
    if (forGood) this.onClose();
    this.settle();
    if (wasAttached) emitClosed(this, reason);
  }

  #checkLengths(list: PacketList): void {
    const { mtu, gso } = this;
    for (let index = 0; index < list.length; index++) {
      const packet = list.at(index);
      const limit = packet.gsoType === 'none' ? mtu : gso.maxSize;
      if (packet.networkBytes > limit) throw new PacketTooLongError(index, packet.networkBytes, limit);
    }
  }

  #tapOutbound(list: PacketList, accepted: number): void {
    for (let index = 0; index < accepted; index++) {
      const packet = list.at(index);
      this.#dispatcher?.deliverLinkPacket?.(packet.egress.protocol, packet, 'out');
    }
  }
}

/**
 * Emits `closed`. An error that nobody listens for is rethrown from setImmediate, for it must not vanish, and so is what
 * a listener throws, for it must not hinder whoever told us of the end.
 */
function emitClosed(endpoint: EventEmitter<LinkEndpointEvents>, reason: ClosedReason): void {
  try {
    const heard = endpoint.emit('closed', reason);
    if (!heard && reason.error !== undefined) rethrowLater(reason.error);
  } catch (thrown) {
    rethrowLater(asError(thrown));
  }
}

function rethrowLater(error: Error): void {
  setImmediate(() => {
    throw error;
  });
}
