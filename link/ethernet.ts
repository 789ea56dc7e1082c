/**
 * Ethernet over an endpoint whose frames are raw bytes.
 *
 *     this endpoint     │ link header │ network packet            │     mtu = inner mtu - 14
 *     inner endpoint    │ network packet                          │     inner mtu
 *
 * Frames are classified, not filtered: `packet.packetType` tells whom a frame was for, and who listens decides.
 */

import { InvalidOptionError } from '../errors.ts';
import type { LinkAddress } from '../header/address.ts';
import { HEADER_BYTES } from '../header/ethernet.ts';
import {
  Capability,
  type Capabilities,
  type GsoSupport,
  HARDWARE_ETHER,
  type LinkEndpoint,
  NO_GSO,
} from '../stack/link-endpoint.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';
import type { PacketList } from '../stack/packet-list.ts';
import { Counter } from '../stack/statistics.ts';
import { addEthernetHeader, classify, parseEthernetHeader } from './link-header.ts';
import { checkLinkAddress, type ClosedOption } from './memory-options.ts';
import { NestedEndpoint } from './nested.ts';

/** How an Ethernet decorator is made. */
export interface EthernetOptions extends ClosedOption {
  /** Our address on the link. Default the inner endpoint's. */
  readonly linkAddress?: LinkAddress;
}

/** Adds and strips Ethernet headers. */
export class EthernetEndpoint extends NestedEndpoint {
  readonly #linkAddress: LinkAddress | null;
  #innerGso: GsoSupport = NO_GSO;
  #gso: GsoSupport = NO_GSO;

  /**
   * @throws InvalidOptionError when the inner endpoint adds a link header of its own
   * @throws RangeError when `linkAddress` is none
   */
  constructor(inner: LinkEndpoint, options: EthernetOptions = {}) {
    super(inner, options);
    if (inner.maxHeaderLength !== 0) {
      throw new InvalidOptionError(
        `Cannot put Ethernet over an endpoint: its link header has ${inner.maxHeaderLength} bytes; give one without`,
      );
    }
    this.#linkAddress = options.linkAddress === undefined ? null : checkLinkAddress(options.linkAddress);
  }

  /** What the header leaves of the inner MTU; 0 where it leaves nothing. */
  override get mtu(): number {
    return Math.max(this.inner.mtu - HEADER_BYTES, 0);
  }

  override get maxHeaderLength(): number {
    return HEADER_BYTES;
  }

  override get linkAddress(): LinkAddress {
    return this.#linkAddress ?? this.inner.linkAddress;
  }

  override get hardwareType(): number {
    return HARDWARE_ETHER;
  }

  /** The inner ones; a loopback needs no resolution, everybody else does. */
  override get capabilities(): Capabilities {
    const inner = this.inner.capabilities;
    return (inner & Capability.LOOPBACK) === 0 ? inner | Capability.RESOLUTION_REQUIRED : inner;
  }

  /** The inner one, less the header, which is payload to the inner endpoint. */
  override get gso(): GsoSupport {
    const { gso } = this.inner;
    if (gso !== this.#innerGso) {
      this.#innerGso = gso;
      this.#gso = gso.maxSize > HEADER_BYTES ? { kind: gso.kind, maxSize: gso.maxSize - HEADER_BYTES } : NO_GSO;
    }
    return this.#gso;
  }

  override addHeader(packet: PacketBuffer): void {
    addEthernetHeader(packet, this.linkAddress);
  }

  override parseHeader(packet: PacketBuffer): boolean {
    return parseEthernetHeader(packet);
  }

  /** With room for the header inside the inner endpoint's longest packet, too. */
  protected override inbound(_protocol: number, packet: PacketBuffer): void {
    if (!parseEthernetHeader(packet)) return this.#countRunt(packet);
    packet.packetType = classify(packet, this.linkAddress);
    this.lendInbound(packet.egress.protocol, packet);
  }

  /** To the inner endpoint the whole frame is the network packet; afterwards the packets are as they were. */
  protected override outbound(list: PacketList): number {
    for (let index = 0; index < list.length; index++) {
      const packet = list.at(index);
      packet.linkOffset = packet.start;
      packet.networkOffset = packet.start;
    }
    try {
      return this.inner.writePackets(list);
    } finally {
      for (let index = 0; index < list.length; index++) {
        const packet = list.at(index);
        packet.networkOffset = packet.start + HEADER_BYTES;
      }
    }
  }

  #countRunt(packet: PacketBuffer): void {
    this.counters.add(Counter.receivedPackets, 1);
    this.counters.add(Counter.receivedBytes, packet.length);
    this.counters.add(Counter.runt, 1);
  }
}
