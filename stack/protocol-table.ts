/** Who handles which EtherType: one table per stack, asked by all its NICs. */

import type { Nic, PacketHandler, ProtocolDemultiplexer, ProtocolHandler } from './nic.ts';

/** The protocol handlers of a stack. */
export class ProtocolTable implements ProtocolDemultiplexer {
  readonly #handlers = new Map<number, ProtocolHandler>();
  #batchEnders: readonly ProtocolHandler[] = [];

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

  endBatch(nic: Nic): void {
    const handlers = this.#batchEnders;
    for (let index = 0; index < handlers.length; index++) handlers[index]?.handleBatchEnd?.(nic);
  }
}
