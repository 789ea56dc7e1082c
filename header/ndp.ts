/**
 * Neighbour discovery for IPv6 (RFC 4861 section 4): the four messages that a link layer handles. All start with the
 * ICMPv6 header of icmpv6.ts; `at` is where that starts and `end` is where the message ends.
 *
 *      0        8       16               31
 *      | type   | code 0 |  checksum     |
 *      |  solicitations: reserved        |      advertisements: flags R S O in the upper bits
 *      |  target address, 16 bytes       |      neighbour messages
 *      |  options ...                    |
 *
 *      | type 134 | code 0 |  checksum   |      router advertisement
 *      | hop limit| flags  |  lifetime   |      seconds
 *      |  reachable time                 |      milliseconds
 *      |  retransmission timer           |      milliseconds
 *      |  options ...                    |
 *
 * The builders leave the checksum zero: `icmpv6.fillChecksum` or `buildIp` sets it, as only they know the addresses.
 */
import {
  TYPE_NEIGHBOR_ADVERTISEMENT,
  TYPE_NEIGHBOR_SOLICITATION,
  TYPE_ROUTER_ADVERTISEMENT,
  TYPE_ROUTER_SOLICITATION,
} from './icmpv6.ts';
import { getIpv6, isIpv6LinkLocalAt, isIpv6MulticastAt, isIpv6UnspecifiedAt, setIpv6 } from './ip-address.ts';
import type { Ipv6Address } from './ip-address.ts';
import { formatIpv6 } from './ip-text.ts';
import * as ipv6 from './ipv6.ts';
import { NO_LINK_ADDRESS, formatLinkAddress } from './link-address.ts';
import type { LinkAddress } from './link-address.ts';
import { OPTION_SOURCE_LINK_ADDRESS, OPTION_TARGET_LINK_ADDRESS, emitLinkAddress } from './ndp-options.ts';
import * as optionList from './ndp-options.ts';

export {
  LINK_ADDRESS_OPTION_BYTES,
  OPTION_MTU,
  OPTION_PREFIX,
  OPTION_REDIRECTED,
  OPTION_SOURCE_LINK_ADDRESS,
  OPTION_TARGET_LINK_ADDRESS,
} from './ndp-options.ts';

const TYPE = 0;
const CODE = 1;
const FLAGS = 4;
const TARGET = 8;
const ROUTER_HOP_LIMIT = 4;
const ROUTER_FLAGS = 5;
const ROUTER_LIFETIME = 6;
const REACHABLE_TIME = 8;
const RETRANSMISSION_TIMER = 12;

/** Bytes of the shortest message: a router solicitation without options. */
export const HEADER_BYTES = 8;
/** Bytes of a router solicitation without options. */
export const ROUTER_SOLICITATION_BYTES = 8;
/** Bytes of a router advertisement without options. */
export const ROUTER_ADVERTISEMENT_BYTES = 16;
/** Bytes of a neighbour solicitation or advertisement without options. */
export const NEIGHBOR_BYTES = 24;
/** The hop limit that proves that no router forwarded the packet (RFC 4861 section 3.1). */
export const HOP_LIMIT = 255;

/** Of a neighbour advertisement: the sender is a router. */
export const FLAG_ROUTER = 0x8000_0000;
/** Of a neighbour advertisement: it answers a solicitation. */
export const FLAG_SOLICITED = 0x4000_0000;
/** Of a neighbour advertisement: it replaces a cached link address. */
export const FLAG_OVERRIDE = 0x2000_0000;

/** Of a router advertisement: addresses come from DHCPv6 (M). */
export const ROUTER_FLAG_MANAGED = 0x80;
/** Of a router advertisement: other configuration comes from DHCPv6 (O). */
export const ROUTER_FLAG_OTHER = 0x40;

/** A router solicitation as a value. */
export interface RouterSolicitation {
  kind: 'router-solicitation';
  sourceLinkAddress: LinkAddress | null;
}

/** A router advertisement as a value; of its options only the sender's link address. */
export interface RouterAdvertisement {
  kind: 'router-advertisement';
  hopLimit: number;
  /** ROUTER_FLAG_MANAGED and so on. */
  flags: number;
  lifetimeSeconds: number;
  reachableMilliseconds: number;
  retransmissionMilliseconds: number;
  sourceLinkAddress: LinkAddress | null;
}

/** A neighbour solicitation as a value. */
export interface NeighborSolicitation {
  kind: 'neighbor-solicitation';
  target: Ipv6Address;
  sourceLinkAddress: LinkAddress | null;
}

/** A neighbour advertisement as a value. */
export interface NeighborAdvertisement {
  kind: 'neighbor-advertisement';
  /** FLAG_ROUTER, FLAG_SOLICITED and FLAG_OVERRIDE together. */
  flags: number;
  target: Ipv6Address;
  targetLinkAddress: LinkAddress | null;
}

