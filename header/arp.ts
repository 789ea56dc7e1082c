/**
 * ARP for IPv4 over Ethernet (RFC 826).
 *
 *      0               15 16              31
 *      |  hardware type  |  protocol type  |      1 (Ethernet), 0x0800 (IPv4)
 *      |  hlen  |  plen  |  operation      |      6, 4, 1 request or 2 reply
 *      |  sender link address              |
 *      |                 |  sender address |
 *      |                 |  target link .. |
 *      |  .. address                       |
 *      |  target address                   |
 */
import { formatIpv4 } from './ip-text.ts';
import type { Ipv4Address } from './ip-address.ts';
import { LINK_BROADCAST, formatLinkAddress, getLinkAddress, setLinkAddress } from './link-address.ts';
import type { LinkAddress } from './link-address.ts';

const HARDWARE_TYPE = 0;
const PROTOCOL_TYPE = 2;
const LENGTHS = 4;
const OPERATION = 6;
const SENDER_LINK_ADDRESS = 8;
const SENDER_ADDRESS = 14;
const TARGET_LINK_ADDRESS = 18;
const TARGET_ADDRESS = 24;

/** Bytes of the packet. */
export const HEADER_BYTES = 28;

/** "Who has the target address?" */
export const OPERATION_REQUEST = 1;
/** "The sender has the sender address." */
export const OPERATION_REPLY = 2;

/** Hardware type 1 and protocol type 0x0800, as one word. */
const ETHERNET_IPV4 = 0x0001_0800;
/** Six octets of link and four of network address, as one word. */
const SIX_FOUR = 0x0604;

/** An ARP packet as a value. */
export interface Arp {
  operation: number;
  senderLinkAddress: LinkAddress;
  senderAddress: Ipv4Address;
  targetLinkAddress: LinkAddress;
  targetAddress: Ipv4Address;
}

/** Whether a whole ARP packet for IPv4 over Ethernet lies in `at .. end`; any operation. */
export const isValid = (view: DataView, at: number, end: number): boolean =>
  end - at >= HEADER_BYTES &&
  view.getUint32(at + HARDWARE_TYPE) === ETHERNET_IPV4 &&
  view.getUint16(at + LENGTHS) === SIX_FOUR;

/** Hardware type: 1 in a valid packet. */
export const hardwareType = (view: DataView, at: number): number => view.getUint16(at + HARDWARE_TYPE);
/** Protocol type: 0x0800 in a valid packet. */
export const protocolType = (view: DataView, at: number): number => view.getUint16(at + PROTOCOL_TYPE);
/** OPERATION_REQUEST, OPERATION_REPLY or another one. */
export const operation = (view: DataView, at: number): number => view.getUint16(at + OPERATION);
/** Link address of the sender (SHA). */
export const senderLinkAddress = (view: DataView, at: number): LinkAddress =>
  getLinkAddress(view, at + SENDER_LINK_ADDRESS);
/** IPv4 address of the sender (SPA). */
export const senderAddress = (view: DataView, at: number): Ipv4Address => view.getUint32(at + SENDER_ADDRESS);
/** Link address of the target (THA); without meaning in a request. */
export const targetLinkAddress = (view: DataView, at: number): LinkAddress =>
  getLinkAddress(view, at + TARGET_LINK_ADDRESS);
/** IPv4 address of the target (TPA). */
export const targetAddress = (view: DataView, at: number): Ipv4Address => view.getUint32(at + TARGET_ADDRESS);
/** Whether the sender announces itself: the target address is its own (RFC 5227 section 2.3). */
export const isGratuitous = (view: DataView, at: number): boolean =>
  view.getInt32(at + SENDER_ADDRESS) === view.getInt32(at + TARGET_ADDRESS);

/** Sets the operation. */
export const setOperation = (view: DataView, at: number, value: number): void => view.setUint16(at + OPERATION, value);
/** Sets the link address of the sender. */
export const setSenderLinkAddress = (view: DataView, at: number, address: LinkAddress): void =>
  setLinkAddress(view, at + SENDER_LINK_ADDRESS, address);
/** Sets the IPv4 address of the sender. */
export const setSenderAddress = (view: DataView, at: number, address: Ipv4Address): void =>
  view.setUint32(at + SENDER_ADDRESS, address);
/** Sets the link address of the target. */
export const setTargetLinkAddress = (view: DataView, at: number, address: LinkAddress): void =>
  setLinkAddress(view, at + TARGET_LINK_ADDRESS, address);
/** Sets the IPv4 address of the target. */
export const setTargetAddress = (view: DataView, at: number, address: Ipv4Address): void =>
  view.setUint32(at + TARGET_ADDRESS, address);

