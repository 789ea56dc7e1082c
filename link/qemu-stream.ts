/**
 * An endpoint over a byte stream that carries Ethernet frames behind their lengths: a guest of QEMU, or passt.
 *
 *     guest ── virtio-net ── QEMU -netdev stream ══ unix or tcp ══ fd ── QemuReader ──► FdSink ──► dispatcher
 *                                                                  fd ◄─ QemuWriter ◄─ writePackets ◄─ dispatcher
 *
 * It is read on this thread's event loop, under the same work budget as every other endpoint. One connection is one
 * endpoint: when the guest goes, `closed` says hang-up; when it sends what cannot be a frame, error with a
 * QemuFrameError. `connectQemuStream` and `listenQemuStream` (qemu-connect.ts) make connections.
 */

import { FdPoll } from '../dispatch/fd-poll.ts';
import { InlineReader } from '../dispatch/inline-reader.ts';
import type { LinkEnd } from '../dispatch/link-end.ts';
import { InvalidOptionError } from '../errors.ts';
import type { LinkAddress } from '../header/address.ts';
import { HEADER_BYTES as ETHERNET_HEADER_BYTES } from '../header/ethernet.ts';
import { SOCK_STREAM } from '../native/constants.ts';
import { closeFd, describeFd, setNonblocking } from '../native/fd.ts';
import { pin, unpin } from '../native/memory.ts';
import { Arena } from '../stack/arena.ts';
import {
  type Capabilities,
  Capability,
  type ClosedReason,
  type GsoSupport,
  HARDWARE_ETHER,
  NO_GSO,
} from '../stack/link-endpoint.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';
import type { PacketList } from '../stack/packet-list.ts';
import { PacketPool } from '../stack/packet-pool.ts';
import { checkInteger } from './device.ts';
import { EndpointBase } from './endpoint-base.ts';
import { FdSink } from './fd-sink.ts';
import { DEFAULT_MAX_FRAME_BYTES, QemuFrameError } from './qemu-frames.ts';
import { QemuReader } from './qemu-reader.ts';
import { QemuWriter } from './qemu-writer.ts';

/** Options of an endpoint over a QEMU stream. */
export interface QemuStreamOptions {
  /** Longest packet from the network header on, in bytes, 1 to 65,536. Default 1500. */
  readonly mtu?: number;
  /** Our link address: frames for others are counted and dropped. Default 0: no filter. */
  readonly linkAddress?: LinkAddress;
  /** With `linkAddress`: deliver frames for others too, marked `other-host`. Default false. */
  readonly promiscuous?: boolean;
  /** A peer that announces a longer frame, link header included, is cut off. Default 65,550; at least mtu + 14. */
  readonly maxFrameBytes?: number;
  /** OR of `Capability` bits. Default RESOLUTION_REQUIRED. */
  readonly capabilities?: Capabilities;
  /** Slots that `allocate` hands out. Default 256. */
  readonly transmitSlots?: number;
  /** Called like a `closed` listener that is registered before the first read. */
  readonly closed?: (reason: ClosedReason) => void;
}

/** Options of `openQemuStream`. */
export interface QemuStreamFdOptions extends QemuStreamOptions {
  /** Connected stream socket, unix or tcp. Set non-blocking; no net.Socket of Node's must use it. */
  readonly fd: number;
  /** The endpoint closes the fd. Default false: it is the caller's. */
  readonly ownFd?: boolean;
}

const ACTION = 'Cannot open a QEMU stream';
const MAX_MTU = 65_536;
const MAX_FRAME_BYTES = 1 << 20;
const MAX_TRANSMIT_SLOTS = 65_536;

/** A link endpoint over one connection of a QEMU stream. Made by `openQemuStream` and its kin. */
export class QemuStreamEndpoint extends EndpointBase {
  readonly mtu: number;
  readonly maxHeaderLength: number = ETHERNET_HEADER_BYTES;
  readonly linkAddress: LinkAddress;
  readonly hardwareType: number = HARDWARE_ETHER;
  readonly capabilities: Capabilities;
  readonly gso: GsoSupport = NO_GSO;
  /** The connection. */
  readonly fd: number;
  /** Longest frame that is accepted, link header included, in bytes. */
  readonly maxFrameBytes: number;

  readonly #ownFd: boolean;
  readonly #poll: FdPoll;
  readonly #sink: FdSink;
  readonly #frames: QemuReader;
  readonly #reader: InlineReader;
  readonly #writer: QemuWriter;
  readonly #transmit: PacketPool;
  #wantsDrain = false;