/** One of the four messages as a value. */
export type Ndp = RouterSolicitation | RouterAdvertisement | NeighborSolicitation | NeighborAdvertisement;

/** Whether `at .. end` holds one of the four messages, whole, with code 0 and well-formed options. */
export function isValid(view: DataView, at: number, end: number): boolean {
  if (end - at < HEADER_BYTES) return false;
  const fixed = fixedBytes(view.getUint8(at + TYPE));
  if (fixed === 0 || end - at < fixed || view.getUint8(at + CODE) !== 0) return false;
  return optionList.areOptionsValid(view, at + fixed, end);
}

/** Bytes in front of the options by ICMPv6 type, or 0 when it is none of the four messages. */
function fixedBytes(type: number): number {
  if (type === TYPE_NEIGHBOR_SOLICITATION || type === TYPE_NEIGHBOR_ADVERTISEMENT) return NEIGHBOR_BYTES;
  if (type === TYPE_ROUTER_SOLICITATION) return ROUTER_SOLICITATION_BYTES;
  return type === TYPE_ROUTER_ADVERTISEMENT ? ROUTER_ADVERTISEMENT_BYTES : 0;
}

/** ICMPv6 type, TYPE_NEIGHBOR_SOLICITATION and so on of icmpv6.ts. */
export const type = (view: DataView, at: number): number => view.getUint8(at + TYPE);
/** Neighbour advertisement: its flags, unsigned. */
export const flags = (view: DataView, at: number): number => view.getUint32(at + FLAGS);
/** Neighbour advertisement: whether the sender is a router. */
export const isRouter = (view: DataView, at: number): boolean => (view.getInt32(at + FLAGS) & FLAG_ROUTER) !== 0;
/** Neighbour advertisement: whether it answers a solicitation. */
export const isSolicited = (view: DataView, at: number): boolean => (view.getInt32(at + FLAGS) & FLAG_SOLICITED) !== 0;
/** Neighbour advertisement: whether it replaces a cached link address. */
export const isOverride = (view: DataView, at: number): boolean => (view.getInt32(at + FLAGS) & FLAG_OVERRIDE) !== 0;
/** Neighbour messages: where the target address lies, for `equalIpv6At` and `IpMap.getAt`. */
export const targetAt = (at: number): number => at + TARGET;
/** Neighbour messages: a copy of the target address. Allocates: cold. */
export const target = (view: DataView, at: number): Ipv6Address => getIpv6(view, at + TARGET);
/** Router advertisement: hop limit for hosts; 0 leaves it to them. */
export const routerHopLimit = (view: DataView, at: number): number => view.getUint8(at + ROUTER_HOP_LIMIT);
/** Router advertisement: ROUTER_FLAG_MANAGED and so on. */
export const routerFlags = (view: DataView, at: number): number => view.getUint8(at + ROUTER_FLAGS);
/** Router advertisement: seconds as a default router; 0 is none. */
export const routerLifetimeSeconds = (view: DataView, at: number): number => view.getUint16(at + ROUTER_LIFETIME);
/** Router advertisement: milliseconds that a neighbour counts as reachable; 0 leaves it to the host. */
export const reachableMilliseconds = (view: DataView, at: number): number => view.getUint32(at + REACHABLE_TIME);
/** Router advertisement: milliseconds between solicitations; 0 leaves it to the host. */
export const retransmissionMilliseconds = (view: DataView, at: number): number =>
  view.getUint32(at + RETRANSMISSION_TIMER);

/** Sets the flags of a neighbour advertisement and its reserved bits. */
export const setFlags = (view: DataView, at: number, value: number): void => view.setUint32(at + FLAGS, value);
/** Sets the target of a neighbour message. */
export const setTarget = (view: DataView, at: number, address: Ipv6Address): void =>
  setIpv6(view, at + TARGET, address);

/** Position of the first option of this type in a message for which `isValid` holds, or -1. */
export const findOption = (view: DataView, at: number, end: number, optionType: number): number =>
  optionList.findOption(view, at + fixedBytes(type(view, at)), end, optionType);
/** Link address in the source link-layer address option, or NO_LINK_ADDRESS. */
export const sourceLinkAddress = (view: DataView, at: number, end: number): LinkAddress =>
  optionList.linkAddress(view, at + fixedBytes(type(view, at)), end, OPTION_SOURCE_LINK_ADDRESS);
/** Link address in the target link-layer address option, or NO_LINK_ADDRESS. */
export const targetLinkAddress = (view: DataView, at: number, end: number): LinkAddress =>
  optionList.linkAddress(view, at + fixedBytes(type(view, at)), end, OPTION_TARGET_LINK_ADDRESS);

