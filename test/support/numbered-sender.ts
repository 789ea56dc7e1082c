/** Writes numbered packets to an endpoint, at most so many ahead of what has arrived. */

import type { LinkEndpoint } from '../../stack/link-endpoint.ts';
import { PacketList } from '../../stack/packet-list.ts';
import type { Ledger } from './ledger.ts';
import { numberedBytes, writeNumbered } from './numbered-packet.ts';

/** Most packets in a `writePackets`. */
const LIST_PACKETS = 32;
/** 02:00:00:00:00:02: where the packets go. */
const PEER = 0x0200_0000_0002;
/** 192.0.2.2 and 192.0.2.3 take turns: what a multiplexer routes by. */
export const REMOTE_ADDRESSES: readonly [number, number] = [0xc000_0202, 0xc000_0203];

/** Which of the packets a sender sends, and how far ahead. */
export interface SenderOptions {
  /** Numbers `lane`, `lane + lanes`, ... */
  readonly lane: number;
  /** Most packets on their way. */
  readonly window: number;
}

/** Sends one lane of the ledger's packets. */
export class NumberedSender {
  readonly #link: LinkEndpoint;
  readonly #ledger: Ledger;
  readonly #options: SenderOptions;
  readonly #list = new PacketList();
  #sent = 0;

  constructor(link: LinkEndpoint, ledger: Ledger, options: SenderOptions) {
    this.#link = link;
    this.#ledger = ledger;
    this.#options = options;
  }

  /** Packets that were accepted. */
  get sentCount(): number {
    return this.#sent;
  }

  /** All packets of the lane are written. */
  get isDone(): boolean {
    return this.#numberOf(this.#sent) >= this.#ledger.data.total;
  }

  /** Writes a list of what the window has room for. */
  pump(): void {
    const { lane, window } = this.#options;
    const room = Math.min(LIST_PACKETS, window - (this.#sent - this.#ledger.arrived(lane)));
    this.#list.clear();
    while (this.#list.length < room && this.#load(this.#numberOf(this.#sent + this.#list.length)));
    if (this.#list.length === 0) return;
    this.#sent += this.#link.writePackets(this.#list);
    for (const packet of this.#list) packet.release();
  }

  #numberOf(index: number): number {
    return this.#options.lane + index * this.#ledger.data.lanes;
  }

  #load(number: number): boolean {
    const { total, offloads } = this.#ledger.data;
    if (number >= total) return false;
    const packet = this.#link.allocate(numberedBytes(number, offloads));
    if (packet === null) return false;
    writeNumbered(packet, number, offloads);
    packet.egress.remoteLinkAddress = PEER;
    packet.egress.remoteAddress = REMOTE_ADDRESSES[number % 2] as number;
    this.#link.addHeader(packet);
    this.#list.push(packet);
    return true;
  }
}