  /** @throws InvalidOptionError */
  constructor(options: QemuStreamFdOptions) {
    super();
    this.fd = options.fd;
    this.mtu = checkInteger(ACTION, 'mtu', options.mtu ?? 1500, 1, MAX_MTU);
    this.maxFrameBytes = checkMaxFrame(this.mtu, options.maxFrameBytes);
    this.linkAddress = checkInteger(ACTION, 'linkAddress', options.linkAddress ?? 0, 0, 0xffff_ffff_ffff);
    this.capabilities = options.capabilities ?? Capability.RESOLUTION_REQUIRED;
    const slots = checkInteger(ACTION, 'transmitSlots', options.transmitSlots ?? 256, 1, MAX_TRANSMIT_SLOTS);
    this.#ownFd = options.ownFd ?? false;
    this.#transmit = new PacketPool(new Arena(slots, this.mtu));
    this.#transmit.arena.address = pin(this.#transmit.arena.bytes);
    this.#poll = new FdPoll(this.fd);
    this.#writer = new QemuWriter(this.fd, this.#poll, this.counters, this.maxFrameBytes, () => this.#onDrain());
    this.#sink = new FdSink(this.counters, {
      ethernetHeader: true,
      linkAddress: this.linkAddress,
      promiscuous: options.promiscuous ?? false,
    });
    this.#frames = new QemuReader(this.fd, this.maxFrameBytes, this.counters);
    this.#reader = this.#openReader();
    if (options.closed !== undefined) this.on('closed', options.closed);
  }

  protected override takeSlot(payloadBytes: number): PacketBuffer | null {
    return this.#transmit.allocate(payloadBytes);
  }

  protected override onAttach(): void {
    this.#sink.dispatcher = this.dispatcher;
    try {
      this.#reader.start();
    } catch (error) {
      this.onDetach(); // somebody else polls the fd
      throw error;
    }
  }

  protected override onDetach(): void {
    this.#sink.dispatcher = null;
    this.#reader.stop();
    this.#frames.discard();
  }

  protected override onClose(): void {
    this.#reader.close();
    this.#writer.close();
    this.#poll.close();
    unpin(this.#transmit.arena.bytes);
    if (this.#ownFd) closeFd(this.fd);
  }

  protected override get isStopping(): boolean {
    return this.#reader.isReading;
  }

  protected override transmit(list: PacketList): number {
    const accepted = this.#writer.write(list);
    if (accepted < list.length) this.#wantsDrain = true;
    return accepted;
  }

  #openReader(): InlineReader {
    return new InlineReader(this.#frames, this.#poll, this.#sink, {
      counters: this.counters,
      isPacketSocket: false,
      listener: {
        onEnd: (end) => this.#onLinkEnd(end),
        onDrain: () => this.#onDrain(),
        onIdle: () => this.settle(),
      },
    });
  }

  #onDrain(): void {
    if (!this.#wantsDrain || this.hasEnded) return;
    this.#wantsDrain = false;
    this.emit('drain');
  }

  #onLinkEnd({ kind, fd, error }: LinkEnd): void {
    if (kind === 'thrown') return this.fail(error, fd);
    if (kind === 'hangup') return this.end({ kind, fd });
    const { announcedBytes } = this.#frames;
    const isMalformed = (error as NodeJS.ErrnoException | undefined)?.code === 'EPROTO';
    const reason = isMalformed ? new QemuFrameError(fd, announcedBytes, this.maxFrameBytes) : (error as Error);
    this.end({ kind, fd, error: reason });
  }
}

/**
 * Opens an endpoint over a connected stream socket, inherited or accepted by the caller.
 *
 * @throws InvalidOptionError when the descriptor is no stream socket, or an option is absurd
 * @throws SystemError EBADF when it is closed
 */
export function openQemuStream(options: QemuStreamFdOptions): QemuStreamEndpoint {
  const { fd } = options;
  if (describeFd(fd).type !== SOCK_STREAM) {
    throw new InvalidOptionError(`${ACTION} on fd ${fd}: it is no stream socket; use openFdBased`);
  }
  setNonblocking(fd);
  return new QemuStreamEndpoint(options);
}

function checkMaxFrame(mtu: number, asked: number | undefined): number {
  const least = mtu + ETHERNET_HEADER_BYTES;
  return checkInteger(ACTION, 'maxFrameBytes', asked ?? DEFAULT_MAX_FRAME_BYTES, least, MAX_FRAME_BYTES);
}
