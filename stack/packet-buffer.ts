/**
 * A packet: positions in memory that somebody else owns, and what is known about the bytes between them.
 *
 *     memory.bytes
 *     ├── headroom ──┬──────────┬─────────────┬───────────────┬───────────────┬── tail ──┤
 *     base           start      networkOffset transportOffset payload         end       limit
 *                    linkOffset
 *                    └─ what a write puts on the wire ─────────────────────────┘
 *
 * `start` is the first byte of the frame: the link header where the endpoint has one, else the network header. All
 * offsets are positions in `bytes`/`view`, not distances, so growing a header downwards moves no other field.
 *
 * Ownership, in one sentence: an inbound packet is *lent* and valid until the delivery returns; `clone()` it to keep it.
 * The object is re-pointed and not re-made, one per reader and one per slot to send from: keeping it keeps nothing.
 */

import type { IpAddress, LinkAddress } from '../header/address.ts';
import { formatFrame, formatPacket } from '../header/format.ts';
import type { ChecksumState, GsoType, OffloadMetadata } from '../gso/virtio-net-header.ts';
import { HEADROOM_BYTES, type PacketMemory } from './arena.ts';

/** To whom a received frame was addressed, as the kernel's `sll_pkttype` tells it. */
export type PacketType = 'host' | 'broadcast' | 'multicast' | 'other-host' | 'outgoing';

/** Where an outbound packet goes; read by `addHeader` and by multiplexers. */
export interface Egress {
  /** Source link address, or 0 for the endpoint's own. */
  localLinkAddress: LinkAddress;
  /** Destination link address. */
  remoteLinkAddress: LinkAddress;
  /** Next hop or destination; what a multiplexer routes by. */
  remoteAddress: IpAddress | null;
  /** EtherType of the packet, 0 while unknown. */
  protocol: number;
}

/** Whoever gets a packet back when `release()` is called. */
export interface PacketOwner {
  reclaim(packet: PacketBuffer): void;
}

/** One pooled packet. See the picture above for its positions. */
export class PacketBuffer implements OffloadMetadata {
  memory: PacketMemory;
  /** Lowest position that `start` may take. */
  base: number;
  /** Highest position that `end` may take. */
  limit: number;
  /** First byte of the frame. */
  start: number;
  /** Just behind the last byte of the frame. */
  end: number;
  /** Position of the link header, or -1 when there is none. */
  linkOffset = -1;
  /** Position of the network header, or -1 while unknown. */
  networkOffset = -1;
  /** Position of the transport header, or -1 while unknown. */
  transportOffset = -1;
  /** Flow hash, 0 while unknown. */
  hash = 0;
  /** To whom the frame was addressed. */
  packetType: PacketType = 'host';
  /** The frame did not fit its slot and its tail is missing (only delivered on request). */
  truncated = false;

  // What the virtio-net header said on receive, and what it shall say on transmit.
  checksum: ChecksumState = 'none';
  checksumStart = -1;
  checksumOffset = 0;
  gsoType: GsoType = 'none';
  gsoEcn = false;
  gsoSize = 0;
  headerEnd = -1;

  readonly egress: Egress = { localLinkAddress: 0, remoteLinkAddress: 0, remoteAddress: null, protocol: 0 };

  /** Index of the slot in its owner's memory. */
  readonly slot: number;
  /** Incremented whenever an allocated packet goes back to its owner. */
  generation = 0;
  /** Who takes the packet back on `release()`; null for lent packets and clones. */
  owner: PacketOwner | null = null;

  /** The packet begins empty, with `start` and `end` behind the headroom. */
  constructor(memory: PacketMemory, slot: number, base: number, limit: number) {
    this.memory = memory;
    this.slot = slot;
    this.base = base;
    this.limit = limit;
    this.start = Math.min(base + HEADROOM_BYTES, limit);
    this.end = this.start;
  }

  /** The whole memory that the packet lies in; positions such as `start` index it. */
  get bytes(): Uint8Array {
    return this.memory.bytes;
  }

  /** The same memory for reading and writing fields. */
  get view(): DataView {
    return this.memory.view;
  }

  /** Bytes of the frame, link header included. */
  get length(): number {
    return this.end - this.start;
  }

  /** The frame lies in `memory`. Writers ask first, for `end` may come from a length on the wire that was believed. */
  get isInMemory(): boolean {
    return this.start >= 0 && this.start <= this.end && this.end <= this.memory.bytes.length;
  }

  /** Bytes from the network header on: what the MTU bounds. */
  get networkBytes(): number {
    return this.end - (this.networkOffset < 0 ? this.start : this.networkOffset);
  }

