/**
 * The contract between a way of receiving and whoever takes its frames.
 *
 *     event loop or worker          LinkDispatcher                 FrameSink
 *     "fd is readable"  ──────────► dispatch(sink) ── per frame ─► deliverFrame(packet)
 *                                   one batch                      link/ implements it, so that
 *                       ◄────────── frames, or why not             dispatch/ never imports link/
 *
 * gVisor calls the same thing linkDispatcher; its variants are readv.ts, recvmmsg.ts and packet-mmap.ts.
 */

import type { PacketBuffer } from '../stack/packet-buffer.ts';

/** How frames are taken from an fd. */
export type DispatchMode = 'readv' | 'recvmmsg' | 'packet-mmap';

/** `dispatch()` result: the other side is gone and all that it sent has been delivered. No errno has this value. */
export const HANGUP = -0x10000;

/** Takes the frames of a batch, one by one, in order. */
export interface FrameSink {
  /** One frame, lent until the call returns; `start`, `end` and the offload metadata are set. Throws what the user throws. */
  deliverFrame(packet: PacketBuffer): void;
  /** Nobody is there any more: what has not been taken from the fd yet stays there, for the next one. */
  readonly isDetached?: boolean;
}

/** Reads one fd in one way. Used by one thread at a time. */
export interface LinkDispatcher {
  readonly fd: number;
  readonly mode: DispatchMode;
  /** The last `dispatch()` took all that was there: wait for readiness before the next. */
  readonly isDrained: boolean;
  /** Frames or an error wait in it that readiness of the fd does not tell of. Absent: never. */
  readonly holdsResult?: boolean;

  /**
   * Takes one batch from the fd and delivers it.
   * @param limit most frames to take, besides the dispatcher's own batch size
   * @returns how many frames were taken, dropped ones included; -errno or HANGUP when there was none
   * @throws what the sink throws; the rest of the batch is counted `detached` then
   */
  dispatch(sink: FrameSink, limit: number): number;

  /**
   * Takes the error that poll(2) reported, where `dispatch()` itself would not meet it (a ring is no system call).
   * @returns -errno, or 0 where the next `dispatch()` will tell
   */
  takeError(): number;

  /** Adds what the kernel dropped since the last call to the counters. A system call: not per batch. */
  collectKernelDrops(): void;

  /** Gives back slots, tables and rings; the fd stays open. Idempotent. */
  close(): void;
}
