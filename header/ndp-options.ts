/**
 * The options of neighbour discovery (RFC 4861 section 4.6). The length counts 8 bytes and includes type and length; a
 * length of zero would be an endless loop, so the whole message is malformed then.
 *
 *      0        8       16               31
 *      | type   | length |  link address |      length 1: source (1) or target (2) link-layer address for Ethernet
 *      |  ...                            |
 */
import { LINK_ADDRESS_BYTES, NO_LINK_ADDRESS, getLinkAddress, setLinkAddress } from './link-address.ts';
import type { LinkAddress } from './link-address.ts';

const TYPE = 0;
const LENGTH = 1;
const DATA = 2;
const UNIT_BYTES = 8;

/** Bytes of a source or target link-layer address option for Ethernet. */
export const LINK_ADDRESS_OPTION_BYTES: number = DATA + LINK_ADDRESS_BYTES;

/** Option: the sender's link address. */
export const OPTION_SOURCE_LINK_ADDRESS = 1;
/** Option: the target's link address. */
export const OPTION_TARGET_LINK_ADDRESS = 2;
/** Option: an on-link or autoconfiguration prefix. */
export const OPTION_PREFIX = 3;
/** Option: the packet that was redirected. */
export const OPTION_REDIRECTED = 4;
/** Option: the link's MTU. */
export const OPTION_MTU = 5;

/** Whether the options in `at .. end` fill it exactly, none of them of length zero. */
export function areOptionsValid(view: DataView, at: number, end: number): boolean {
  let position = at;
  while (end - position >= UNIT_BYTES) {
    const bytes = view.getUint8(position + LENGTH) * UNIT_BYTES;
    if (bytes === 0) return false;
    position += bytes;
  }
  return position === end;
}

/** Position of the first option of this type in `at .. end`, or -1 when there is none before a malformed one. */
export function findOption(view: DataView, at: number, end: number, type: number): number {
  let position = at;
  while (end - position >= UNIT_BYTES) {
    const bytes = view.getUint8(position + LENGTH) * UNIT_BYTES;
    if (bytes === 0 || position + bytes > end) return -1;
    if (view.getUint8(position + TYPE) === type) return position;
    position += bytes;
  }
  return -1;
}

/** Link address in the first option of this type, or NO_LINK_ADDRESS when that is missing or not of Ethernet's size. */
export function linkAddress(view: DataView, at: number, end: number, type: number): LinkAddress {
  const position = findOption(view, at, end, type);
  if (position === -1 || view.getUint8(position + LENGTH) !== LINK_ADDRESS_OPTION_BYTES / UNIT_BYTES) {
    return NO_LINK_ADDRESS;
  }
  return getLinkAddress(view, position + DATA);
}

/** Writes an option with a link address, or nothing for NO_LINK_ADDRESS; returns the bytes written. */
export function emitLinkAddress(view: DataView, at: number, type: number, address: LinkAddress): number {
  if (address === NO_LINK_ADDRESS) return 0;
  view.setUint8(at + TYPE, type);
  view.setUint8(at + LENGTH, LINK_ADDRESS_OPTION_BYTES / UNIT_BYTES);
  setLinkAddress(view, at + DATA, address);
  return LINK_ADDRESS_OPTION_BYTES;
}