  /**
   * Points the packet at another frame of its memory and forgets what was known about the last one, its `egress`
   * included: a slot that forwarded a packet must not send the next one to the same neighbor.
   */
  repoint(start: number, end: number): void {
    this.start = start;
    this.end = end;
    this.linkOffset = -1;
    this.networkOffset = -1;
    this.transportOffset = -1;
    this.hash = 0;
    this.packetType = 'host';
    this.truncated = false;
    this.egress.localLinkAddress = 0;
    this.egress.remoteLinkAddress = 0;
    this.egress.remoteAddress = null;
    this.egress.protocol = 0;
    this.clearOffload();
  }

  /** Forgets checksum and segmentation metadata: the frame is complete as it stands. */
  clearOffload(): void {
    this.checksum = 'none';
    this.checksumStart = -1;
    this.checksumOffset = 0;
    this.gsoType = 'none';
    this.gsoEcn = false;
    this.gsoSize = 0;
    this.headerEnd = -1;
  }

  /**
   * Grows the frame downwards, into the headroom.
   * @param byteCount how far, in bytes
   * @returns the new `start`
   * @throws RangeError when the headroom is too small; nothing is changed then
   */
  push(byteCount: number): number {
    const start = this.start - byteCount;
    if (start < this.base) {
      throw new RangeError(
        `Cannot push ${byteCount} bytes: the headroom has ${this.start - this.base}; allocate the packet from its endpoint`,
      );
    }
    this.start = start;
    return start;
  }

  /**
   * Takes bytes off the front of the frame.
   * @returns false, and nothing is changed, when the frame is shorter
   */
  consume(byteCount: number): boolean {
    if (byteCount > this.end - this.start) return false;
    this.start += byteCount;
    return true;
  }

  /**
   * Writes `source` as the packet's content from `start` on, and sets `end`.
   * @throws RangeError when the slot is too small; nothing is changed then
   */
  fill(source: Uint8Array): this {
    if (this.start + source.length > this.limit) {
      throw new RangeError(`Cannot fill a packet with ${source.length} bytes: its slot takes ${this.limit - this.start}`);
    }
    this.memory.bytes.set(source, this.start);
    this.end = this.start + source.length;
    return this;
  }

  /** A copy of the frame's bytes, link header included. Allocates: for tests and cold paths. */
  copyBytes(): Uint8Array {
    return this.memory.bytes.slice(this.start, this.end);
  }

  /** A copy of the bytes from the network header on. Allocates: for tests and cold paths. */
  copyNetworkBytes(): Uint8Array {
    return this.memory.bytes.slice(this.end - this.networkBytes, this.end);
  }

  /**
   * Copies the packet, with the same headroom and metadata, into private memory: how a lent packet is kept.
   * A link header that was consumed is copied, too. The clone is owned by nobody; the garbage collector takes it.
   */
  clone(): PacketBuffer {
    const headroom = Math.max(HEADROOM_BYTES, this.start - this.base);
    const bytes = new Uint8Array(headroom + this.length);
    const from = this.linkOffset < 0 ? this.start : Math.min(this.start, this.linkOffset);
    bytes.set(this.memory.bytes.subarray(from, this.end), headroom - (this.start - from));
    const copy = new PacketBuffer({ bytes, view: new DataView(bytes.buffer), address: 0 }, 0, 0, bytes.length);
    copy.start = headroom;
    copy.end = bytes.length;
    copy.copyMetadata(this, headroom - this.start);
    return copy;
  }

  /**
   * Takes over everything that is known about `source`'s bytes.
   * @param shift what to add to its positions to get positions here
   */
  copyMetadata(source: PacketBuffer, shift: number): void {
    this.linkOffset = shifted(source.linkOffset, shift);
    this.networkOffset = shifted(source.networkOffset, shift);
    this.transportOffset = shifted(source.transportOffset, shift);
    this.hash = source.hash;
    this.packetType = source.packetType;
    this.truncated = source.truncated;
    this.checksum = source.checksum;
    this.checksumStart = shifted(source.checksumStart, shift);
    this.checksumOffset = source.checksumOffset;
    this.gsoType = source.gsoType;
    this.gsoEcn = source.gsoEcn;
    this.gsoSize = source.gsoSize;
    this.headerEnd = shifted(source.headerEnd, shift);
    this.egress.localLinkAddress = source.egress.localLinkAddress;
    this.egress.remoteLinkAddress = source.egress.remoteLinkAddress;
    this.egress.remoteAddress = source.egress.remoteAddress;
    this.egress.protocol = source.egress.protocol;
  }

  /** Returns an allocated packet to the endpoint that gave it. Lent packets and clones have nothing to return: no effect. */
  release(): void {
    this.owner?.reclaim(this);
  }

  /** One decoded line, for a person. Slow: never per packet. */
  toString(): string {
    if (this.linkOffset >= 0) return formatFrame(this.view, this.linkOffset, this.end);
    const network = this.networkOffset < 0 ? this.start : this.networkOffset;
    return formatPacket(this.view, network, this.end, this.egress.protocol);
  }
}

function shifted(position: number, shift: number): number {
  return position < 0 ? -1 : position + shift;
}
