/**
 * The receive ring of an AF_PACKET socket, TPACKET_V3: set up with the endpoint and taken off again with it.
 *
 *     openFdBased ── open ──► kernel fills blocks ── attach: a reader maps them, detach: it unmaps them ── ... ── close
 *
 * It is not the readers' own, because a ring takes the socket's queue away when it is set up: frames that came between
 * the opening of an endpoint and the start of a worker would be lost.
 *
 * Source: Documentation/networking/packet_mmap.rst, linux/if_packet.h.
 */

import { PACKET_RX_RING, SOL_PACKET } from '../native/constants.ts';
import * as layout from '../native/layout.ts';
import { setupRxRing } from '../native/packet-socket.ts';
import { trySetOption } from '../native/socket.ts';

/** Shape of a receive ring. */
export interface RingGeometry {
  /** Bytes of a block: a multiple of the page size; must hold the longest frame. */
  readonly blockBytes: number;
  /** Number of blocks. */
  readonly blockCount: number;
  /** Longest time that the kernel keeps a block that is not full, in milliseconds; 0 lets it choose. */
  readonly retireMilliseconds: number;
}

/**
 * 8 MiB. A block holds the longest super-frame; it retires fast, for latency, and as a trickle of frames takes a block
 * each millisecond then, there are enough of them for a reader that is busy for 60 ms.
 */
export const DEFAULT_RING_GEOMETRY: RingGeometry = { blockBytes: 1 << 17, blockCount: 64, retireMilliseconds: 1 };

/** Nominal only: V3 packs frames of any size into a block. The kernel wants it to divide the block. */
const FRAME_BYTES = 2048;

/** A request for no ring at all. */
const NO_RING = new Uint8Array(layout.TPACKET_REQ3_BYTES);

/** The ring of one socket. */
export class RxRing {
  readonly #fd: number;
  #isOpen = true;

  /** @throws SystemError when the kernel refuses the geometry */
  constructor(fd: number, geometry: RingGeometry) {
    setupRxRing(fd, { ...geometry, frameBytes: FRAME_BYTES });
    this.#fd = fd;
  }

  /**
   * Takes the ring off its socket, which is the caller's and may be read in another way now. Nobody may have it mapped.
   * Idempotent; a socket that is closed already has no ring.
   */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    trySetOption(this.#fd, SOL_PACKET, PACKET_RX_RING, NO_RING);
  }
}

/** Sets up rings on all sockets, or on none when the kernel refuses one. */
export function openRxRings(fds: readonly number[], geometry: RingGeometry): RxRing[] {
  const rings: RxRing[] = [];
  try {
    for (const fd of fds) rings.push(new RxRing(fd, geometry));
    return rings;
  } catch (error) {
    for (const ring of rings) ring.close();
    throw error;
  }
}