/**
 * RFC 4861 section 7.1.1, but for the ICMPv6 checksum, which the device may have verified. `ipAt` is where a valid IPv6
 * header starts.
 */
export const isValidNeighborSolicitation = (view: DataView, ipAt: number, at: number, end: number): boolean =>
  isValidMessage(view, ipAt, at, end, TYPE_NEIGHBOR_SOLICITATION) &&
  !isIpv6MulticastAt(view, at + TARGET) &&
  (!isIpv6UnspecifiedAt(view, ipv6.sourceAt(ipAt)) ||
    (isSolicitedNodeAt(view, ipv6.destinationAt(ipAt)) &&
      findOption(view, at, end, OPTION_SOURCE_LINK_ADDRESS) === -1));

/** RFC 4861 section 7.1.2, but for the checksum. */
export const isValidNeighborAdvertisement = (view: DataView, ipAt: number, at: number, end: number): boolean =>
  isValidMessage(view, ipAt, at, end, TYPE_NEIGHBOR_ADVERTISEMENT) &&
  !isIpv6MulticastAt(view, at + TARGET) &&
  !(isSolicited(view, at) && isIpv6MulticastAt(view, ipv6.destinationAt(ipAt)));

/** RFC 4861 section 6.1.1, but for the checksum. */
export const isValidRouterSolicitation = (view: DataView, ipAt: number, at: number, end: number): boolean =>
  isValidMessage(view, ipAt, at, end, TYPE_ROUTER_SOLICITATION) &&
  !(
    isIpv6UnspecifiedAt(view, ipv6.sourceAt(ipAt)) && findOption(view, at, end, OPTION_SOURCE_LINK_ADDRESS) !== -1
  );

/** RFC 4861 section 6.1.2, but for the checksum. */
export const isValidRouterAdvertisement = (view: DataView, ipAt: number, at: number, end: number): boolean =>
  isValidMessage(view, ipAt, at, end, TYPE_ROUTER_ADVERTISEMENT) && isIpv6LinkLocalAt(view, ipv6.sourceAt(ipAt));

/** What the four rules have in common: hop limit, type, code, length, options. */
const isValidMessage = (view: DataView, ipAt: number, at: number, end: number, expected: number): boolean =>
  ipv6.hopLimit(view, ipAt) === HOP_LIMIT && isValid(view, at, end) && type(view, at) === expected;

/** ff02::1:ff00:0/104 (RFC 4291 section 2.7.1). */
const isSolicitedNodeAt = (view: DataView, at: number): boolean =>
  view.getInt32(at) === (0xff02_0000 | 0) &&
  view.getInt32(at + 4) === 0 &&
  view.getInt32(at + 8) === 1 &&
  view.getUint8(at + 12) === 0xff;

/**
 * "Who has `target`?" With the sender's link address 32 bytes; without it, as duplicate address detection asks
 * (RFC 4862 section 5.4.2), 24. Returns the bytes written.
 */
export function neighborSolicitation(
  view: DataView,
  at: number,
  target: Ipv6Address,
  sourceLinkAddress: LinkAddress = NO_LINK_ADDRESS,
): number {
  const optionAt = emitNeighbor(view, at, TYPE_NEIGHBOR_SOLICITATION, 0, target);
  return NEIGHBOR_BYTES + emitLinkAddress(view, optionAt, OPTION_SOURCE_LINK_ADDRESS, sourceLinkAddress);
}

/** "`target` is at its link address": 32 bytes, or 24 without one. Returns the bytes written. */
export function neighborAdvertisement(
  view: DataView,
  at: number,
  flags: number,
  target: Ipv6Address,
  targetLinkAddress: LinkAddress = NO_LINK_ADDRESS,
): number {
  const optionAt = emitNeighbor(view, at, TYPE_NEIGHBOR_ADVERTISEMENT, flags, target);
  return NEIGHBOR_BYTES + emitLinkAddress(view, optionAt, OPTION_TARGET_LINK_ADDRESS, targetLinkAddress);
}

/**
 * The advertisement by which a station announces itself to all nodes (ff02::1): override only, since nobody asked
 * (RFC 4861 section 7.2.6). 32 bytes.
 */
export const unsolicitedAdvertisement = (
  view: DataView,
  at: number,
  address: Ipv6Address,
  linkAddress: LinkAddress,
): number => neighborAdvertisement(view, at, FLAG_OVERRIDE, address, linkAddress);

/** "Which routers are there?" 16 bytes, or 8 without a link address. Returns the bytes written. */
export function routerSolicitation(
  view: DataView,
  at: number,
  sourceLinkAddress: LinkAddress = NO_LINK_ADDRESS,
): number {
  view.setUint32(at, TYPE_ROUTER_SOLICITATION << 24);
  view.setUint32(at + FLAGS, 0);
  const optionAt = at + ROUTER_SOLICITATION_BYTES;
  return ROUTER_SOLICITATION_BYTES + emitLinkAddress(view, optionAt, OPTION_SOURCE_LINK_ADDRESS, sourceLinkAddress);
}

