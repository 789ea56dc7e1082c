/**
 * Who has which link address: the table a NIC asks before it writes a packet.
 *
 *     get(address) ──► static entry ──► found
 *                           │ none
 *                           ▼
 *                      resolver.resolve(address) ──► found, or 0: not known (yet)
 *
 * Static entries never age (gVisor's `Static` state). The states of RFC 4861 section 7.3.2 and the exchange of RFC 826
 * belong to a resolver, which plugs in behind them.
 */

import { IpMap, LINK_BROADCAST } from '../header/address.ts';
import type { IpAddress, LinkAddress } from '../header/address.ts';

/** Finds link addresses that nobody entered by hand: ARP, neighbour discovery, or an orchestrator's own table. */
export interface LinkAddressResolver {
  /**
   * Called for each packet whose next hop has no static entry, so it must answer at once and allocate nothing. One
   * that has to ask the link starts to do so and answers 0 until it knows.
   *
   * @param address the next hop; valid until the call returns, copy it to keep it
   * @returns the link address, or 0 when it is not known
   */
  resolve(address: IpAddress): LinkAddress;
}

/** The neighbours of one NIC. Lookups allocate nothing. */
export class Neighbors implements Iterable<[IpAddress, LinkAddress]> {
  readonly #entries = new IpMap<LinkAddress>();
  /** Asked when there is no static entry; null: what has no entry is not known. */
  resolver: LinkAddressResolver | null = null;

  /** Number of static entries. */
  get size(): number {
    return this.#entries.size;
  }

  /** The link address of `address`, or 0 when it is not known. */
  get(address: IpAddress): LinkAddress {
    return this.#entries.get(address) ?? this.resolver?.resolve(address) ?? 0;
  }

  /**
   * Enters `address` for good, in place of an older entry. A subnet's own broadcast address, which cannot be told
   * without its prefix, is entered with `LINK_BROADCAST`.
   * @throws RangeError when `linkAddress` is 0 or no 48-bit integer
   */
  setStatic(address: IpAddress, linkAddress: LinkAddress): void {
    if (!Number.isInteger(linkAddress) || linkAddress <= 0 || linkAddress > LINK_BROADCAST) {
      throw new RangeError(
        `Cannot set a static neighbor: its link address is ${linkAddress}; 1 to 2^48 - 1 is required`,
      );
    }
    this.#entries.set(address, linkAddress);
  }

  /** Removes a static entry; whether there was one. */
  remove(address: IpAddress): boolean {
    return this.#entries.delete(address);
  }

  /** Removes all static entries; the resolver stays. */
  clear(): void {
    this.#entries.clear();
  }

  /** The static entries, IPv4 first. Allocates: for printing and tests. */
  [Symbol.iterator](): Iterator<[IpAddress, LinkAddress]> {
    return this.#entries[Symbol.iterator]();
  }
}
