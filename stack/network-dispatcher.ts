/**
 * The user's side of an endpoint: whoever takes the packets that come in.
 *
 * The rules of a delivery, the same in all ways of running:
 * - the packet is lent: valid until the call returns, `clone()` keeps it;
 * - it may be edited in place and written to any endpoint before the call returns, which forwards without copying;
 * - writing, `attach(null)` and `close()` are allowed inside; the rest of the batch is then counted `detached`;
 * - an exception closes the endpoint with `closed({ kind: 'error', error })`.
 */

import type { PacketBuffer } from './packet-buffer.ts';

/** Which way a packet seen by a link-layer tap goes. */
export type Direction = 'in' | 'out';

/** Takes the packets that an endpoint delivers. */
export interface NetworkDispatcher {
  /**
   * One packet has come in. Its `networkOffset` is set; `linkOffset` too where the link has a header.
   * @param protocol EtherType: 0x0800 IPv4, 0x86dd IPv6, 0x0806 ARP, ...
   */
  deliverNetworkPacket(protocol: number, packet: PacketBuffer): void;

  /** A link-layer tap: sees every packet, in and out, before it goes its way. */
  deliverLinkPacket?(protocol: number, packet: PacketBuffer, direction: Direction): void;

  /** The batch that came in together is delivered: the time to flush coalesced answers. */
  deliverBatchEnd?(): void;
}
