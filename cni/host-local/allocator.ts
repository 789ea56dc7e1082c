/**
 * One address of a range set: the one that was asked for, or the next free one behind the last that was given, round
 * the set's ranges and past their gateways.
 *
 *     range 0 ├──── last ─► … end ┤ range 1 ├ start … end ┤ range 0 ├ start … last ┤
 *                     first                  then                    in the end
 */

import type { CniAttachment, CniIp } from '../types.ts';
import { type Address, addressText, isSameAddress } from './address.ts';
import type { LeaseStore } from './lease-store.ts';
import { type Range, rangeContains, type RangeSet, setContains, setText } from './range.ts';

/** Where the address is taken from, and for whom. */
export interface Allocation {
  readonly store: LeaseStore;
  readonly attachment: CniAttachment;
  readonly set: RangeSet;
  /** Position of the set in the configuration: it names the file of its last address. */
  readonly setIndex: number;
}

/** Takes an address. @throws Error with the reference's words when there is none, or not the one that was asked for */
export function allocate(allocation: Allocation, requested?: Address): CniIp {
  return requested === undefined ? takeNext(allocation) : takeRequested(allocation, requested);
}

/** Addresses of the set in the order in which they are tried; each one once. `last` is the one that was given last. */
export function* candidates(set: RangeSet, last: Address | null): Generator<Address> {
  const from = last === null ? -1 : set.findIndex((range) => rangeContains(range, last));
  const broken = set[from];
  if (last === null || broken === undefined) {
    for (const range of set) yield* addresses(range, range.start, range.end);
    return;
  }
  yield* addresses(broken, last.value + 1n, broken.end);
  for (const range of [...set.slice(from + 1), ...set.slice(0, from)]) yield* addresses(range, range.start, range.end);
  yield* addresses(broken, broken.start, last.value);
}

function* addresses({ family, gateway }: Range, first: bigint, last: bigint): Generator<Address> {
  const skipped = gateway.family === family ? gateway.value : undefined;
  for (let value = first; value <= last; value++) if (value !== skipped) yield { value, family };
}

function takeNext({ store, attachment, set, setIndex }: Allocation): CniIp {
  const owned = store.leasesOf(attachment).find(({ address }) => setContains(set, address));
  if (owned !== undefined) {
    const { containerId } = attachment;
    throw new Error(`${owned.name} has been allocated to ${containerId}, duplicate allocation is not allowed`);
  }
  for (const address of candidates(set, store.lastReserved(setIndex))) {
    if (store.reserve(attachment, address, setIndex)) return describe(set, address);
  }
  throw new Error(`no IP addresses available in range set: ${setText(set)}`);
}

function takeRequested({ store, attachment, set, setIndex }: Allocation, address: Address): CniIp {
  const range = set.find((each) => rangeContains(each, address));
  if (range === undefined) throw new Error(`${addressText(address)} not in range set ${setText(set)}`);
  if (isSameAddress(address, range.gateway)) {
    throw new Error(`requested ip ${addressText(address)} is subnet's gateway`);
  }
  if (store.reserve(attachment, address, setIndex)) return describe(set, address);
  throw new Error(`requested IP address ${addressText(address)} is not available in range set ${setText(set)}`);
}

function describe(set: RangeSet, address: Address): CniIp {
  const range = set.find((each) => rangeContains(each, address));
  if (range === undefined) throw new Error(`${addressText(address)} not in range set ${setText(set)}`);
  return { address: `${addressText(address)}/${range.prefixLength}`, gateway: addressText(range.gateway) };
}
