/**
 * One route, read and written: RTM_NEWROUTE, rtnetlink(7).
 *
 *     struct rtmsg:     | family | dst length | src length | tos | table | protocol | scope | type | flags u32 |
 *     struct rtnexthop: | length u16 | flags u8 | weight - 1 u8 | index i32 | attributes … |
 */

import { Attributes } from './attributes.ts';
import { type FieldTable, readFields, writeFields } from './fields.ts';
import { sparse } from './link.ts';
import { NetlinkMessage } from './message.ts';
import { bitNames, type Names, namesOf, SCOPES } from './names.ts';
import type { LinkReference } from './new-link.ts';
import type { Reply } from './socket.ts';
import { familyName, familyNumber, ipBytes, type IpFamily, ipText, optionalIpText, parsePrefix } from './text.ts';

/** Bytes of a struct rtmsg. */
export const RTMSG_BYTES = 12;
/** Where fields of a struct rtmsg are. */
export const RTM_TABLE = 4, RTM_FLAGS = 8;
/** Attributes that select routes. */
export const RTA_OIF = 4, RTA_TABLE = 15;
const DST_LENGTH = 1, SRC_LENGTH = 2, TOS = 3, PROTOCOL = 5, SCOPE = 6, TYPE = 7;
const RTA_DST = 1, RTA_SRC = 2, RTA_IIF = 3, RTA_GATEWAY = 5, RTA_PRIORITY = 6, RTA_PREFSRC = 7, RTA_METRICS = 8;
const RTA_MULTIPATH = 9, RTA_VIA = 18, RTA_PREF = 20;
const RTNEXTHOP_BYTES = 8;
const RTNH_F_ONLINK = 4;
const FLAG_NAMES: Readonly<Record<number, string>> = {
  0x1: 'dead',
  0x2: 'pervasive',
  0x4: 'onlink',
  0x8: 'offload',
  0x10: 'linkdown',
  0x20: 'unresolved',
  0x40: 'trap',
};

/** RTN_…. */
export const ROUTE_TYPES: Names = namesOf('route type', {
  1: 'unicast',
  2: 'local',
  3: 'broadcast',
  4: 'anycast',
  5: 'multicast',
  6: 'blackhole',
  7: 'unreachable',
  8: 'prohibit',
  9: 'throw',
});
/** RTPROT_…: who made the route. */
export const ROUTE_PROTOCOLS: Names = namesOf('route protocol', {
  0: 'unspec',
  1: 'redirect',
  2: 'kernel',
  3: 'boot',
  4: 'static',
  9: 'ra',
  16: 'dhcp',
});
/** RT_TABLE_…. */
export const ROUTE_TABLES: Names = namesOf('route table', { 253: 'default', 254: 'main', 255: 'local' });
const PREFERENCES = namesOf('preference', { 0: 'medium', 1: 'high', 3: 'low' });

/** Metrics of a route: what the kernel uses instead of what it measures. 0 is the kernel's choice. */
export interface RouteMetrics {
  /** Bytes. */
  readonly mtu?: number;
  readonly window?: number;
  /** In eighths of a millisecond. */
  readonly rtt?: number;
  /** Largest TCP segment to announce, in bytes. */
  readonly advmss?: number;
  readonly hopLimit?: number;
  /** Of TCP, in segments. */
  readonly initialWindow?: number;
  /** In milliseconds. */
  readonly minimumRto?: number;
  /** Of TCP, in segments. */
  readonly initialReceiveWindow?: number;
}

/** RTAX_…. */
export const ROUTE_METRICS: FieldTable<RouteMetrics> = {
  mtu: [2, 'u32'],
  window: [3, 'u32'],
  rtt: [4, 'u32'],
  advmss: [8, 'u32'],
  hopLimit: [10, 'u32'],
  initialWindow: [11, 'u32'],
  minimumRto: [13, 'u32'],
  initialReceiveWindow: [14, 'u32'],
};

/** One of several ways of a route. */
export interface NextHop {
  readonly gateway?: string;
  /** Index of the link. */
  readonly index: number;
  /** 1 to 256. */
  readonly weight: number;
  readonly flags: readonly string[];
}

/** A route. What the kernel does not say of it is left out. */
export interface Route {
  readonly family: IpFamily;
  /** `192.0.2.0/24`; `default` for what has no length. */
  readonly destination: string;
  /** `192.0.2.0/24`: only for packets from there. */
  readonly source?: string;
  readonly gateway?: string;
  /** Index of the link it goes out by. */
  readonly index?: number;
  /** Address that packets come from by default. */
  readonly preferredSource?: string;
  readonly metric?: number;
  /** Number; 254 is `main`. */
  readonly table: number;
  readonly type: string;
  readonly protocol: string;
  readonly scope: string;
  readonly typeOfService?: number;
  /** `onlink`, `linkdown`, … */
  readonly flags: readonly string[];
  readonly metrics?: RouteMetrics;
  readonly nextHops?: readonly NextHop[];
  /** Of IPv6: `medium`. */
  readonly preference?: string;
  /** In the answer of a look-up: the link that the packet came by. */
  readonly inputIndex?: number;
}

