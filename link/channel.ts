/**
 * An endpoint over memory: what is written to it waits in a bounded queue, what is injected comes in.
 *
 *     dispatcher ◄── injectInbound(protocol, packet) ◄── program
 *     dispatcher ──► writePackets ──► [ queue ] ──► read(), readNext() ──► program
 *
 * The double of choice for unit tests, and the end of tunnels that a program carries itself. No fd, no thread, no FFI.
 */

import { LinkClosedError } from '../errors.ts';
import type { LinkAddress } from '../header/address.ts';
import { HEADER_BYTES as ETHERNET_HEADER_BYTES } from '../header/ethernet.ts';
import {
  type Capabilities,
  type GsoSupport,
  HARDWARE_ETHER,
  HARDWARE_NONE,
  NO_GSO,
} from '../stack/link-endpoint.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';
import type { PacketList } from '../stack/packet-list.ts';
import { guardAllocated } from '../stack/packet-pool.ts';
import { Counter } from '../stack/statistics.ts';
import { InjectableBase } from './injectable-base.ts';
import {
  checkGso,
  checkLinkAddress,
  checkMtu,
  checkQueueSize,
  type ClosedOption,
  DEFAULT_MTU,
  DEFAULT_QUEUE_SIZE,
  TRANSMIT_SLOTS,
} from './memory-options.ts';
import { PacketQueue } from './packet-queue.ts';
import { PacketStore } from './packet-store.ts';

/** How a channel is made. */
export interface ChannelOptions extends ClosedOption {
  /** Outbound packets that wait at most, from 1. Default 512. */
  readonly size?: number;
  /** Default 1500. */
  readonly mtu?: number;
  /** Default 0, none. */
  readonly linkAddress?: LinkAddress;
  /** Frames begin with an Ethernet header. Default false. */
  readonly ethernetHeader?: boolean;
  /** OR of `Capability` bits. Default none. */
  readonly capabilities?: Capabilities;
  /** Default none. */
  readonly gso?: GsoSupport;
  /** ARPHRD_* of linux/if_arp.h. Default Ethernet with an Ethernet header, else none. */
  readonly hardwareType?: number;
}

interface Reader {
  readonly resolve: (packet: PacketBuffer) => void;
  readonly reject: (error: Error) => void;
}

/** An injectable endpoint whose outbound packets the program reads. */
export class ChannelEndpoint extends InjectableBase {
  readonly maxHeaderLength: number;
  readonly hardwareType: number;
  /** Settable. */
  capabilities: Capabilities;

  readonly #queue: PacketQueue;
  readonly #transmit: PacketStore = new PacketStore(TRANSMIT_SLOTS);
  readonly #readers: Reader[] = [];
  #mtu: number;
  #linkAddress: LinkAddress;
  #gso: GsoSupport;
  #wantsDrain = false;

  /** @throws RangeError, InvalidOptionError when an option has no legal value */
  constructor(options: ChannelOptions = {}) {
    super();
    const ethernetHeader = options.ethernetHeader ?? false;
    this.#queue = new PacketQueue(checkQueueSize(options.size ?? DEFAULT_QUEUE_SIZE));
    this.#mtu = checkMtu(options.mtu ?? DEFAULT_MTU);
    this.#linkAddress = checkLinkAddress(options.linkAddress ?? 0);
    this.#gso = checkGso(options.gso ?? NO_GSO);
    this.capabilities = options.capabilities ?? 0;
    this.maxHeaderLength = ethernetHeader ? ETHERNET_HEADER_BYTES : 0;
    this.hardwareType = options.hardwareType ?? (ethernetHeader ? HARDWARE_ETHER : HARDWARE_NONE);
    if (options.closed !== undefined) this.on('closed', options.closed);
  }

  /** Settable; a RangeError refuses what is no MTU. */
  get mtu(): number {
    return this.#mtu;
  }

  set mtu(mtu: number) {
    this.#mtu = checkMtu(mtu);
  }

  /** Settable; a RangeError refuses what is no link address. */
  get linkAddress(): LinkAddress {
    return this.#linkAddress;
  }

  set linkAddress(linkAddress: LinkAddress) {
    this.#linkAddress = checkLinkAddress(linkAddress);
  }

  /** Settable; an InvalidOptionError or RangeError refuses contradictions. */
  get gso(): GsoSupport {
    return this.#gso;
  }

  set gso(gso: GsoSupport) {
    this.#gso = checkGso(gso);
  }

  /** Outbound packets that wait to be read. */
  get queuedCount(): number {
    return this.#queue.length;
  }

  /** The first outbound packet, link header included, or null. The caller releases it. */
  read(): PacketBuffer | null {
    const packet = this.#queue.shift();
    if (packet === null) return null;
    this.#afterRead();
    return guardAllocated(packet);
  }

  /**
   * The first outbound packet, or the next one that is written. The caller releases it. Readers are served in order.
   * @throws LinkClosedError when the endpoint is closed and the queue empty, or is closed meanwhile
   * @throws AbortError (the signal's reason) when `signal` aborts
   */
  async readNext(options: { readonly signal?: AbortSignal } = {}): Promise<PacketBuffer> {
    const { signal } = options;
    signal?.throwIfAborted();
    const packet = this.read();
    if (packet !== null) return packet;
    this.requireOpen('Cannot read a packet');
    return this.#waitForPacket(signal);
  }

  /** Empties the queue; returns how many packets were in it. */
  drain(): number {
    const count = this.#queue.length;
    for (let packet = this.#queue.shift(); packet !== null; packet = this.#queue.shift()) packet.release();
    if (count > 0) this.#afterRead();
    return count;
  }

  /** What was written before stays readable: `read()` and `drain()` work on a closed channel. */
  protected override onClose(): void {
    const error = new LinkClosedError('Cannot read a packet', 'closed');
    for (const reader of this.#readers.splice(0)) reader.reject(error);
  }

  protected override takeSlot(payloadBytes: number): PacketBuffer | null {
    return this.#transmit.allocate(payloadBytes);
  }

  protected override transmit(list: PacketList): number {
    let accepted = 0;
    let bytes = 0;
    while (accepted < list.length && this.#queue.push(list.at(accepted), list.at(accepted).start)) {
      bytes += list.at(accepted++).length;
      // At once, so that the queue is never full while somebody waits: no `drain` fires before this call returns.
      if (this.#readers.length > 0) this.#serveReader();
    }
    this.counters.add(Counter.transmittedPackets, accepted);
    this.counters.add(Counter.transmittedBytes, bytes);
    if (accepted < list.length) this.#wantsDrain = true;
    return accepted;
  }

  #serveReader(): void {
    const reader = this.#readers.shift();
    const packet = this.read();
    if (packet !== null) reader?.resolve(packet);
  }

  #waitForPacket(signal: AbortSignal | undefined): Promise<PacketBuffer> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#readers.splice(this.#readers.indexOf(reader), 1);
        reject(signal?.reason);
      };
      const reader: Reader = {
        resolve: (packet) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(packet);
        },
        reject: (error) => {
          signal?.removeEventListener('abort', onAbort);
          reject(error);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#readers.push(reader);
    });
  }

  #afterRead(): void {
    if (!this.#wantsDrain || this.hasEnded) return;
    this.#wantsDrain = false;
    this.emit('drain');
  }
}
