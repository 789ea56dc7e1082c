/**
 * The demo's dispatcher: whatever comes is answered in place and written back.
 *
 *     lent packet ─► edited ─┬─► device:  writePackets at once, from the slot that it came in
 *                            └─► socket:  copied to a slot of ours ─► deliverBatchEnd ─► one sendmmsg for the batch
 *
 * A device takes one frame a call, so nothing is gained by waiting; a socket takes a batch a call. What a full link
 * does not take waits in the queue for `drain`, in order: no answer is lost in silence.
 */

import type { LinkEndpoint } from '../stack/link-endpoint.ts';
import type { NetworkDispatcher } from '../stack/network-dispatcher.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';
import { PacketList } from '../stack/packet-list.ts';
import type { Identity } from './demo-addresses.ts';
import { answerInPlace } from './demo-answers.ts';

/** Most answers that wait for a full link; the demo's peers leave less than that unanswered. */
const QUEUE_LIMIT = 1024;

/** Answers ARP, NDP, ICMPv4 and ICMPv6 echo, and UDP echo. */
export class EchoDispatcher implements NetworkDispatcher {
  readonly #endpoint: LinkEndpoint;
  readonly #ours: Identity;
  readonly #isBatched: boolean;
  readonly #single = new PacketList();
  readonly #queue = new PacketList();
  #answered = 0;
  #ignored = 0;
  #lost = 0;

  /** @param isBatched the endpoint's fd is a socket: collect the answers of a batch */
  constructor(endpoint: LinkEndpoint, ours: Identity, isBatched: boolean) {
    this.#endpoint = endpoint;
    this.#ours = ours;
    this.#isBatched = isBatched;
  }

  /** Packets answered. */
  get answered(): number {
    return this.#answered;
  }

  /** Packets that wanted no answer: multicast listener reports, router solicitations. */
  get ignored(): number {
    return this.#ignored;
  }

  /** Answers that found the queue full. */
  get lost(): number {
    return this.#lost;
  }

  deliverNetworkPacket(protocol: number, packet: PacketBuffer): void {
    if (!answerInPlace(protocol, packet, this.#ours)) {
      this.#ignored++;
      return;
    }
    this.#answered++;
    if (this.#isBatched || this.#queue.length > 0 || !this.#writeBack(packet)) this.#enqueue(packet);
  }

  deliverBatchEnd(): void {
    this.flush();
  }

  /** Writes what waits; to be called on `drain`, too. */
  flush(): void {
    const queue = this.#queue;
    if (queue.length === 0) return;
    const accepted = this.#endpoint.writePackets(queue);
    for (let index = 0; index < accepted; index++) queue.at(index).release();
    queue.dropFirst(accepted);
  }

  #writeBack(packet: PacketBuffer): boolean {
    this.#single.clear();
    this.#single.push(packet);
    return this.#endpoint.writePackets(this.#single) === 1;
  }

  /** A lent packet is gone when the delivery returns: what waits is a copy. */
  #enqueue(packet: PacketBuffer): void {
    if (this.#queue.length >= QUEUE_LIMIT) {
      this.#lost++;
      return;
    }
    const copy = this.#endpoint.allocate(packet.networkBytes);
    if (copy === null) return this.#queue.push(packet.clone());
    const shift = copy.networkOffset - packet.networkOffset;
    copy.push(packet.networkOffset - packet.start);
    copy.bytes.set(packet.bytes.subarray(packet.start, packet.end), copy.start);
    copy.copyMetadata(packet, shift);
    this.#queue.push(copy);
  }
}
