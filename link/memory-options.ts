/** Options that endpoints over memory share, checked in one place. */

import { InvalidOptionError } from '../errors.ts';
import { LINK_BROADCAST, type LinkAddress } from '../header/address.ts';
import type { ClosedReason, GsoSupport } from '../stack/link-endpoint.ts';
import { STORE_PAYLOAD_MAX } from './packet-store.ts';

/** Packets that a queue holds, as gVisor's users most often choose it. */
export const DEFAULT_QUEUE_SIZE = 512;
/** MTU of Ethernet (IEEE 802.3 clause 3.2.7). */
export const DEFAULT_MTU = 1500;
/** Packets that `allocate` gives out at a time. */
export const TRANSMIT_SLOTS = 256;

/** Room that is kept for link headers in the longest slot. */
const LINK_HEADER_ROOM = 128;
/** Longest MTU or super-packet of an endpoint over memory, in bytes. */
const PACKET_BYTES_MAX = STORE_PAYLOAD_MAX - LINK_HEADER_ROOM;
/** Most packets that a queue may be asked to hold. */
const QUEUE_SIZE_MAX = 1 << 20;

/** Takes `closed` before anything can end. */
export interface ClosedOption {
  /** Registered as a listener of `closed` before the endpoint is given out. */
  readonly closed?: (reason: ClosedReason) => void;
}

/** @throws RangeError unless `size` is an integer from 1 to 1,048,576 */
export function checkQueueSize(size: number): number {
  return checkInteger('size', size, 1, QUEUE_SIZE_MAX);
}

/** @throws RangeError unless `mtu` is an integer from 1 to 1,048,448 */
export function checkMtu(mtu: number): number {
  return checkInteger('mtu', mtu, 1, PACKET_BYTES_MAX);
}

/** @throws RangeError unless `linkAddress` is an integer of 48 bits; 0 is none */
export function checkLinkAddress(linkAddress: LinkAddress): LinkAddress {
  return checkInteger('linkAddress', linkAddress, 0, LINK_BROADCAST);
}

/** @throws InvalidOptionError when kind and size contradict each other; RangeError when the size is out of range */
export function checkGso(gso: GsoSupport): GsoSupport {
  if ((gso.kind === 'none') !== (gso.maxSize === 0)) {
    const found = `{ kind: "${gso.kind}", maxSize: ${gso.maxSize} }`;
    throw new InvalidOptionError(`Cannot use gso ${found}: kind "none" has size 0, and no other has`);
  }
  checkInteger('gso.maxSize', gso.maxSize, 0, PACKET_BYTES_MAX);
  return gso;
}

function checkInteger(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`Cannot create an endpoint: ${name} is ${value}; an integer from ${min} to ${max} is required`);
}
