/**
 * The way down of an fd-based endpoint: one writer per fd.
 *
 *     packets ─► MessageTable ─► sendmmsg(2)             sockets: a batch a call; send(2) for a single packet
 *                 [vnet][frame]   writev(2), write(2)    TUN/TAP: a packet a call
 *
 * The virtio-net header is a second iovec from a table of the writer's own, so that a packet that lies in another
 * endpoint's slot or in a kernel ring is forwarded where it lies. Memory that no FFI has bound is copied to a slot first.
 *
 * A full queue is no error: the accepted count is short, and `onDrain` is called once when it is worth trying again.
 * EAGAIN waits for POLLOUT; ENOBUFS (the device's queue) leaves the fd writable, so a timer waits, 1 ms doubling to 50 ms.
 */

import type { FdPoll } from '../dispatch/fd-poll.ts';
import { completeChecksum } from '../gso/index.ts';
import { encode, type VnetHeaderBytes } from '../gso/virtio-net-header.ts';
import { MSG_DONTWAIT, MSG_NOSIGNAL } from '../native/constants.ts';
import { ERRNO } from '../native/errno.ts';
import { send, write, writev } from '../native/io.ts';
import { allocatePinned, freePinned, pin, type PinnedBuffer, unpin } from '../native/memory.ts';
import { MessageTable } from '../native/vectors.ts';
import { Arena } from '../stack/arena.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';
import type { PacketList } from '../stack/packet-list.ts';
import { Counter, type StatisticsBlock } from '../stack/statistics.ts';

/** Most packets per sendmmsg. */
const BATCH = 64;
/** Distance of two headers in the table: both forms fit, none straddles a cache line. */
const VNET_STRIDE = 16;
const FIRST_RETRY_MILLISECONDS = 1;
const LAST_RETRY_MILLISECONDS = 50;

const FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL;

const VNET_IOVEC = 0;
const FRAME_IOVEC = 1;

/** What a writer must know of its fd. */
export interface FdWriterOptions {
  readonly isSocket: boolean;
  readonly vnetHeaderBytes: VnetHeaderBytes;
  /** Longest frame that can come, in bytes: the size of a copy slot. */
  readonly maxFrameBytes: number;
  /** It is worth writing again. */
  readonly onDrain: () => void;
}

/** Writes packets to one fd. */
export class FdWriter {
  readonly fd: number;
  readonly #poll: FdPoll;
  readonly #counters: StatisticsBlock;
  readonly #options: FdWriterOptions;
  readonly #table = new MessageTable(BATCH, 2);
  readonly #headers: PinnedBuffer = allocatePinned(BATCH * VNET_STRIDE);
  #copies: Arena | null = null;
  /** Of the packets that `#loadBatch` pointed the table at. */
  #loadedBytes = 0;
  #loadedSuperPackets = 0;
  #isWaiting = false;
  #retry: NodeJS.Timeout | null = null;
  #retryMilliseconds = FIRST_RETRY_MILLISECONDS;
  #isOpen = true;

  constructor(fd: number, poll: FdPoll, counters: StatisticsBlock, options: FdWriterOptions) {
    this.fd = fd;
    this.#poll = poll;
    this.#counters = counters;
    this.#options = options;
    for (let message = 0; message < BATCH; message++) {
      const header = this.#headers.address + message * VNET_STRIDE;
      this.#table.setIovec(message, VNET_IOVEC, header, options.vnetHeaderBytes);
    }
  }

  /**
   * Writes the packets `from` to `to` (exclusive) of the list.
   * @returns how many were accepted: sent, or refused for good and counted
   */
  write(list: PacketList, from: number, to: number): number {
    let at = from;
    while (at < to) {
      const count = this.#loadBatch(list, at, Math.min(to, at + BATCH));
      const taken = this.#options.isSocket ? this.#sendBatch(list, at, count) : this.#writeEach(list, at, count);
      at += taken;
      if (taken < count) break;
      // The batch was cut before its end by a packet whose positions or offload request make no sense.
      if (at < to && count < BATCH) {
        this.#counters.add(Counter['transmit-refused'], 1);
        at++;
      }
    }
    return at - from;
  }

  /** Gives the tables back; the fd stays open. Idempotent. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#poll.setWriter(null);
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#table.close();
    freePinned(this.#headers);
    if (this.#copies !== null) unpin(this.#copies.bytes);
  }

  /** Points the table at the packets from `from` on, up to the first that cannot be sent: how many. */
  #loadBatch(list: PacketList, from: number, to: number): number {
    let count = 0;
    this.#loadedBytes = 0;
    this.#loadedSuperPackets = 0;
    while (from + count < to && this.#load(count, list.at(from + count))) count++;
    return count;
  }