/** One of several ways of a route to be made. */
export interface NewNextHop {
  readonly gateway?: string;
  readonly link?: LinkReference;
  /** 1 to 256. Default 1. */
  readonly weight?: number;
  readonly onlink?: boolean;
}

/** A route to add, or to delete. */
export interface NewRoute {
  /** `192.0.2.0/24`, or `default`, whose family is the gateway's or `family`. */
  readonly destination: string;
  /** Default: what the addresses tell; `inet` where there are none. */
  readonly family?: IpFamily;
  /** An IPv4 route may have an IPv6 gateway (RFC 5549). */
  readonly gateway?: string;
  readonly link?: LinkReference;
  readonly source?: string;
  readonly preferredSource?: string;
  readonly metric?: number;
  /** Number or name. Default `main`. */
  readonly table?: number | string;
  /** Default `unicast`. */
  readonly type?: string;
  /** Default `boot`, as ip(8) has it. */
  readonly protocol?: string;
  /** Default as in ip(8): `global` by a gateway, `link` without, `host` for a local one. */
  readonly scope?: string;
  /** Take the gateway for reachable by `link`, whatever the addresses say. */
  readonly onlink?: boolean;
  readonly metrics?: RouteMetrics;
  readonly nextHops?: readonly NewNextHop[];
}

/** Reads one RTM_NEWROUTE or RTM_DELROUTE; undefined for another family than IP. @throws NetlinkMessageError */
export function readRoute({ fixed, attributes }: Reply): Route | undefined {
  const family = familyName(fixed.getUint8(0));
  if (family === undefined) return undefined;
  const source = attributes.bytes(RTA_SRC);
  const metrics = attributes.nest(RTA_METRICS);
  const preference = attributes.u8(RTA_PREF);
  const hops = attributes.bytes(RTA_MULTIPATH);
  return sparse<Route>({
    family,
    destination: readPrefix(attributes.bytes(RTA_DST), fixed.getUint8(DST_LENGTH), family),
    source: source === undefined ? undefined : `${ipText(source)}/${fixed.getUint8(SRC_LENGTH)}`,
    gateway: readGateway(attributes),
    index: attributes.u32(RTA_OIF),
    inputIndex: attributes.u32(RTA_IIF),
    preferredSource: optionalIpText(attributes.bytes(RTA_PREFSRC)),
    metric: attributes.u32(RTA_PRIORITY),
    table: attributes.u32(RTA_TABLE) ?? fixed.getUint8(RTM_TABLE),
    type: ROUTE_TYPES.of(fixed.getUint8(TYPE)),
    protocol: ROUTE_PROTOCOLS.of(fixed.getUint8(PROTOCOL)),
    scope: SCOPES.of(fixed.getUint8(SCOPE)),
    typeOfService: fixed.getUint8(TOS) || undefined,
    flags: bitNames(fixed.getUint32(RTM_FLAGS, true), FLAG_NAMES),
    metrics: metrics === undefined ? undefined : readFields(ROUTE_METRICS, metrics),
    nextHops: hops === undefined ? undefined : readNextHops(hops),
    preference: preference === undefined ? undefined : PREFERENCES.of(preference),
  });
}

function readPrefix(bytes: Uint8Array | undefined, length: number, family: IpFamily): string {
  if (length === 0) return 'default';
  return `${bytes === undefined ? (family === 'inet' ? '0.0.0.0' : '::') : ipText(bytes)}/${length}`;
}

function readGateway(attributes: Attributes): string | undefined {
  const via = attributes.bytes(RTA_VIA); // | family u16 | address |
  return optionalIpText(attributes.bytes(RTA_GATEWAY)) ?? optionalIpText(via?.subarray(2));
}

function readNextHops(bytes: Uint8Array): NextHop[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const hops: NextHop[] = [];
  for (let at = 0; at + RTNEXTHOP_BYTES <= bytes.byteLength; ) {
    const length = view.getUint16(at, true);
    if (length < RTNEXTHOP_BYTES || at + length > bytes.byteLength) break;
    const gateway = readGateway(new Attributes(bytes.subarray(at + RTNEXTHOP_BYTES, at + length)));
    const flags = bitNames(view.getUint8(at + 2), FLAG_NAMES);
    const index = view.getInt32(at + 4, true);
    hops.push(sparse<NextHop>({ gateway, index, weight: view.getUint8(at + 3) + 1, flags }));
    at += (length + 3) & ~3;
  }
  return hops;
}

