/**
 * The framing of QEMU's `-netdev stream|socket`, of passt, socket_vmnet and libkrun, on a byte stream:
 *
 *     │ length u32 BE │ Ethernet frame, no FCS │ length │ frame ...
 *       └ without its own 4 bytes
 *
 * And the state machine that takes it apart, wherever the stream was cut. It reads into one buffer, frames are lent
 * where they lie, and only the tail of the last, incomplete frame is ever moved:
 *
 *     ├ headroom ┤ consumed │ length frame │ length frame │ length fra ├──── room ────┤
 *                           at                                         end            limit
 *
 * net_fill_rstate() of QEMU's net/net.c and tap_send() of passt's tap.c are the other side.
 */

import { LinkpointError } from '../errors.ts';
import { Arena } from '../stack/arena.ts';

/** Bytes of the length before each frame. */
export const LENGTH_BYTES = 4;

/** Longest frame that is accepted by default: an Ethernet header and 64 KiB. QEMU's own limit is a little above. */
export const DEFAULT_MAX_FRAME_BYTES: number = 65_536 + 14;

/** `peek()`: no whole frame is there; read on. */
export const INCOMPLETE = -1;
/** `peek()`: the peer announces a frame that cannot be; the stream is lost. */
export const MALFORMED = -2;

/** With less room than this a read would be cut short for no reason. */
const LEAST_ROOM_BYTES = 65_536;
/** What a read may take at once besides a whole frame: more than a unix socket queues by default. */
const BATCH_BYTES = 196_608;

/** The peer does not speak this framing, or is hostile: its connection is closed. */
export class QemuFrameError extends LinkpointError {
  /** Length that the peer announced, in bytes. */
  readonly frameBytes: number;
  /** The most that would have been accepted, in bytes. */
  readonly limitBytes: number;

  constructor(fd: number, frameBytes: number, limitBytes: number) {
    super(
      'ERR_QEMU_FRAME',
      `Cannot receive from fd ${fd}: the peer announces a frame of ${frameBytes} bytes; 1 to ${limitBytes} are taken`,
    );
    this.frameBytes = frameBytes;
    this.limitBytes = limitBytes;
  }
}

/** Takes a byte stream apart into frames. Knows no fd: whoever has bytes puts them behind `end` and commits them. */
export class QemuFrames {
  /** The buffer, one slot: to be pinned by whoever reads into it. */
  readonly arena: Arena;
  /** Longest frame that is accepted, in bytes. */
  readonly maxFrameBytes: number;
  readonly #first: number;
  readonly #limit: number;
  #at: number;
  #end: number;

  constructor(maxFrameBytes: number = DEFAULT_MAX_FRAME_BYTES) {
    this.maxFrameBytes = maxFrameBytes;
    this.arena = new Arena(1, LENGTH_BYTES + maxFrameBytes + BATCH_BYTES);
    this.#first = this.arena.frameStart(0);
    this.#limit = this.arena.frameLimit(0);
    this.#at = this.#first;
    this.#end = this.#first;
  }

  /** Where the next bytes of the stream go. */
  get end(): number {
    return this.#end;
  }

  /** Position of the frame that `peek` found, behind its length. */
  get frameStart(): number {
    return this.#at + LENGTH_BYTES;
  }

  /** Bytes of a frame, and of its length, that have come without making it whole. */
  get pendingBytes(): number {
    return this.#end - this.#at;
  }

  /** The length that the peer announces next; 0 while it is not whole. */
  get announcedBytes(): number {
    return this.pendingBytes < LENGTH_BYTES ? 0 : this.arena.view.getUint32(this.#at);
  }

  /** Makes room: how many bytes, never 0, may be put at `end`. No frame may be lent, for the tail may move. */
  reserve(): number {
    if (this.#at === this.#end) this.#moveTail(0);
    else if (this.#limit - this.#end < LEAST_ROOM_BYTES) this.#moveTail(this.#end - this.#at);
    return this.#limit - this.#end;
  }

  /** `byteCount` bytes have been put at `end`. */
  commit(byteCount: number): void {
    this.#end += byteCount;
  }

  /** Bytes of the frame at `frameStart`, INCOMPLETE, or MALFORMED, which is for good. */
  peek(): number {
    const available = this.#end - this.#at - LENGTH_BYTES;
    if (available < 0) return INCOMPLETE;
    const length = this.arena.view.getUint32(this.#at);
    if (length === 0 || length > this.maxFrameBytes) return MALFORMED;
    return length > available ? INCOMPLETE : length;
  }

  /** Goes on behind a frame of `frameBytes`, which `peek` has found; its bytes stay until `reserve`. */
  release(frameBytes: number): void {
    this.#at += LENGTH_BYTES + frameBytes;
  }

  #moveTail(byteCount: number): void {
    if (byteCount > 0) this.arena.bytes.copyWithin(this.#first, this.#at, this.#end);
    this.#at = this.#first;
    this.#end = this.#first + byteCount;
  }
}
