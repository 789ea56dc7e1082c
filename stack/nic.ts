/**
 * A NIC: an endpoint, seen from a stack.
 *
 *     protocol handlers (by EtherType)        writers
 *            ▲                                   │ writePackets(list)
 *            │ handlePacket                      ▼
 *     ┌──── Nic ───────────────────────────────────────────┐
 *     │ enabled? for us? known?      neighbors, addHeader  │◄── taps see what crosses the endpoint, both ways
 *     └──────▲───────────────────────────────┬─────────────┘
 *            │ deliverNetworkPacket          ▼ writePackets
 *                        LinkEndpoint
 *
 * The rules of ownership are the endpoint's: an inbound packet is lent until the handler returns, an outbound list is
 * borrowed until `writePackets` returns. Nothing here allocates per packet.
 */

import { LinkpointError, PacketTooLongError } from '../errors.ts';
import { ipv4MulticastLinkAddress, ipv6MulticastLinkAddress, LINK_BROADCAST } from '../header/address.ts';
import { isIpv4Broadcast, isIpv4Multicast, isIpv6Multicast } from '../header/address.ts';
import type { IpAddress, LinkAddress } from '../header/address.ts';
import { Capability, type LinkEndpoint } from './link-endpoint.ts';
import { Neighbors } from './neighbors.ts';
import type { Direction, NetworkDispatcher } from './network-dispatcher.ts';
import { NicCounter, NicStatistics } from './nic-statistics.ts';
import type { PacketBuffer } from './packet-buffer.ts';
import { PacketList } from './packet-list.ts';

/** Identifies a NIC in its stack: a positive integer, chosen by the caller. */
export type NicId = number;

/** How a NIC begins. */
export interface NicOptions {
  /** For people; `nic<id>` by default. */
  readonly name?: string;
  /** Begin disabled, so that addresses and handlers can be set before the first packet. Default false. */
  readonly disabled?: boolean;
  /** Also hand up packets for other hosts' link addresses, as a bridge or a router's tap needs. Default false. */
  readonly promiscuous?: boolean;
}

/** Sees packets as they cross an endpoint, link headers included: what a PF_PACKET socket is to Linux. */
export interface LinkTap {
  /**
   * One packet, lent until the call returns; it is not the tap's to edit.
   * @param direction `in`: before a handler sees it, also when none will; `out`: after the link accepted it
   */
  handleLinkPacket(nic: Nic, protocol: number, packet: PacketBuffer, direction: Direction): void;
}

/** Takes the packets of one EtherType from all NICs of a stack; the packet is lent until the call returns. */
export type PacketHandler = (nic: Nic, packet: PacketBuffer, protocol: number) => void;

/** The form of a handler that has state, or that gathers its answers until the end of a batch. */
export interface ProtocolHandler {
  /** One packet has come in. What may be done to it: see network-dispatcher.ts. */
  handlePacket(nic: Nic, packet: PacketBuffer, protocol: number): void;

  /** The packets that came in together on `nic` are handled: the time to write gathered answers. */
  handleBatchEnd?(nic: Nic): void;
}

/** Where a NIC finds its handlers: the table of its stack. */
export interface ProtocolDemultiplexer {
  /** The handler of `etherType`. */
  get(etherType: number): ProtocolHandler | undefined;

  /** Tells every handler that wants to know that a batch of `nic` has ended. */
  endBatch(nic: Nic): void;
}

/** A packet was written to a NIC that its stack has removed. */
export class NicRemovedError extends LinkpointError {
  constructor(action: string, id: NicId) {
    super('ERR_NIC_REMOVED', `${action}: NIC ${id} was removed from its stack; create it again`);
  }
}

/** One NIC of a stack; made by `Stack.createNic`. It is its endpoint's dispatcher. */
export class Nic implements NetworkDispatcher {
  readonly id: NicId;
  readonly name: string;
  readonly endpoint: LinkEndpoint;
  readonly neighbors: Neighbors = new Neighbors();
  readonly statistics: NicStatistics;
  /** Packets for other hosts' link addresses are handed up, too. */
  promiscuous: boolean;

