/**
 * A stack, as small as one can be: NICs, and one handler per EtherType for the packets of all of them.
 *
 *     const stack = new Stack();
 *     stack.setProtocolHandler(ETHERTYPE_ARP, (nic, packet) => answer(nic, packet));
 *     stack.createNic(1, endpoint);
 *
 * Names are gVisor's (`CreateNIC`, `EnableNIC`, ...), pkg/tcpip/stack/stack.go.
 */

import { LinkpointError } from '../errors.ts';
import type { LinkEndpoint } from './link-endpoint.ts';
import { Nic, type NicId, type NicOptions, type PacketHandler, type ProtocolHandler } from './nic.ts';
import { ProtocolTable } from './protocol-table.ts';

/** A NIC was created with an id that the stack knows already. */
export class DuplicateNicIdError extends LinkpointError {
  constructor(id: NicId) {
    super('ERR_DUPLICATE_NIC_ID', `Cannot create NIC ${id}: the stack has one of this id; remove it first`);
  }
}

/** The stack has no NIC of this id (any more). */
export class UnknownNicIdError extends LinkpointError {
  constructor(action: string, id: NicId) {
    super('ERR_UNKNOWN_NIC_ID', `Cannot ${action} NIC ${id}: the stack has none of this id; create it first`);
  }
}

/** NICs and the protocol handlers that they share. */
export class Stack {
  readonly #nics = new Map<NicId, Nic>();
  readonly #protocols = new ProtocolTable();

  /** The NICs in the order of their creation. */
  get nics(): readonly Nic[] {
    return [...this.#nics.values()];
  }

  /**
   * Makes a NIC and attaches it to `endpoint`, from which packets may come at once unless it begins disabled.
   * @throws RangeError when `id` is no positive integer
   * @throws DuplicateNicIdError when the stack has a NIC of this id
   * @throws AlreadyAttachedError, LinkClosedError as `LinkEndpoint.attach`; the stack is unchanged then
   */
  createNic(id: NicId, endpoint: LinkEndpoint, options: NicOptions = {}): Nic {
    if (!Number.isSafeInteger(id) || id < 1) {
      throw new RangeError(`Cannot create NIC ${id}: a positive integer is required as its id`);
    }
    if (this.#nics.has(id)) throw new DuplicateNicIdError(id);
    const nic = new Nic(id, endpoint, this.#protocols, options);
    this.#nics.set(id, nic); // before the endpoint delivers: a handler may ask for it
    try {
      endpoint.attach(nic);
    } catch (error) {
      this.#nics.delete(id);
      throw error;
    }
    return nic;
  }

  /**
   * The NIC of this id.
   * @throws UnknownNicIdError when there is none
   */
  nic(id: NicId): Nic {
    return this.#require('find', id);
  }

  /** Whether the NIC of this id is there and enabled. */
  checkNic(id: NicId): boolean {
    return this.#nics.get(id)?.isEnabled ?? false;
  }

  /**
   * Lets packets pass through the NIC of this id.
   * @throws UnknownNicIdError when there is none
   */
  enableNic(id: NicId): void {
    this.#require('enable', id).enable();
  }

  /**
   * Makes the NIC of this id count and drop packets, both ways.
   * @throws UnknownNicIdError when there is none
   */
  disableNic(id: NicId): void {
    this.#require('disable', id).disable();
  }

  /**
   * Detaches the NIC of this id from its endpoint and forgets it; allowed inside a delivery. The endpoint stays open:
   * whoever opened it closes it, or attaches it elsewhere.
   * @throws UnknownNicIdError when there is none
   */
  removeNic(id: NicId): void {
    const nic = this.#require('remove', id);
    this.#nics.delete(id);
    nic.remove();
  }

  /**
   * Sets who handles the packets of `etherType` from all NICs; replaces an older handler, null removes it. What has no
   * handler is counted `unknown-protocol` on its NIC.
   */
  setProtocolHandler(etherType: number, handler: PacketHandler | ProtocolHandler | null): void {
    this.#protocols.set(etherType, handler);
  }

  #require(action: string, id: NicId): Nic {
    const nic = this.#nics.get(id);
    if (nic === undefined) throw new UnknownNicIdError(action, id);
    return nic;
  }
}