/** Everything in front of the options; returns where those start. */
function emitNeighbor(view: DataView, at: number, type: number, flags: number, target: Ipv6Address): number {
  view.setUint32(at, type << 24);
  view.setUint32(at + FLAGS, flags);
  setIpv6(view, at + TARGET, target);
  return at + NEIGHBOR_BYTES;
}

/** The message as a value, or null. Cold. */
export function parse(view: DataView, at: number, end: number): Ndp | null {
  if (!isValid(view, at, end)) return null;
  const source = orNull(sourceLinkAddress(view, at, end));
  switch (type(view, at)) {
    case TYPE_NEIGHBOR_SOLICITATION:
      return { kind: 'neighbor-solicitation', target: target(view, at), sourceLinkAddress: source };
    case TYPE_NEIGHBOR_ADVERTISEMENT:
      return {
        kind: 'neighbor-advertisement',
        flags: flags(view, at),
        target: target(view, at),
        targetLinkAddress: orNull(targetLinkAddress(view, at, end)),
      };
    case TYPE_ROUTER_SOLICITATION:
      return { kind: 'router-solicitation', sourceLinkAddress: source };
    default:
      return {
        kind: 'router-advertisement',
        hopLimit: routerHopLimit(view, at),
        flags: routerFlags(view, at),
        lifetimeSeconds: routerLifetimeSeconds(view, at),
        reachableMilliseconds: reachableMilliseconds(view, at),
        retransmissionMilliseconds: retransmissionMilliseconds(view, at),
        sourceLinkAddress: source,
      };
  }
}

const orNull = (address: LinkAddress): LinkAddress | null => (address === NO_LINK_ADDRESS ? null : address);

/** Writes every byte of a message, its checksum zero; returns its length in bytes. Cold. */
export function emit(value: Ndp, view: DataView, at: number): number {
  switch (value.kind) {
    case 'neighbor-solicitation':
      return neighborSolicitation(view, at, value.target, value.sourceLinkAddress ?? NO_LINK_ADDRESS);
    case 'neighbor-advertisement':
      return neighborAdvertisement(view, at, value.flags, value.target, value.targetLinkAddress ?? NO_LINK_ADDRESS);
    case 'router-solicitation':
      return routerSolicitation(view, at, value.sourceLinkAddress ?? NO_LINK_ADDRESS);
    case 'router-advertisement':
      return emitRouterAdvertisement(value, view, at);
  }
}

function emitRouterAdvertisement(value: RouterAdvertisement, view: DataView, at: number): number {
  view.setUint32(at, TYPE_ROUTER_ADVERTISEMENT << 24);
  view.setUint8(at + ROUTER_HOP_LIMIT, value.hopLimit);
  view.setUint8(at + ROUTER_FLAGS, value.flags);
  view.setUint16(at + ROUTER_LIFETIME, value.lifetimeSeconds);
  view.setUint32(at + REACHABLE_TIME, value.reachableMilliseconds);
  view.setUint32(at + RETRANSMISSION_TIMER, value.retransmissionMilliseconds);
  const optionAt = at + ROUTER_ADVERTISEMENT_BYTES;
  const address = value.sourceLinkAddress ?? NO_LINK_ADDRESS;
  return ROUTER_ADVERTISEMENT_BYTES + emitLinkAddress(view, optionAt, OPTION_SOURCE_LINK_ADDRESS, address);
}

/** `ICMP6, neighbor solicitation, who has 2001:db8::1, length 32`. Cold; never throws. */
export function format(view: DataView, at: number, end: number): string {
  const value = parse(view, at, end);
  if (value === null) return '[|NDP]';
  return `ICMP6, ${value.kind.replace('-', ' ')}${formatDetails(value)}, length ${end - at}`;
}

function formatDetails(value: Ndp): string {
  switch (value.kind) {
    case 'neighbor-solicitation':
      return `, who has ${formatIpv6(value.target)}${formatLink('source', value.sourceLinkAddress)}`;
    case 'neighbor-advertisement':
      return `, tgt is ${formatIpv6(value.target)}${formatLink('target', value.targetLinkAddress)}`;
    case 'router-solicitation':
      return formatLink('source', value.sourceLinkAddress);
    case 'router-advertisement':
      return `, lifetime ${value.lifetimeSeconds}s${formatLink('source', value.sourceLinkAddress)}`;
  }
}

const formatLink = (role: string, address: LinkAddress | null): string =>
  address === null ? '' : `, ${role} ${formatLinkAddress(address)}`;
