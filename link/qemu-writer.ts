/**
 * Writes a QEMU stream: one gather write a batch, and a frame that was cut is finished before anything else.
 *
 *     packets ─► [length][frame][length][frame] ... ─► sendmsg(2)
 *                                      └ cut here: the rest is copied, for the packet is the caller's again
 *
 * passt's early tap_send() sends length and frame by two non-blocking calls: when the second does not fit, the stream
 * is out of step for ever (DESIGN row 15). Here a short count is resumed at the very byte, when the socket is writable
 * again, and only then is it worth telling `onDrain`.
 */

import type { FdPoll } from '../dispatch/fd-poll.ts';
import { completeChecksum } from '../gso/index.ts';
import { MSG_DONTWAIT, MSG_NOSIGNAL } from '../native/constants.ts';
import { ERRNO } from '../native/errno.ts';
import { allocatePinned, freePinned, type PinnedBuffer } from '../native/memory.ts';
import { MessageTable } from '../native/vectors.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';
import type { PacketList } from '../stack/packet-list.ts';
import { Counter, type StatisticsBlock } from '../stack/statistics.ts';
import { LENGTH_BYTES } from './qemu-frames.ts';

/** Most packets per system call. */
const BATCH = 64;
/** The message of a batch, and the message of a rest. */
const BATCH_MESSAGE = 0;
const REST_MESSAGE = 1;
/** Wait before the next try where polling does not help: without memory in the kernel the socket stays writable. */
const RETRY_MILLISECONDS = 10;

/** Writes packets to one stream socket. */
export class QemuWriter {
  readonly fd: number;
  readonly #poll: FdPoll;
  readonly #counters: StatisticsBlock;
  readonly #maxFrameBytes: number;
  readonly #onDrain: () => void;
  readonly #table = new MessageTable(2, 2 * BATCH);
  readonly #lengths: PinnedBuffer = allocatePinned(BATCH * LENGTH_BYTES);
  /** What is left of the frame that was cut: one at a time. */
  #rest: PinnedBuffer | null = null;
  #restAt = 0;
  #restEnd = 0;
  /** Packets of a batch whose memory has no address, one behind the other. */
  #copies: PinnedBuffer | null = null;
  #copiesEnd = 0;
  #retry: NodeJS.Timeout | null = null;
  #isWaiting = false;
  #isOpen = true;

  /** @param onDrain it is worth writing again */
  constructor(fd: number, poll: FdPoll, counters: StatisticsBlock, maxFrameBytes: number, onDrain: () => void) {
    this.fd = fd;
    this.#poll = poll;
    this.#counters = counters;
    this.#maxFrameBytes = maxFrameBytes;
    this.#onDrain = onDrain;
    for (let index = 0; index < BATCH; index++) {
      const address = this.#lengths.address + index * LENGTH_BYTES;
      this.#table.setIovec(BATCH_MESSAGE, 2 * index, address, LENGTH_BYTES);
    }
    this.#table.setIovecCount(REST_MESSAGE, 1);
  }

  /** Bytes of a frame that was accepted and is not in the kernel yet. */
  get restBytes(): number {
    return this.#restEnd - this.#restAt;
  }

  /** Writes the packets of the list: how many were accepted, whole or as a frame that will be finished. */
  write(list: PacketList): number {
    let accepted = 0;
    while (accepted < list.length && !this.#isWaiting) {
      const count = this.#load(list, accepted);
      const sent = this.#send(BATCH_MESSAGE);
      if (sent === -ERRNO.EINTR) continue;
      if (sent < 0 && this.#waitIfFull(sent)) break;
      accepted += sent < 0 ? this.#lose(count, sent) : this.#settle(list, accepted, count, sent);
    }
    return accepted;
  }

  /** Gives the tables back, after a last try to finish a frame that was cut; the fd stays open. Idempotent. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.restBytes > 0) this.#sendRest();
    this.#poll.setWriter(null);
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#table.close();
    freePinned(this.#lengths);
    if (this.#rest !== null) freePinned(this.#rest);
    if (this.#copies !== null) freePinned(this.#copies);
  }

  /** Points the table at packets from `from` on: how many. */
  #load(list: PacketList, from: number): number {
    const table = this.#table;
    const most = Math.min(BATCH, list.length - from);
    this.#copiesEnd = 0;
    let count = 0;
    for (; count < most; count++) {
      const packet = list.at(from + count);
      const length = this.#sentBytes(packet);
      const address = packet.memory.address === 0 ? this.#copy(packet) : packet.memory.address + packet.start;
      if (address === 0) break;
      this.#lengths.view.setUint32(count * LENGTH_BYTES, length);
      table.setIovecLength(BATCH_MESSAGE, 2 * count, length === 0 ? 0 : LENGTH_BYTES);
      table.setIovec(BATCH_MESSAGE, 2 * count + 1, address, length);
    }
    table.setIovecCount(BATCH_MESSAGE, 2 * count);
    return count;
  }

