/**
 * The other side of a device: a socket that is driven by native calls alone, so that what it sees owes nothing to the
 * endpoint under test.
 */

import { decode, encode, type VnetHeaderBytes } from '../../gso/virtio-net-header.ts';
import { closeFd, constants, ERRNO, MessageTable, pin, unpin } from '../../native/index.ts';
import * as ethernet from '../../header/ethernet.ts';
import { Arena, type PacketBuffer, PacketPool } from '../../stack/index.ts';
import type { Ledger } from './ledger.ts';
import { numberedBytes, writeNumbered } from './numbered-packet.ts';

/** Our address on the link: 02:00:00:00:00:01. */
export const OWN = 0x0200_0000_0001;
const PEER = 0x0200_0000_0002;

const BATCH = 64;
const SLOT_BYTES = 16_384;

/** Makes `packet` the frame of packet `number`, from the neighbor to us, from position `start` of its memory on. */
export function layFrame(
  packet: PacketBuffer,
  start: number,
  number: number,
  shape: { readonly ethernet: boolean; readonly offloads: boolean },
): void {
  const linkBytes = shape.ethernet ? ethernet.HEADER_BYTES : 0;
  packet.repoint(start, start + linkBytes + numberedBytes(number, shape.offloads));
  packet.networkOffset = start + linkBytes;
  if (shape.ethernet) ethernet.encode(packet.view, start, OWN, PEER, ethernet.ETHERTYPE_IPV4);
  writeNumbered(packet, number, shape.offloads);
}

/** What the frames of a peer look like. */
export interface PeerOptions {
  readonly fd: number;
  readonly vnetHeaderBytes: VnetHeaderBytes;
  /** Frames begin with an Ethernet header. */
  readonly ethernet: boolean;
}

/** Whoever is at the other side of an endpoint under test. */
export interface NumberedPeer {
  /**
   * Sends packets `from` to `to` (exclusive) of the ledger, or some of them.
   * @returns how many
   */
  send(ledger: Ledger, from: number, to: number): number;
  /**
   * Enters what has come, or some of it, in the ledger.
   * @returns how many frames that were
   */
  receive(ledger: Ledger): number;
  close(): void;
}

/** Sends and receives numbered packets over a socket, in batches. Owns the socket. */
export class Peer implements NumberedPeer {
  readonly #options: PeerOptions;
  readonly #arena = new Arena(BATCH, SLOT_BYTES);
  readonly #pool: PacketPool;
  readonly #table = new MessageTable(BATCH, 1);

  constructor(options: PeerOptions) {
    this.#options = options;
    this.#arena.address = pin(this.#arena.bytes);
    this.#pool = new PacketPool(this.#arena);
  }

  send(ledger: Ledger, from: number, to: number): number {
    const count = Math.min(to - from, BATCH);
    for (let index = 0; index < count; index++) this.#load(index, from + index, ledger.data.offloads);
    const sent = this.#table.send(this.#options.fd, 0, count, constants.MSG_DONTWAIT);
    const isFull = sent === -ERRNO.EAGAIN || sent === -ERRNO.ENOBUFS;
    if (sent < 0 && !isFull) throw new Error(`The peer's send failed: ${sent}`);
    return Math.max(sent, 0);
  }

  receive(ledger: Ledger): number {
    const { fd, vnetHeaderBytes } = this.#options;
    for (let slot = 0; slot < BATCH; slot++) {
      const at = this.#arena.frameStart(slot) - vnetHeaderBytes;
      this.#table.setIovec(slot, 0, this.#arena.address + at, vnetHeaderBytes + SLOT_BYTES);
    }
    const received = this.#table.receive(fd, 0, BATCH, constants.MSG_DONTWAIT);
    if (received < 0 && received !== -ERRNO.EAGAIN) throw new Error(`The peer's receive failed: ${received}`);
    for (let slot = 0; slot < received; slot++) this.#enter(slot, ledger);
    return Math.max(received, 0);
  }

  close(): void {
    this.#table.close();
    unpin(this.#arena.bytes);
    closeFd(this.#options.fd);
  }

  get #linkBytes(): number {
    return this.#options.ethernet ? ethernet.HEADER_BYTES : 0;
  }

  #load(slot: number, number: number, offloads: boolean): void {
    const { vnetHeaderBytes } = this.#options;
    const packet = this.#pool.at(slot);
    const start = this.#arena.frameStart(slot);
    layFrame(packet, start, number, { ethernet: this.#options.ethernet, offloads });
    const at = start - vnetHeaderBytes;
    if (vnetHeaderBytes > 0 && !encode(packet, packet.view, at, vnetHeaderBytes)) throw new Error('No header fits');
    this.#table.setIovec(slot, 0, this.#arena.address + at, packet.end - at);
  }

  #enter(slot: number, ledger: Ledger): void {
    const { vnetHeaderBytes } = this.#options;
    const packet: PacketBuffer = this.#pool.at(slot);
    const start = this.#arena.frameStart(slot);
    packet.repoint(start, start - vnetHeaderBytes + this.#table.length(slot));
    packet.networkOffset = start + this.#linkBytes;
    if (vnetHeaderBytes > 0) decode(packet.view, start - vnetHeaderBytes, packet);
    ledger.enter(packet);
  }
}
