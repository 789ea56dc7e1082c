/**
 * Tables of messages for recvmmsg(2), sendmmsg(2) and writev(2), filled in once and used for every batch.
 *
 * @packageDocumentation
 */

import * as layout from './layout.ts';
import * as libc from './libc.ts';
import { allocatePinned, freePinned, type PinnedBuffer } from './memory.ts';

/** IOV_MAX, <limits.h>: the kernel's limit on iovecs per message, and on messages per call (UIO_MAXIOV). */
export const MAX_VECTORS = 1024;

// Everything is read and written as 32-bit words.
const WORD_BYTES = 4;
const MESSAGE_WORDS = layout.MMSGHDR_BYTES / WORD_BYTES;
const IOVEC_WORDS = layout.IOVEC_BYTES / WORD_BYTES;
const LENGTH_WORD = layout.MMSGHDR_LENGTH / WORD_BYTES;
const FLAGS_WORD = layout.MSGHDR_FLAGS / WORD_BYTES;
const IOVEC_COUNT_WORD = layout.MSGHDR_IOVEC_COUNT / WORD_BYTES;
const IOVEC_LENGTH_WORD = layout.IOVEC_LENGTH / WORD_BYTES;

/**
 * A table of `messageCount` messages with up to `iovecsPerMessage` pieces each, in one pinned SharedArrayBuffer:
 *
 *     | mmsghdr 0 | mmsghdr 1 | … | iovecs of message 0 | iovecs of message 1 | … |
 *          '- msg_iov ---------------^
 *
 * It knows addresses, not what is behind them: the caller keeps the memory of its pieces pinned. After `close()` the
 * table has no address and every call answers -EFAULT.
 */
export class MessageTable {
  readonly messageCount: number;
  readonly iovecsPerMessage: number;
  readonly #memory: PinnedBuffer;
  readonly #words: Int32Array;
  readonly #firstIovecWord: number;
  #address: number;

  constructor(messageCount: number, iovecsPerMessage: number) {
    checkCount('messageCount', messageCount);
    checkCount('iovecsPerMessage', iovecsPerMessage);
    this.messageCount = messageCount;
    this.iovecsPerMessage = iovecsPerMessage;
    const headerBytes = messageCount * layout.MMSGHDR_BYTES;
    const iovecBytes = messageCount * iovecsPerMessage * layout.IOVEC_BYTES;
    this.#memory = allocatePinned(headerBytes + iovecBytes);
    this.#words = this.#memory.words;
    this.#firstIovecWord = headerBytes / WORD_BYTES;
    this.#address = this.#memory.address;
    for (let message = 0; message < messageCount; message++) {
      const at = message * MESSAGE_WORDS;
      putAddress(this.#words, at + layout.MSGHDR_IOVEC / WORD_BYTES, this.iovecAddress(message));
      this.#words[at + IOVEC_COUNT_WORD] = iovecsPerMessage;
    }
  }

  /** Points piece `index` of `message` at `length` bytes from `address`. */
  setIovec(message: number, index: number, address: number, length: number): void {
    const at = this.#iovecWord(message, index);
    putAddress(this.#words, at, address);
    this.#words[at + IOVEC_LENGTH_WORD] = length;
  }

  /** Changes the length of a piece and leaves its address. */
  setIovecLength(message: number, index: number, length: number): void {
    this.#words[this.#iovecWord(message, index) + IOVEC_LENGTH_WORD] = length;
  }

  /** How many of its pieces `message` uses; all of them at first. */
  setIovecCount(message: number, count: number): void {
    this.#words[message * MESSAGE_WORDS + IOVEC_COUNT_WORD] = count;
  }

  /** How many of its pieces `message` uses. */
  iovecCount(message: number): number {
    return this.#words[message * MESSAGE_WORDS + IOVEC_COUNT_WORD]!;
  }

  /** msg_len: bytes that the last `receive` or `send` moved for `message`. Stale where the call did not reach it. */
  length(message: number): number {
    return this.#words[message * MESSAGE_WORDS + LENGTH_WORD]!;
  }

  /** msg_flags of the last `receive` (MSG_TRUNC, MSG_EOR, …). */
  flags(message: number): number {
    return this.#words[message * MESSAGE_WORDS + FLAGS_WORD]!;
  }

  /** Address of the message's first iovec, for readv(2) and writev(2). */
  iovecAddress(message: number): number {
    return this.#address === 0
      ? 0
      : this.#address + (this.#firstIovecWord + message * this.iovecsPerMessage * IOVEC_WORDS) * WORD_BYTES;
  }

  /** recvmmsg(2) into messages `first` … `first + count - 1`: messages received, or -errno. */
  receive(fd: number, first: number, count: number, flags: number): number {
    const received = libc.recvmmsg(fd, this.#header(first), count, flags, 0);
    return received < 0 ? -libc.errno() : received;
  }

  /**
   * sendmmsg(2) of messages `first` … `first + count - 1`: messages sent, or -errno when not even the first was. A
   * short count hides the error of the message that follows; sending again from there tells it.
   */
  send(fd: number, first: number, count: number, flags: number): number {
    const sent = libc.sendmmsg(fd, this.#header(first), count, flags);
    return sent < 0 ? -libc.errno() : sent;
  }

  /** Gives up the memory. Idempotent. */
  close(): void {
    if (this.#address === 0) return;
    this.#address = 0;
    freePinned(this.#memory);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #header(message: number): number {
    return this.#address === 0 ? 0 : this.#address + message * layout.MMSGHDR_BYTES;
  }

  #iovecWord(message: number, index: number): number {
    return this.#firstIovecWord + (message * this.iovecsPerMessage + index) * IOVEC_WORDS;
  }
}

/** Stores a 64-bit address as two little-endian words; storing into an Int32Array keeps the low 32 bits. */
function putAddress(words: Int32Array, at: number, address: number): void {
  words[at] = address;
  words[at + 1] = address / 0x1_0000_0000;
}

function checkCount(name: string, count: number): void {
  if (Number.isInteger(count) && count >= 1 && count <= MAX_VECTORS) return;
  throw new RangeError(`Cannot make a message table: ${name} is ${count}; it must be 1 to ${MAX_VECTORS}`);
}