  /** Address of a copy, or 0 when the batch must be sent first. One packet always fits. */
  #copy(packet: PacketBuffer): number {
    const copies = (this.#copies ??= allocatePinned(this.#maxFrameBytes));
    const at = this.#copiesEnd;
    if (this.#sentBytes(packet) === 0) return copies.address;
    if (at + packet.length > copies.bytes.length) return 0;
    copies.bytes.set(packet.bytes.subarray(packet.start, packet.end), at);
    this.#copiesEnd += packet.length;
    this.#counters.add(Counter.transmitCopies, 1);
    return copies.address + at;
  }

  /**
   * Bytes of the frame that are sent: none of one that is empty or too long, which would end the connection, or that is
   * unsound. A partial checksum is completed, for nobody behind the stream would do it.
   */
  #sentBytes(packet: PacketBuffer): number {
    const { length } = packet;
    return length <= this.#maxFrameBytes && packet.isInMemory && completeChecksum(packet) ? length : 0;
  }

  /** Bytes sent, or -errno. sendmmsg(2) of one message: unlike writev(2) it takes flags. */
  #send(message: number): number {
    this.#counters.add(Counter.transmitSyscalls, 1);
    const sent = this.#table.send(this.fd, message, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? sent : this.#table.length(message);
  }

  /** `sent` bytes of the `count` packets from `from` on are in the kernel: how many packets that makes. */
  #settle(list: PacketList, from: number, count: number, sent: number): number {
    let left = sent;
    let bytes = 0;
    let accepted = 0;
    let refused = 0;
    for (; accepted < count; accepted++) {
      const length = this.#sentBytes(list.at(from + accepted));
      const wireBytes = length === 0 ? 0 : LENGTH_BYTES + length;
      if (left < wireBytes) break;
      left -= wireBytes;
      bytes += length;
      if (length === 0) refused++;
    }
    if (accepted < count) {
      const cut = list.at(from + accepted);
      if (left > 0) {
        this.#keepRest(cut, accepted, left);
        bytes += cut.length;
        accepted++;
      }
      this.#awaitWritable();
    }
    this.#counters.add(Counter.transmittedPackets, accepted - refused);
    this.#counters.add(Counter.transmittedBytes, bytes);
    if (refused > 0) this.#counters.add(Counter['transmit-refused'], refused);
    return accepted;
  }

  /** Copies what is missing of packet `index` of the batch, of which `sent` bytes, counting its length, have gone. */
  #keepRest(packet: PacketBuffer, index: number, sent: number): void {
    const rest = (this.#rest ??= allocatePinned(LENGTH_BYTES + this.#maxFrameBytes));
    const at = index * LENGTH_BYTES;
    rest.bytes.set(this.#lengths.bytes.subarray(at, at + LENGTH_BYTES), 0);
    rest.bytes.set(packet.bytes.subarray(packet.start, packet.end), LENGTH_BYTES);
    this.#restAt = sent;
    this.#restEnd = LENGTH_BYTES + packet.length;
  }

  /** Nothing went, for a reason that waiting does not mend: the packets are accepted, dropped and counted. */
  #lose(count: number, failure: number): number {
    this.#counters.add(Counter[isPeerGone(failure) ? 'no-peer' : 'transmit-refused'], count);
    return count;
  }

  /** Whether the failure means that trying later helps; that is arranged for, then. */
  #waitIfFull(failure: number): boolean {
    if (failure === -ERRNO.EAGAIN) this.#awaitWritable();
    else if (failure === -ERRNO.ENOBUFS || failure === -ERRNO.ENOMEM) this.#awaitRetry();
    else return false;
    return true;
  }

  /** Where the fd cannot be polled (no descriptor is left for that, or somebody else polls it) a timer does. */
  #awaitWritable(): void {
    this.#isWaiting = true;
    try {
      this.#poll.setWriter(this.#onWritable);
    } catch {
      this.#awaitRetry();
    }
  }

  #awaitRetry(): void {
    this.#isWaiting = true;
    this.#poll.setWriter(null);
    this.#retry ??= setTimeout(this.#onRetry, RETRY_MILLISECONDS);
  }

  readonly #onRetry = (): void => {
    this.#retry = null;
    this.#onWritable();
  };

  readonly #onWritable = (): void => {
    const failure = this.#sendRest();
    if (failure < 0 && this.#waitIfFull(failure)) return;
    this.#restAt = this.#restEnd; // also when the connection is dead: whoever reads it will tell
    this.#isWaiting = false;
    this.#poll.setWriter(null);
    this.#onDrain();
  };

  /** Goes on with the frame that was cut: 0 when nothing is left of it, or -errno. */
  #sendRest(): number {
    while (this.restBytes > 0) {
      this.#table.setIovec(REST_MESSAGE, 0, (this.#rest as PinnedBuffer).address + this.#restAt, this.restBytes);
      const sent = this.#send(REST_MESSAGE);
      if (sent >= 0) this.#restAt += sent;
      else if (sent !== -ERRNO.EINTR) return sent;
    }
    return 0;
  }
}

function isPeerGone(failure: number): boolean {
  return failure === -ERRNO.EPIPE || failure === -ERRNO.ECONNRESET || failure === -ERRNO.ENOTCONN;
}
