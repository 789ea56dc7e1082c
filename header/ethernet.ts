/**
 * Ethernet II (IEEE 802.3 clause 3, RFC 894). VLAN tags are not taken apart: 0x8100 is an EtherType like any other.
 *
 *      0                     6                     12           14 bytes
 *      |  destination        |  source             |  type      |  payload ...
 */
import { formatLinkAddress, getLinkAddress, setLinkAddress } from './link-address.ts';
import type { LinkAddress } from './link-address.ts';

const DESTINATION = 0;
const SOURCE = 6;
const ETHER_TYPE = 12;

/** Bytes of the header. */
export const HEADER_BYTES = 14;

/** IPv4 (RFC 894). */
export const ETHERTYPE_IPV4 = 0x0800;
/** ARP (RFC 826). */
export const ETHERTYPE_ARP = 0x0806;
/** A tag of IEEE 802.1Q follows. */
export const ETHERTYPE_VLAN = 0x8100;
/** Reverse ARP (RFC 903), which QEMU sends after a migration. */
export const ETHERTYPE_RARP = 0x8035;
/** IPv6 (RFC 2464). */
export const ETHERTYPE_IPV6 = 0x86dd;
/** MPLS (RFC 3032). */
export const ETHERTYPE_MPLS = 0x8847;
/** A service tag of IEEE 802.1ad follows. */
export const ETHERTYPE_QINQ = 0x88a8;
/** Link Layer Discovery Protocol (IEEE 802.1AB). */
export const ETHERTYPE_LLDP = 0x88cc;
/** A smaller number in the type field is a length of IEEE 802.3, not a type (IEEE 802.3 clause 3.2.6). */
export const ETHERTYPE_MIN = 0x0600;

/** An Ethernet header as a value. */
export interface Ethernet {
  destination: LinkAddress;
  source: LinkAddress;
  etherType: number;
}

/** Whether a whole header lies in `at .. end`. */
export const isValid = (_view: DataView, at: number, end: number): boolean => end - at >= HEADER_BYTES;

/** Destination link address. */
export const destination = (view: DataView, at: number): LinkAddress => getLinkAddress(view, at + DESTINATION);
/** Source link address. */
export const source = (view: DataView, at: number): LinkAddress => getLinkAddress(view, at + SOURCE);
/** EtherType, or the length of an IEEE 802.3 frame when below ETHERTYPE_MIN. */
export const etherType = (view: DataView, at: number): number => view.getUint16(at + ETHER_TYPE);
/** Whether the frame goes to a group or to everybody: the group bit, read without the rest of the address. */
export const isMulticast = (view: DataView, at: number): boolean => (view.getUint8(at + DESTINATION) & 1) !== 0;

/** Sets the destination link address. */
export const setDestination = (view: DataView, at: number, address: LinkAddress): void =>
  setLinkAddress(view, at + DESTINATION, address);
/** Sets the source link address. */
export const setSource = (view: DataView, at: number, address: LinkAddress): void =>
  setLinkAddress(view, at + SOURCE, address);
/** Sets the EtherType. */
export const setEtherType = (view: DataView, at: number, value: number): void => view.setUint16(at + ETHER_TYPE, value);

/** Exchanges destination and source: a reply in place. */
export function swapAddresses(view: DataView, at: number): void {
  const upper = view.getUint16(at + DESTINATION);
  const lower = view.getInt32(at + DESTINATION + 2);
  view.setUint16(at + DESTINATION, view.getUint16(at + SOURCE));
  view.setInt32(at + DESTINATION + 2, view.getInt32(at + SOURCE + 2));
  view.setUint16(at + SOURCE, upper);
  view.setInt32(at + SOURCE + 2, lower);
}

/** Writes the whole header from primitives: the hot form of `emit`. */
export function encode(
  view: DataView,
  at: number,
  destination: LinkAddress,
  source: LinkAddress,
  etherType: number,
): void {
  setLinkAddress(view, at + DESTINATION, destination);
  setLinkAddress(view, at + SOURCE, source);
  view.setUint16(at + ETHER_TYPE, etherType);
}

/** The header as a value, or null. Cold. */
export const parse = (view: DataView, at: number, end: number): Ethernet | null =>
  isValid(view, at, end)
    ? { destination: destination(view, at), source: source(view, at), etherType: etherType(view, at) }
    : null;

/** Writes all 14 bytes; returns 14. Cold. */
export function emit(value: Ethernet, view: DataView, at: number): number {
  encode(view, at, value.destination, value.source, value.etherType);
  return HEADER_BYTES;
}

const NAMES: ReadonlyMap<number, string> = new Map([
  [ETHERTYPE_IPV4, 'IPv4'],
  [ETHERTYPE_ARP, 'ARP'],
  [ETHERTYPE_VLAN, '802.1Q'],
  [ETHERTYPE_RARP, 'RARP'],
  [ETHERTYPE_IPV6, 'IPv6'],
  [ETHERTYPE_MPLS, 'MPLS'],
  [ETHERTYPE_QINQ, '802.1ad'],
  [ETHERTYPE_LLDP, 'LLDP'],
]);

/** `IPv4`, `802.3 length 46`, or `0x88b5` where the type has no name here. Cold. */
export function formatEtherType(etherType: number): string {
  if (etherType < ETHERTYPE_MIN) return `802.3 length ${etherType}`;
  return NAMES.get(etherType) ?? `0x${etherType.toString(16).padStart(4, '0')}`;
}

/** `02:00:00:00:00:01 > 02:00:00:00:00:02, IPv4`. Cold; never throws. */
export function format(view: DataView, at: number, end: number): string {
  const value = parse(view, at, end);
  if (value === null) return '[|Ethernet]';
  const { source, destination, etherType } = value;
  return `${formatLinkAddress(source)} > ${formatLinkAddress(destination)}, ${formatEtherType(etherType)}`;
}