  readonly #protocols: ProtocolDemultiplexer;
  readonly #counters = NicStatistics.createBlock();
  #taps: readonly LinkTap[] = [];
  #isEnabled: boolean;
  #isRemoved = false;
  /** A list of our own between two uses: taken while a write is under way, for a tap may write, too. */
  #spareList: PacketList | null = new PacketList();

  /** For `Stack`, which attaches it; without a stack, `endpoint.attach(nic)` does as well. */
  constructor(id: NicId, endpoint: LinkEndpoint, protocols: ProtocolDemultiplexer, options: NicOptions = {}) {
    this.id = id;
    this.name = options.name ?? `nic${id}`;
    this.endpoint = endpoint;
    this.promiscuous = options.promiscuous ?? false;
    this.statistics = new NicStatistics(this.#counters);
    this.#protocols = protocols;
    this.#isEnabled = !(options.disabled ?? false);
  }

  /** Packets pass; a disabled NIC counts and drops them, both ways. */
  get isEnabled(): boolean {
    return this.#isEnabled;
  }

  /** The stack has given the NIC up. */
  get isRemoved(): boolean {
    return this.#isRemoved;
  }

  /**
   * Lets packets pass. Idempotent.
   * @throws NicRemovedError after removal
   */
  enable(): void {
    if (this.#isRemoved) throw new NicRemovedError('Cannot enable a NIC', this.id);
    this.#isEnabled = true;
  }

  /** Drops packets, counted, until enabled again; the endpoint stays attached and goes on reading. Idempotent. */
  disable(): void {
    this.#isEnabled = false;
  }

  /** Disables the NIC and detaches its endpoint, for good. For `Stack.removeNic`, which forgets it. Idempotent. */
  remove(): void {
    if (this.#isRemoved) return;
    this.#isRemoved = true;
    this.#isEnabled = false;
    this.#taps = [];
    this.endpoint.attach(null);
  }

  /** Shows `tap` all further packets, in and out. A tap that was added before is not added again. */
  addTap(tap: LinkTap): void {
    if (!this.#taps.includes(tap)) this.#taps = [...this.#taps, tap];
  }

  /** Takes a tap away; whether it was there. Allowed inside the tap. */
  removeTap(tap: LinkTap): boolean {
    const rest = this.#taps.filter((each) => each !== tap);
    const found = rest.length < this.#taps.length;
    this.#taps = rest;
    return found;
  }

  /** For the endpoint: one packet has come in. */
  deliverNetworkPacket(protocol: number, packet: PacketBuffer): void {
    const counters = this.#counters;
    counters.add(NicCounter.receivedPackets, 1);
    if (!this.#isEnabled) return counters.add(NicCounter['receive-disabled'], 1);
    if (packet.packetType === 'other-host' && !this.promiscuous) return counters.add(NicCounter['other-host'], 1);
    const handler = this.#protocols.get(protocol);
    if (handler === undefined) return counters.add(NicCounter['unknown-protocol'], 1);
    counters.add(NicCounter.deliveredPackets, 1);
    handler.handlePacket(this, packet, protocol);
  }

  /** For the endpoint: one packet crosses it. */
  deliverLinkPacket(protocol: number, packet: PacketBuffer, direction: Direction): void {
    if (!this.#isEnabled) return;
    const taps = this.#taps;
    for (let index = 0; index < taps.length; index++) taps[index]?.handleLinkPacket(this, protocol, packet, direction);
  }

  /** For the endpoint: what came in together is delivered. */
  deliverBatchEnd(): void {
    this.#protocols.endBatch(this);
  }

  /**
   * Writes one packet; see `writePackets`.
   * @returns false when the link is full
   */
  writePacket(packet: PacketBuffer): boolean {
    const list = this.#takeList();
    list.push(packet);
    try {
      return this.writePackets(list) === 1;
    } finally {
      this.#giveList(list);
    }
  }

  /**
   * Resolves each packet's `egress.remoteLinkAddress` where the endpoint requires it and it is 0, adds the link headers
   * and writes the packets in order. The list is borrowed and left as it was; the packets' `start`, offsets and
   * `egress.remoteLinkAddress` are the frame's then, so that a packet that was not accepted can be written again.
   *
   * A packet whose next hop has no link address counts as accepted: nothing would be gained by writing it again at
   * once. It is dropped and counted, `no-link-address`, and so is everything while the NIC is disabled.
   *
   * @returns how many packets, from the front of the list, are done with; fewer than given means the link is full, and
   *   the endpoint's `drain` event tells when to write the rest
   * @throws NicRemovedError after removal
   * @throws PacketTooLongError, LinkClosedError as `LinkEndpoint.writePackets`
   */
  writePackets(list: PacketList): number {
    if (this.#isRemoved) throw new NicRemovedError('Cannot write packets', this.id);
    if (!this.#isEnabled) {
      this.#counters.add(NicCounter['transmit-disabled'], list.length);
      return list.length;
    }
    const unresolved = this.#prepare(list);
    if (unresolved > 0) return this.#writeResolved(list);
    const accepted = this.endpoint.writePackets(list);
    this.#counters.add(NicCounter.transmittedPackets, accepted);
    return accepted;
  }

  /** Gives every packet its link header; returns how many have no link address and stay without. */
  #prepare(list: PacketList): number {
    const isResolutionRequired = (this.endpoint.capabilities & Capability.RESOLUTION_REQUIRED) !== 0;
    let unresolved = 0;
    for (let index = 0; index < list.length; index++) {
      const packet = list.at(index);
      const { egress } = packet;
      if (isResolutionRequired && egress.remoteLinkAddress === 0) {
        egress.remoteLinkAddress = egress.remoteAddress === null ? 0 : this.#resolve(egress.remoteAddress);
        if (egress.remoteLinkAddress === 0) {
          unresolved++;
          continue;
        }
      }
      this.endpoint.addHeader(packet);
    }
    return unresolved;
  }

  #resolve(address: IpAddress): LinkAddress {
    if (typeof address !== 'number') {
      return isIpv6Multicast(address) ? ipv6MulticastLinkAddress(address) : this.neighbors.get(address);
    }
    if (isIpv4Broadcast(address)) return LINK_BROADCAST;
    return isIpv4Multicast(address) ? ipv4MulticastLinkAddress(address) : this.neighbors.get(address);
  }

  /** Writes the packets of `list` that have a link address; drops the others up to the first that the link refused. */
  #writeResolved(list: PacketList): number {
    const resolved = this.#takeList();
    try {
      for (let index = 0; index < list.length; index++) {
        const packet = list.at(index);
        if (packet.egress.remoteLinkAddress !== 0) resolved.push(packet);
      }
      const accepted = resolved.length === 0 ? 0 : this.endpoint.writePackets(resolved);
      const done = accepted === resolved.length ? list.length : indexOfResolved(list, accepted);
      this.#counters.add(NicCounter.transmittedPackets, accepted);
      this.#counters.add(NicCounter['no-link-address'], done - accepted);
      return done;
    } catch (error) {
      if (!(error instanceof PacketTooLongError)) throw error;
      throw new PacketTooLongError(indexOfResolved(list, error.index), error.packetBytes, error.limitBytes);
    } finally {
      this.#giveList(resolved);
    }
  }

  #takeList(): PacketList {
    const list = this.#spareList ?? new PacketList();
    this.#spareList = null;
    return list;
  }

  #giveList(list: PacketList): void {
    list.clear();
    this.#spareList = list;
  }
}

/** Position in `list` of the packet that is number `ordinal`, from 0, among those with a link address. */
function indexOfResolved(list: PacketList, ordinal: number): number {
  let index = 0;
  for (let remaining = ordinal; index < list.length; index++) {
    if (list.at(index).egress.remoteLinkAddress !== 0 && remaining-- === 0) break;
  }
  return index;
}
