/**
 * How frames get from an fd into the slots of an arena: the part of receiving that inline dispatchers and ring workers
 * share. A slot begins with the virtio-net header, read into the last bytes of its headroom (see intake.ts).
 */

/** Fills slots from one fd. */
export interface SlotReader {
  /** The last `fill` took all that was there. */
  readonly isDrained: boolean;
  /**
   * Reads up to `count` frames into the slots from `first` on.
   * @returns how many slots were filled; -errno or HANGUP when none was
   */
  fill(first: number, count: number): number;
  /** Bytes in slot `slot` after a fill, virtio-net header included. */
  length(slot: number): number;
  /** The frame of slot `slot` was longer than the slot. */
  isTruncated(slot: number): boolean;
  /** Writes what was counted since the last time to the counters. */
  flush(): void;
  /** Gives the tables back. Idempotent. */
  close(): void;
}
