/**
 * Making a macvtap with an index of its own choice.
 *
 * Its character device is called after the index, and devtmpfs knows no namespaces: an index that is not used in any
 * other namespace keeps the node of /dev right for those who look there. Ours is at random, far from those that the
 * kernel gives.
 */

import { randomInt } from 'node:crypto';

import { NetlinkError } from '../../errors.ts';
import type { Links } from '../netlink/links.ts';

/** First index, and how many there are from it: Kata's. */
const FIRST_INDEX = 8192;
const INDEXES = 0x1_0000;
const ATTEMPTS = 128;
/** Kata's, where the parent says none. */
const DEFAULT_QUEUE_LENGTH = 1500;
const TAKEN: readonly string[] = ['EEXIST', 'EBUSY'];

/** A macvtap to be made. */
export interface NewMacvtap {
  readonly name: string;
  readonly parent: string;
  /** Of the parent, in packets. */
  readonly transmitQueueLength: number | undefined;
}

/**
 * Makes a macvtap in bridge mode; another index is tried where one is taken, and only then. Returns the index.
 * @param pick the index to try; at random unless tests give another
 * @throws NetlinkError
 */
export function addMacvtap(
  links: Pick<Links, 'add' | 'find'>,
  { name, parent, transmitQueueLength = 0 }: NewMacvtap,
  pick: () => number = () => FIRST_INDEX + randomInt(INDEXES),
): number {
  const queue = transmitQueueLength > 0 ? transmitQueueLength : DEFAULT_QUEUE_LENGTH;
  for (let attempt = 1; ; attempt++) {
    const index = pick();
    try {
      links.add({ kind: 'macvtap', name, parent, mode: 'bridge', index, transmitQueueLength: queue });
      return index;
    } catch (error) {
      const isTaken = error instanceof NetlinkError && TAKEN.includes(error.code);
      // The name may be what is taken: no index helps then.
      if (!isTaken || attempt === ATTEMPTS || links.find(name) !== undefined) throw error;
    }
  }
}
