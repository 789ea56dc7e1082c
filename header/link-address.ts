/** Link (MAC) addresses: EUI-48 (IEEE 802) as one number, the first octet on the wire being the most significant. */

/** A 48-bit link address as a big-endian integer: `02:00:00:00:00:01` is 0x0200_0000_0001. */
export type LinkAddress = number;

/** `ff:ff:ff:ff:ff:ff`. */
export const LINK_BROADCAST: LinkAddress = 0xffff_ffff_ffff;

/** Octets of a link address. */
export const LINK_ADDRESS_BYTES = 6;

/** What a lookup answers when there is no link address. No address is negative. */
export const NO_LINK_ADDRESS: LinkAddress = -1;

const TWO_32 = 0x1_0000_0000;
/** The group bit: the lowest bit of the first octet (IEEE 802-2014 section 8.2), in the upper 16 bits. */
const GROUP_BIT = 0x0100;

/** The link address in the six bytes at `at`. */
export const getLinkAddress = (view: DataView, at: number): LinkAddress =>
  view.getUint16(at) * TWO_32 + view.getUint32(at + 2);

/** Writes six bytes at `at`. The setters reduce modulo 2^16 and 2^32 themselves. */
export function setLinkAddress(view: DataView, at: number, address: LinkAddress): void {
  view.setUint16(at, address / TWO_32);
  view.setUint32(at + 2, address);
}

/** Whether the six bytes at `at` are `address`, without making a number of them. */
export const equalLinkAddressAt = (view: DataView, at: number, address: LinkAddress): boolean =>
  view.getUint32(at + 2) === address % TWO_32 && view.getUint16(at) === Math.floor(address / TWO_32);

/** Whether every station of the link is meant. */
export const isLinkBroadcast = (address: LinkAddress): boolean => address === LINK_BROADCAST;

/** Whether the group bit is set: multicast, and broadcast with it. */
export const isLinkMulticast = (address: LinkAddress): boolean => (Math.floor(address / TWO_32) & GROUP_BIT) !== 0;

/** Whether one station can have this address: 48 bits, neither all zero nor a group. */
export const isLinkUnicastValid = (address: LinkAddress): boolean =>
  address > 0 && address <= LINK_BROADCAST && Number.isInteger(address) && !isLinkMulticast(address);

const TEXT = /^[0-9a-f]{2}(?:(?::[0-9a-f]{2}){5}|(?:-[0-9a-f]{2}){5})$/i;

/** Reads `02:00:00:00:00:01` or `02-00-00-00-00-01`, in either case. Throws a TypeError that quotes the text. Cold. */
export function parseLinkAddress(text: string): LinkAddress {
  if (!TEXT.test(text)) {
    throw new TypeError(`Cannot parse link address "${text}": six two-digit hexadecimal octets are expected`);
  }
  return Number.parseInt(text.replaceAll(/[:-]/g, ''), 16);
}

/** `02:00:00:00:00:01`. Cold. */
export const formatLinkAddress = (address: LinkAddress): string =>
  (address.toString(16).padStart(12, '0').match(/../g) ?? []).join(':');
