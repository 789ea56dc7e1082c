/**
 * The injectable twin of an fd-based endpoint: it writes to an fd, and never reads it.
 *
 *     dispatcher ◄── injectInbound(protocol, packet) ◄── program: whoever reads the link, a multiplexer, a test
 *     dispatcher ──► writePackets ──► FdWriter ──► fd
 *
 * gVisor's NewInjectable. There, isAttached() answers false for ever and an injection without dispatcher is a nil
 * dereference; here both tell the truth (DESIGN row 8). A hang-up is not noticed, for nothing is read: packets to a
 * peer that is gone are counted `no-peer`.
 */

import { FdPoll } from '../dispatch/fd-poll.ts';
import type { VnetHeaderBytes } from '../gso/virtio-net-header.ts';
import type { LinkAddress } from '../header/address.ts';
import { HEADER_BYTES as ETHERNET_HEADER_BYTES } from '../header/ethernet.ts';
import { closeFd, duplicate, setNonblocking } from '../native/fd.ts';
import { pin, unpin } from '../native/memory.ts';
import { Arena } from '../stack/arena.ts';
import {
  type Capabilities,
  type GsoSupport,
  HARDWARE_ETHER,
  HARDWARE_NONE,
} from '../stack/link-endpoint.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';
import type { PacketList } from '../stack/packet-list.ts';
import { PacketPool } from '../stack/packet-pool.ts';
import {
  type FdBasedOptions,
  type FdLink,
  type ResolvedFdBasedOptions,
  resolveFdBasedOptions,
} from './fd-based-options.ts';
import { FdWriter } from './fd-writer.ts';
import { InjectableBase } from './injectable-base.ts';

type SharedOptions = Pick<
  FdBasedOptions,
  'mtu' | 'ethernetHeader' | 'linkAddress' | 'gsoMaxSize' | 'vnetHeaderBytes' | 'transmitSlots' | 'closed'
>;

/** Options of `openInjectable`; those that it shares with `openFdBased` mean the same. */
export interface InjectableFdOptions extends SharedOptions {
  /** Descriptor that keeps packet boundaries: TUN, TAP, AF_PACKET, SEQPACKET, DGRAM. Set non-blocking. */
  readonly fd: number;
  /** OR of `Capability` bits. Default: what an fd-based endpoint over this fd would have. */
  readonly capabilities?: Capabilities;
  /** The endpoint closes the fd. Default false: it is the caller's. */
  readonly ownFd?: boolean;
}

/** An endpoint whose outbound packets go to an fd and whose inbound packets are injected. Made by `openInjectable`. */
export class InjectableFdEndpoint extends InjectableBase {
  readonly mtu: number;
  readonly maxHeaderLength: number;
  readonly linkAddress: LinkAddress;
  readonly hardwareType: number;
  readonly capabilities: Capabilities;
  readonly gso: GsoSupport;
  /** The descriptor that is written to. */
  readonly fd: number;
  /** Bytes of virtio-net header before each frame on the fd. */
  readonly vnetHeaderBytes: VnetHeaderBytes;

  readonly #ownFd: boolean;
  /** A duplicate to poll for writing: whoever reads the fd may poll it on this thread, and the loop allows one only. */
  readonly #pollFd: number;
  readonly #poll: FdPoll;
  readonly #writer: FdWriter;
  readonly #transmit: PacketPool;
  #wantsDrain = false;

  constructor(options: ResolvedFdBasedOptions) {
    super();
    const link = options.links[0] as FdLink;
    this.mtu = options.mtu;
    this.linkAddress = options.linkAddress;
    this.capabilities = options.capabilities;
    this.gso = options.gso;
    this.maxHeaderLength = options.ethernetHeader ? ETHERNET_HEADER_BYTES : 0;
    this.hardwareType = options.ethernetHeader ? HARDWARE_ETHER : HARDWARE_NONE;
    this.fd = link.fd;
    this.vnetHeaderBytes = link.vnetHeaderBytes;
    this.#ownFd = options.ownFds;
    this.#pollFd = duplicate(link.fd);
    this.#poll = new FdPoll(this.#pollFd);
    const longest = Math.max(this.mtu, this.gso.maxSize);
    this.#writer = new FdWriter(link.fd, this.#poll, this.counters, {
      isSocket: link.description.kind === 'socket',
      vnetHeaderBytes: link.vnetHeaderBytes,
      maxFrameBytes: longest + this.maxHeaderLength,
      onDrain: () => this.#onDrain(),
    });
    this.#transmit = new PacketPool(new Arena(options.transmitSlots, longest));
    this.#transmit.arena.address = pin(this.#transmit.arena.bytes);
  }

  protected override takeSlot(payloadBytes: number): PacketBuffer | null {
    return this.#transmit.allocate(payloadBytes);
  }

  protected override transmit(list: PacketList): number {
    const accepted = this.#writer.write(list, 0, list.length);
    if (accepted < list.length) this.#wantsDrain = true;
    return accepted;
  }

  protected override onClose(): void {
    this.#writer.close();
    this.#poll.close();
    unpin(this.#transmit.arena.bytes);
    closeFd(this.#pollFd);
    if (this.#ownFd) closeFd(this.fd);
  }

  #onDrain(): void {
    if (!this.#wantsDrain || this.hasEnded) return;
    this.#wantsDrain = false;
    this.emit('drain');
  }
}

/**
 * Opens an injectable endpoint over a descriptor.
 *
 * @throws InvalidOptionError when options contradict each other or the kernel
 * @throws SystemError when the descriptor is closed
 */
export function openInjectable(options: InjectableFdOptions): InjectableFdEndpoint {
  const { fd, ownFd = false, capabilities, closed, ...shared } = options;
  const resolved = resolveFdBasedOptions({ ...shared, fds: [fd], ownFds: ownFd });
  setNonblocking(fd);
  const endpoint = new InjectableFdEndpoint(capabilities === undefined ? resolved : { ...resolved, capabilities });
  if (closed !== undefined) endpoint.on('closed', closed);
  return endpoint;
}