  /** Points message `message` at the packet; false when it is unsound, or no copy slot takes it. */
  #load(message: number, packet: PacketBuffer): boolean {
    const { vnetHeaderBytes } = this.#options;
    if (!packet.isInMemory) return false;
    const isSound =
      vnetHeaderBytes === 0
        ? completeChecksum(packet) // nobody behind this fd would
        : encode(packet, this.#headers.view, message * VNET_STRIDE, vnetHeaderBytes);
    if (!isSound || (packet.memory.address === 0 && packet.length > this.#options.maxFrameBytes)) return false;
    const address = packet.memory.address === 0 ? this.#copy(message, packet) : packet.memory.address + packet.start;
    const { length } = packet;
    this.#table.setIovec(message, FRAME_IOVEC, address, length);
    this.#loadedBytes += length;
    if (packet.gsoType !== 'none') this.#loadedSuperPackets++;
    return true;
  }

  #copy(message: number, packet: PacketBuffer): number {
    const arena = (this.#copies ??= this.#openCopies());
    const at = arena.frameStart(message);
    arena.bytes.set(packet.bytes.subarray(packet.start, packet.end), at);
    this.#counters.add(Counter.transmitCopies, 1);
    return arena.address + at;
  }

  #openCopies(): Arena {
    const arena = new Arena(BATCH, this.#options.maxFrameBytes);
    arena.address = pin(arena.bytes);
    return arena;
  }

  #sendBatch(list: PacketList, from: number, count: number): number {
    let done = 0;
    while (done < count) {
      this.#counters.add(Counter.transmitSyscalls, 1);
      const sent = count === 1 ? this.#sendOne(list.at(from)) : this.#table.send(this.fd, done, count - done, FLAGS);
      if (sent > 0) {
        this.#retryMilliseconds = FIRST_RETRY_MILLISECONDS;
        if (sent === count) this.#addSent(sent, this.#loadedBytes, this.#loadedSuperPackets);
        else this.#countSent(list, from + done, sent);
        done += sent;
      } else if (sent !== -ERRNO.EINTR && !this.#refuse(sent)) break;
      else if (sent !== -ERRNO.EINTR) done++;
    }
    return done;
  }

  /** A single packet without a virtio-net header needs no table: 1 when it was sent, or -errno. */
  #sendOne(packet: PacketBuffer): number {
    if (this.#options.vnetHeaderBytes !== 0) return this.#table.send(this.fd, 0, 1, FLAGS);
    const sent = send(this.fd, this.#addressOf(0, packet), packet.length, FLAGS);
    return sent < 0 ? sent : 1;
  }

  #writeEach(list: PacketList, from: number, count: number): number {
    let done = 0;
    let calls = 0;
    let sent = 0;
    let bytes = 0;
    let superPackets = 0;
    while (done < count) {
      const packet = list.at(from + done);
      const written = this.#writeOne(done, packet);
      calls++;
      if (written >= 0) {
        this.#retryMilliseconds = FIRST_RETRY_MILLISECONDS;
        sent++;
        bytes += packet.length;
        if (packet.gsoType !== 'none') superPackets++;
        done++;
      } else if (written !== -ERRNO.EINTR && !this.#refuse(written)) break;
      else if (written !== -ERRNO.EINTR) done++;
    }
    this.#counters.add(Counter.transmitSyscalls, calls);
    if (sent > 0) this.#addSent(sent, bytes, superPackets);
    return done;
  }

  #writeOne(message: number, packet: PacketBuffer): number {
    const iovecs = this.#table.iovecAddress(message);
    if (this.#options.vnetHeaderBytes !== 0) return writev(this.fd, iovecs, 2);
    return write(this.fd, this.#addressOf(message, packet), packet.length);
  }

  /** Where the frame of message `message` lies: in its own memory, or in the copy that `#load` made of it. */
  #addressOf(message: number, packet: PacketBuffer): number {
    const { address } = packet.memory;
    if (address !== 0) return address + packet.start;
    const arena = this.#copies as Arena;
    return arena.address + arena.frameStart(message);
  }

  /** Of part of a batch: what went is counted packet by packet. */
  #countSent(list: PacketList, from: number, count: number): void {
    let bytes = 0;
    let superPackets = 0;
    for (let index = from; index < from + count; index++) {
      const packet = list.at(index);
      bytes += packet.length;
      if (packet.gsoType !== 'none') superPackets++;
    }
    this.#addSent(count, bytes, superPackets);
  }

  #addSent(count: number, bytes: number, superPackets: number): void {
    this.#counters.add(Counter.transmittedPackets, count);
    this.#counters.add(Counter.transmittedBytes, bytes);
    if (superPackets > 0) this.#counters.add(Counter.transmittedSuperPackets, superPackets);
  }

  /**
   * What a failed call means for the packet that it was about.
   * @returns true when the packet is dropped and counted, false when the fd is full and the rest must wait
   */
  #refuse(result: number): boolean {
    switch (-result) {
      case ERRNO.EAGAIN:
        this.#awaitWritable();
        return false;
      case ERRNO.ENOBUFS:
        this.#awaitRetry();
        return false;
      case ERRNO.EIO:
      case ERRNO.ENETDOWN:
      case ERRNO.ENXIO:
      case ERRNO.EBADFD:
        this.#counters.add(Counter['link-down'], 1);
        return true;
      case ERRNO.EPIPE:
      case ERRNO.ECONNRESET:
      case ERRNO.ECONNREFUSED:
      case ERRNO.ENOTCONN:
        this.#counters.add(Counter['no-peer'], 1);
        return true;
      default:
        this.#counters.add(Counter['transmit-refused'], 1);
        return true;
    }
  }

  /** Where the fd cannot be polled (no descriptor is left for that, or somebody else polls it) a timer does. */
  #awaitWritable(): void {
    if (this.#isWaiting) return;
    try {
      this.#poll.setWriter(this.#onWritable);
      this.#isWaiting = true;
    } catch {
      this.#poll.setWriter(null);
      this.#awaitRetry();
    }
  }

  readonly #onWritable = (): void => {
    this.#isWaiting = false;
    this.#poll.setWriter(null);
    this.#options.onDrain();
  };

  #awaitRetry(): void {
    if (this.#retry !== null) return;
    this.#retry = setTimeout(this.#onRetry, this.#retryMilliseconds);
    this.#retryMilliseconds = Math.min(this.#retryMilliseconds * 2, LAST_RETRY_MILLISECONDS);
  }

  readonly #onRetry = (): void => {
    this.#retry = null;
    this.#options.onDrain();
  };
}