/** Family of a route: its own word, or the first address that tells. */
export function routeFamily({ family, destination, gateway, preferredSource, nextHops }: NewRoute): IpFamily {
  if (family !== undefined) return family;
  if (destination !== 'default') return parsePrefix(destination).family;
  const telling = gateway ?? preferredSource ?? nextHops?.find((hop) => hop.gateway !== undefined)?.gateway;
  return telling === undefined ? 'inet' : ipBytes(telling).family;
}

/** The struct rtmsg of a route. @param isNew false: to delete, where what is not given is any */
export function rtmsg(route: NewRoute, isNew: boolean): Uint8Array {
  const family = routeFamily(route);
  const view = new DataView(new ArrayBuffer(RTMSG_BYTES));
  view.setUint8(0, familyNumber(family));
  view.setUint8(DST_LENGTH, route.destination === 'default' ? 0 : parsePrefix(route.destination).length);
  view.setUint8(SRC_LENGTH, route.source === undefined ? 0 : parsePrefix(route.source).length);
  const table = tableNumber(route.table ?? 'main');
  view.setUint8(RTM_TABLE, table < 256 ? table : 0);
  view.setUint8(PROTOCOL, ROUTE_PROTOCOLS.number(route.protocol ?? (isNew ? 'boot' : 'unspec')));
  view.setUint8(SCOPE, SCOPES.number(route.scope ?? (isNew ? defaultScope(route, family) : 'nowhere')));
  view.setUint8(TYPE, route.type === undefined && !isNew ? 0 : ROUTE_TYPES.number(route.type ?? 'unicast'));
  view.setUint32(RTM_FLAGS, route.onlink === true ? RTNH_F_ONLINK : 0, true);
  return new Uint8Array(view.buffer);
}

/** Number of a table. */
export const tableNumber = (table: number | string): number =>
  typeof table === 'number' ? table : ROUTE_TABLES.number(table);

function defaultScope({ type = 'unicast', gateway, nextHops }: NewRoute, family: IpFamily): string {
  if (family === 'inet6') return 'global'; // it has no scopes
  if (type === 'local') return 'host';
  if (['broadcast', 'multicast', 'anycast'].includes(type)) return 'link';
  return type === 'unicast' && gateway === undefined && nextHops === undefined ? 'link' : 'global';
}

/** Appends the attributes of a route. */
export function writeRoute(message: NetlinkMessage, route: NewRoute, index: (link: LinkReference) => number): void {
  const { destination, source, gateway, link, preferredSource, metric, table, metrics, nextHops } = route;
  const family = routeFamily(route);
  if (destination !== 'default') message.attribute(RTA_DST, parsePrefix(destination).bytes);
  if (source !== undefined) message.attribute(RTA_SRC, parsePrefix(source).bytes);
  if (gateway !== undefined) writeGateway(message, gateway, family);
  if (link !== undefined) message.u32(RTA_OIF, index(link));
  if (preferredSource !== undefined) message.attribute(RTA_PREFSRC, ipBytes(preferredSource).bytes);
  if (metric !== undefined) message.u32(RTA_PRIORITY, metric);
  if (table !== undefined) message.u32(RTA_TABLE, tableNumber(table));
  if (metrics !== undefined) message.nest(RTA_METRICS, (nest) => writeFields(ROUTE_METRICS, metrics, nest));
  if (nextHops !== undefined) message.attribute(RTA_MULTIPATH, writeNextHops(nextHops, family, index));
}

function writeGateway(message: NetlinkMessage, gateway: string, family: IpFamily): void {
  const address = ipBytes(gateway);
  if (address.family === family) message.attribute(RTA_GATEWAY, address.bytes);
  else message.attribute(RTA_VIA, Uint8Array.of(familyNumber(address.family), 0, ...address.bytes));
}

function writeNextHops(
  hops: readonly NewNextHop[],
  family: IpFamily,
  index: (link: LinkReference) => number,
): Uint8Array {
  const parts = hops.map(({ gateway, link, weight = 1, onlink = false }) => {
    const view = new DataView(new ArrayBuffer(RTNEXTHOP_BYTES));
    view.setUint8(2, onlink ? RTNH_F_ONLINK : 0);
    view.setUint8(3, weight - 1);
    view.setInt32(4, link === undefined ? 0 : index(link), true);
    const hop = new NetlinkMessage(0, 0).raw(new Uint8Array(view.buffer));
    if (gateway !== undefined) writeGateway(hop, gateway, family);
    const bytes = hop.finish().slice(16);
    new DataView(bytes.buffer).setUint16(0, bytes.byteLength, true);
    return bytes;
  });
  return new Uint8Array(Buffer.concat(parts));
}
