/**
 * A map keyed by IP address values, for tables that are asked once per packet: neighbours, routes, flows.
 *
 *     IPv4   Map<int32, value>
 *     IPv6   Map<hash,  entry -> entry -> null>      entries of equal hash are chained, which is rare
 *
 * Lookups allocate nothing. The hash is seeded per map, so that a peer that chooses its own addresses cannot aim at
 * one chain.
 */
import { getIpv6, ipv6Word } from './ip-address.ts';
import type { IpAddress, IpFamily, Ipv6Address } from './ip-address.ts';
import { combine, finalize } from './mix.ts';

interface Ipv6Entry<T> {
  readonly address: Ipv6Address;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  value: T;
  next: Ipv6Entry<T> | null;
}

/** A map from IP addresses, compared by value, to `T`. IPv4 and IPv4-mapped addresses are different keys. */
export class IpMap<T> implements Iterable<[IpAddress, T]> {
  readonly #ipv4 = new Map<number, T>();
  readonly #ipv6 = new Map<number, Ipv6Entry<T>>();
  readonly #seed = (Math.random() * 0x1_0000_0000) | 0;
  #ipv6Count = 0;

  /** Number of addresses. */
  get size(): number {
    return this.#ipv4.size + this.#ipv6Count;
  }

  /** The value of `address`, or undefined. */
  get(address: IpAddress): T | undefined {
    if (typeof address === 'number') return this.#ipv4.get(address | 0);
    return this.#find(ipv6Word(address, 0), ipv6Word(address, 1), ipv6Word(address, 2), ipv6Word(address, 3))?.value;
  }

  /** The value of the address whose 4 or 16 bytes are at `at`, straight from a packet. */
  getAt(view: DataView, at: number, family: IpFamily): T | undefined {
    if (family === 4) return this.#ipv4.get(view.getInt32(at));
    return this.#find(view.getInt32(at), view.getInt32(at + 4), view.getInt32(at + 8), view.getInt32(at + 12))?.value;
  }

  /** Whether `address` has a value. */
  has(address: IpAddress): boolean {
    if (typeof address === 'number') return this.#ipv4.has(address | 0);
    return this.#findAddress(address) !== undefined;
  }

  /** Sets the value of `address`; bytes are copied, so that the caller may reuse them. */
  set(address: IpAddress, value: T): this {
    if (typeof address === 'number') this.#ipv4.set(address | 0, value);
    else this.#setIpv6(address, value);
    return this;
  }

  /** Sets the value of the address whose 4 or 16 bytes are at `at`. */
  setAt(view: DataView, at: number, family: IpFamily, value: T): this {
    return this.set(family === 4 ? view.getUint32(at) : getIpv6(view, at), value);
  }

  /** Removes `address`; whether it was there. */
  delete(address: IpAddress): boolean {
    if (typeof address === 'number') return this.#ipv4.delete(address | 0);
    const found = this.#findAddress(address);
    if (found === undefined) return false;
    const hash = this.#hash(found.a, found.b, found.c, found.d);
    let previous: Ipv6Entry<T> | null = null;
    let entry: Ipv6Entry<T> | null = this.#ipv6.get(hash) ?? null;
    for (; entry !== null && entry !== found; entry = entry.next) previous = entry;
    if (previous !== null) previous.next = found.next;
    else if (found.next !== null) this.#ipv6.set(hash, found.next);
    else this.#ipv6.delete(hash);
    this.#ipv6Count--;
    return true;
  }

  /** Removes everything. */
  clear(): void {
    this.#ipv4.clear();
    this.#ipv6.clear();
    this.#ipv6Count = 0;
  }

  /** All pairs, IPv4 first. An entry may be deleted while it is visited. The addresses are the map's own: read only. */
  *[Symbol.iterator](): Generator<[IpAddress, T], void, undefined> {
    for (const [address, value] of this.#ipv4) yield [address >>> 0, value];
    for (const head of this.#ipv6.values()) {
      let entry: Ipv6Entry<T> | null = head;
      for (; entry !== null; entry = entry.next) yield [entry.address, entry.value];
    }
  }

  /** All addresses. */
  *keys(): Generator<IpAddress, void, undefined> {
    for (const [address] of this) yield address;
  }

  /** All values. */
  *values(): Generator<T, void, undefined> {
    for (const [, value] of this) yield value;
  }

  #hash(a: number, b: number, c: number, d: number): number {
    return finalize(combine(combine(combine(combine(this.#seed, a), b), c), d));
  }

  #find(a: number, b: number, c: number, d: number): Ipv6Entry<T> | undefined {
    let entry: Ipv6Entry<T> | null | undefined = this.#ipv6.get(this.#hash(a, b, c, d));
    while (entry !== null && entry !== undefined) {
      if (entry.d === d && entry.c === c && entry.b === b && entry.a === a) return entry;
      entry = entry.next;
    }
    return undefined;
  }

  #findAddress(address: Ipv6Address): Ipv6Entry<T> | undefined {
    return this.#find(ipv6Word(address, 0), ipv6Word(address, 1), ipv6Word(address, 2), ipv6Word(address, 3));
  }

  #setIpv6(source: Ipv6Address, value: T): void {
    const found = this.#findAddress(source);
    if (found !== undefined) {
      found.value = value;
      return;
    }
    const address = Uint8Array.from(source);
    const [a, b, c, d] = [ipv6Word(address, 0), ipv6Word(address, 1), ipv6Word(address, 2), ipv6Word(address, 3)];
    const hash = this.#hash(a, b, c, d);
    this.#ipv6.set(hash, { address, a, b, c, d, value, next: this.#ipv6.get(hash) ?? null });
    this.#ipv6Count++;
  }
}
