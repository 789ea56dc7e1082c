/**
 * The base of all decorators: an endpoint around an endpoint.
 *
 *     dispatcher ◄── lendInbound ◄── inbound(protocol, packet) ◄── inner endpoint
 *     dispatcher ──► writePackets ──► outbound(list) ────────────► inner endpoint
 *
 * Everything is forwarded here, once, so that no decorator can forget to forward capabilities, segmentation offload,
 * `closed` or `drain`. A decorator overrides `inbound`, `outbound`, or a property, and nothing else.
 *
 * Statistics are the decorator's own block: what came up from the inner endpoint is `received` here, what this layer
 * refused is a drop here, and what went down is `transmitted` here. The inner endpoint goes on counting its own.
 */

import type { LinkAddress } from '../header/address.ts';
import type { Capabilities, ClosedReason, GsoSupport, LinkEndpoint } from '../stack/link-endpoint.ts';
import type { NetworkDispatcher } from '../stack/network-dispatcher.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';
import type { PacketList } from '../stack/packet-list.ts';
import { Counter } from '../stack/statistics.ts';
import { EndpointBase } from './endpoint-base.ts';
import type { ClosedOption } from './memory-options.ts';

/** A decorator that changes nothing: the base of those that do. It owns its inner endpoint: close() closes it, too. */
export class NestedEndpoint extends EndpointBase implements NetworkDispatcher {
  /** The endpoint that this one decorates. */
  readonly inner: LinkEndpoint;
  #wantsDrain = false;

  constructor(inner: LinkEndpoint, options: ClosedOption = {}) {
    super();
    this.inner = inner;
    inner.on('closed', this.#onInnerClosed);
    inner.on('drain', this.#onInnerDrain);
    if (options.closed !== undefined) this.on('closed', options.closed);
  }

  get mtu(): number {
    return this.inner.mtu;
  }

  get maxHeaderLength(): number {
    return this.inner.maxHeaderLength;
  }

  get linkAddress(): LinkAddress {
    return this.inner.linkAddress;
  }

  get hardwareType(): number {
    return this.inner.hardwareType;
  }

  get capabilities(): Capabilities {
    return this.inner.capabilities;
  }

  get gso(): GsoSupport {
    return this.inner.gso;
  }

  override addHeader(packet: PacketBuffer): void {
    this.inner.addHeader(packet);
  }

  override parseHeader(packet: PacketBuffer): boolean {
    return this.inner.parseHeader(packet);
  }

  protected override takeSlot(payloadBytes: number): PacketBuffer | null {
    return this.inner.allocate(payloadBytes);
  }

  override writeRawPacket(bytes: Uint8Array): boolean {
    this.requireOpen('Cannot write a frame');
    const accepted = this.inner.writeRawPacket(bytes);
    if (accepted) this.#countTransmitted(1, bytes.length);
    else this.#wantsDrain = true;
    return accepted;
  }

  /** Quiet when this endpoint is and the inner one, which may still be stopping. */
  override async wait(): Promise<void> {
    await super.wait();
    await this.inner.wait();
  }

  /** For the inner endpoint: one packet has come in. */
  deliverNetworkPacket(protocol: number, packet: PacketBuffer): void {
    this.inbound(protocol, packet);
  }

  /** For the inner endpoint: what came in together is delivered. */
  deliverBatchEnd(): void {
    this.dispatcher?.deliverBatchEnd?.();
  }

  /**
   * A packet comes in from the inner endpoint, lent until this returns. Hand it on with `lendInbound`, or count it as
   * received and as a drop.
   */
  protected inbound(protocol: number, packet: PacketBuffer): void {
    this.lendInbound(protocol, packet);
  }

  /** Packets go out; the list is borrowed. Returns how many, from the front, the inner endpoint accepted. */
  protected outbound(list: PacketList): number {
    return this.inner.writePackets(list);
  }

  protected override transmit(list: PacketList): number {
    const accepted = this.outbound(list);
    let bytes = 0;
    for (let index = 0; index < accepted; index++) bytes += list.at(index).length;
    this.#countTransmitted(accepted, bytes);
    if (accepted < list.length) this.#wantsDrain = true;
    return accepted;
  }

  protected override onAttach(): void {
    this.inner.attach(this);
  }

  protected override onDetach(): void {
    this.inner.attach(null);
  }

  protected override onClose(): void {
    this.inner.close();
    this.inner.off('closed', this.#onInnerClosed);
    this.inner.off('drain', this.#onInnerDrain);
  }

  #countTransmitted(packets: number, bytes: number): void {
    this.counters.add(Counter.transmittedPackets, packets);
    this.counters.add(Counter.transmittedBytes, bytes);
  }

  /** `detached` is our own doing, or somebody else's who detached the inner endpoint: then it is news to us. */
  readonly #onInnerClosed = (reason: ClosedReason): void => {
    if (reason.kind === 'detached') this.attach(null);
    else this.end(reason);
  };

  readonly #onInnerDrain = (): void => {
    if (!this.#wantsDrain || this.hasEnded) return;
    this.#wantsDrain = false;
    this.emit('drain');
  };
}
