/**
 * The words of a shared ring, in one Int32Array over a SharedArrayBuffer.
 *
 *     word 0    HEAD               slots committed, free-running      written by the producer
 *     word 16   TAIL               slots released, free-running       written by the consumer
 *     word 32   CONSUMER_SLEEPS    1 while it waits for a commit      consumer sets, whoever clears it wakes
 *     word 48   PRODUCER_SLEEPS    1 while it waits for a release     producer sets, whoever clears it wakes
 *     word 64   STOP               when the producer shall end        written by the consumer
 *     word 80   slot 0: length, flags; slot 1: length, flags; ...     written by the producer before it commits
 *
 * Every control word has a cache line of its own, so that the two threads do not fight for one.
 */

const CACHE_LINE_WORDS = 16;

/** Control words: see the picture. */
export const HEAD = 0;
export const TAIL: number = CACHE_LINE_WORDS;
export const CONSUMER_SLEEPS: number = 2 * CACHE_LINE_WORDS;
export const PRODUCER_SLEEPS: number = 3 * CACHE_LINE_WORDS;
export const STOP: number = 4 * CACHE_LINE_WORDS;
export const FIRST_SLOT: number = 5 * CACHE_LINE_WORDS;

/** STOP: go on. */
export const GO_ON = 0;
/** STOP: end now. */
export const STOP_NOW = 1;
/** STOP: end when the fd has nothing more. */
export const STOP_WHEN_EMPTY = 2;

/** Words of a slot's record. */
export const SLOT_WORDS = 2;
/** Bytes in the slot, virtio-net header included. */
export const SLOT_LENGTH = 0;
/** OR of the bits below. */
export const SLOT_FLAGS = 1;

/** The frame was longer than the slot. */
export const TRUNCATED = 1;
/** The kernel verified the transport checksum. */
export const VALIDATED = 2;

/** Words of a ring of `slotCount` slots. */
export function ringWords(slotCount: number): number {
  return FIRST_SLOT + slotCount * SLOT_WORDS;
}