/** Writes all 28 bytes from primitives: the hot form of `emit`; returns 28. */
export function encode(
  view: DataView,
  at: number,
  operation: number,
  senderLinkAddress: LinkAddress,
  senderAddress: Ipv4Address,
  targetLinkAddress: LinkAddress,
  targetAddress: Ipv4Address,
): number {
  view.setUint32(at + HARDWARE_TYPE, ETHERNET_IPV4);
  view.setUint16(at + LENGTHS, SIX_FOUR);
  view.setUint16(at + OPERATION, operation);
  setLinkAddress(view, at + SENDER_LINK_ADDRESS, senderLinkAddress);
  view.setUint32(at + SENDER_ADDRESS, senderAddress);
  setLinkAddress(view, at + TARGET_LINK_ADDRESS, targetLinkAddress);
  view.setUint32(at + TARGET_ADDRESS, targetAddress);
  return HEADER_BYTES;
}

/** "Who has `target`? Tell `sender`": 28 bytes, the target's link address zero. */
export const request = (
  view: DataView,
  at: number,
  senderLinkAddress: LinkAddress,
  senderAddress: Ipv4Address,
  targetAddress: Ipv4Address,
): number => encode(view, at, OPERATION_REQUEST, senderLinkAddress, senderAddress, 0, targetAddress);

/** "`sender` is at its link address", told to the target: 28 bytes. */
export const reply = (
  view: DataView,
  at: number,
  senderLinkAddress: LinkAddress,
  senderAddress: Ipv4Address,
  targetLinkAddress: LinkAddress,
  targetAddress: Ipv4Address,
): number =>
  encode(view, at, OPERATION_REPLY, senderLinkAddress, senderAddress, targetLinkAddress, targetAddress);

/**
 * A gratuitous request, by which a station announces its address: target and sender address are the same (RFC 5227
 * section 3 says why a request and not a reply). The target's link address has no meaning; announcers of virtual
 * functions write ff:ff:ff:ff:ff:ff, the kernel writes zero (`thaZero`). 28 bytes.
 */
export function gratuitous(
  view: DataView,
  at: number,
  linkAddress: LinkAddress,
  address: Ipv4Address,
  options?: { thaZero?: boolean },
): number {
  const targetLinkAddress = options?.thaZero === true ? 0 : LINK_BROADCAST;
  return encode(view, at, OPERATION_REQUEST, linkAddress, address, targetLinkAddress, address);
}

/** Turns a request for one of our addresses into its reply: the target becomes the sender. */
export function replyInPlace(view: DataView, at: number, ourLinkAddress: LinkAddress): void {
  const ourAddress = view.getInt32(at + TARGET_ADDRESS);
  setOperation(view, at, OPERATION_REPLY);
  view.setUint16(at + TARGET_LINK_ADDRESS, view.getUint16(at + SENDER_LINK_ADDRESS));
  view.setInt32(at + TARGET_LINK_ADDRESS + 2, view.getInt32(at + SENDER_LINK_ADDRESS + 2));
  view.setInt32(at + TARGET_ADDRESS, view.getInt32(at + SENDER_ADDRESS));
  setLinkAddress(view, at + SENDER_LINK_ADDRESS, ourLinkAddress);
  view.setInt32(at + SENDER_ADDRESS, ourAddress);
}

/** The packet as a value, or null. Cold. */
export function parse(view: DataView, at: number, end: number): Arp | null {
  if (!isValid(view, at, end)) return null;
  return {
    operation: operation(view, at),
    senderLinkAddress: senderLinkAddress(view, at),
    senderAddress: senderAddress(view, at),
    targetLinkAddress: targetLinkAddress(view, at),
    targetAddress: targetAddress(view, at),
  };
}

/** Writes all 28 bytes; returns 28. Cold. */
export const emit = (value: Arp, view: DataView, at: number): number =>
  encode(
    view,
    at,
    value.operation,
    value.senderLinkAddress,
    value.senderAddress,
    value.targetLinkAddress,
    value.targetAddress,
  );

/** `ARP, Request who-has 192.0.2.2 tell 192.0.2.1, length 28`. Cold; never throws. */
export function format(view: DataView, at: number, end: number): string {
  const value = parse(view, at, end);
  if (value === null) return '[|ARP]';
  const [sender, target] = [formatIpv4(value.senderAddress), formatIpv4(value.targetAddress)];
  const length = `length ${end - at}`;
  if (value.operation === OPERATION_REQUEST) return `ARP, Request who-has ${target} tell ${sender}, ${length}`;
  const isAt = `${sender} is-at ${formatLinkAddress(value.senderLinkAddress)}`;
  if (value.operation === OPERATION_REPLY) return `ARP, Reply ${isAt}, ${length}`;
  return `ARP, operation ${value.operation}, ${isAt}, ${length}`;
}
