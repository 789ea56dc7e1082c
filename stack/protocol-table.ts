/**
 * Who handles which EtherType: one table per stack, asked by all its NICs.
 */

import type { Nic } from './nic.ts';
import type { PacketBuffer } from './packet-buffer.ts';

/** Takes the packets of one EtherType from all NICs of a stack; the packet is lent until the call returns. */
export type PacketHandler = (nic: Nic, packet: PacketBuffer, protocol: number) => void;

/** The form of a handler that has state, or that gathers its answers until the end of a batch. */
export interface ProtocolHandler {
  /** One packet has come in. What may be done to it: see network-dispatcher.ts. */
  handlePacket(nic: Nic, packet: PacketBuffer, protocol: number): void;

  /** The packets that came in together on `nic` are handled: the time to write gathered answers. */
  handleBatchEnd?(nic: Nic): void;
}

/** The protocol handlers of a stack. */
export class ProtocolTable {
  readonly #handlers = new Map<number, ProtocolHandler>();
  #batchEnders: readonly ProtocolHandler[] = [];

  /** The handler of `etherType`. */
  get(etherType: number): ProtocolHandler | undefined {
    return this.#handlers.get(etherType);
  }

  /** Sets, replaces or, with null, removes the handler of `etherType`; allowed inside a delivery. */
  set(etherType: number, handler: PacketHandler | ProtocolHandler | null): void {
    if (handler === null) this.#handlers.delete(etherType);
    else this.#handlers.set(etherType, typeof handler === 'function' ? { handlePacket: handler } : handler);
    const wanting = [...this.#handlers.values()].filter((each) => each.handleBatchEnd !== undefined);
    this.#batchEnders = [...new Set(wanting)]; // a handler of two EtherTypes is told once
  }

  /** Tells every handler that wants to know that a batch of `nic` has ended. */
  endBatch(nic: Nic): void {
    const handlers = this.#batchEnders;
    for (let index = 0; index < handlers.length; index++) handlers[index]?.handleBatchEnd?.(nic);
  }
}
