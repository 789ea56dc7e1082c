/** Readers of what was written down of an interface: its link, addresses, routes, neighbours, and DNS. */

import { parseIp } from '../../header/ip-text.ts';
import { checkInterfaceName } from '../../native/interface-name.ts';
import type { Address } from '../netlink/addresses.ts';
import type { Link } from '../netlink/link.ts';
import type { IpvlanMode, MacvlanMode } from '../netlink/link-kinds.ts';
import type { Neighbour } from '../netlink/neighbours.ts';
import type { NextHop, Route, RouteMetrics } from '../netlink/route.ts';
import { type IpFamily, linkAddressBytes, parsePrefix } from '../netlink/text.ts';
import type { Dns, EndpointProperties } from './endpoint.ts';
import {
  integer,
  listOf,
  malformed,
  objectOf,
  oneOf,
  optional,
  type Read,
  readBoolean,
  readObject,
  readText,
  textThat,
  withDefault,
} from './state-fields.ts';

const U32_MAX = 0xffff_ffff;
const I32_MAX = 0x7fff_ffff;

/** A number of 32 bits. */
export const readU32: Read<number> = integer(0, U32_MAX);
/** Index of a link. */
const readIndex = integer(1, I32_MAX);
/** `eth0`. */
export const readInterfaceName: Read<string> = textThat('the name of an interface', (text) =>
  checkInterfaceName('Cannot use it', text),
);
/** `02:00:00:00:00:01`. */
export const readHardwareAddress: Read<string> = textThat(
  'a link address of 6 bytes',
  (text) => linkAddressBytes(text).length === 6,
);
/** A link address of any length. */
const readLinkAddress = textThat('a link address', linkAddressBytes);
/** `192.0.2.1`. */
export const readIp: Read<string> = textThat('an IP address', parseIp);
/** `192.0.2.0/24`. */
export const readPrefix: Read<string> = textThat('a prefix', (text) => text.includes('/') && parsePrefix(text));
/** A prefix, or `default`. */
export const readDestination: Read<string> = (value, path) => (value === 'default' ? value : readPrefix(value, path));
/** `inet` or `inet6`. */
export const readFamily: Read<IpFamily> = oneOf('inet', 'inet6');
/** A list of texts, empty if it is missing. */
export const readTexts: Read<string[]> = withDefault(listOf(readText), []);
/** Seconds; JSON has null for what has no end. */
const readLifetime: Read<number> = (value, path) =>
  withDefault(readU32, Number.POSITIVE_INFINITY)(value === Number.POSITIVE_INFINITY ? null : value, path);

/** Metrics of a route. */
export const readMetrics: Read<RouteMetrics> = objectOf<RouteMetrics>({
  mtu: optional(readU32),
  window: optional(readU32),
  rtt: optional(readU32),
  advmss: optional(readU32),
  hopLimit: optional(readU32),
  initialWindow: optional(readU32),
  minimumRto: optional(readU32),
  initialReceiveWindow: optional(readU32),
});

/** An object of numbers and booleans: what only one kind of link has. It tells, and nothing is made of it. */
const readScalars = <T extends object>(): Read<T> => (value, path) => {
  const entries = Object.entries(readObject(value, path)).map(([key, one]) => {
    if (typeof one === 'number' || typeof one === 'boolean') return [key, one] as const;
    throw malformed(`${path}.${key}`, one, 'a number or a boolean');
  });
  return Object.fromEntries(entries) as T;
};

const MACVLANS = ['private', 'vepa', 'bridge', 'passthru', 'source'] as const;

const readLink = objectOf<Link>({
  index: readIndex,
  name: readInterfaceName,
  alternativeNames: readTexts,
  alias: optional(readText),
  hardwareType: withDefault(integer(0, 0xffff), 1),
  flags: withDefault(readU32, 0),
  flagNames: readTexts,
  isUp: withDefault(readBoolean, false),
  operationalState: withDefault(readText, 'UNKNOWN'),
  carrier: optional(readBoolean),
  carrierChanges: optional(readU32),
  mtu: readU32,
  minMtu: optional(readU32),
  maxMtu: optional(readU32),
  address: optional(readLinkAddress),
  broadcast: optional(readLinkAddress),
  permanentAddress: optional(readLinkAddress),
  master: optional(readIndex),
  parent: optional(integer(0, I32_MAX)),
  parentNamespaceId: optional(integer(-1, I32_MAX)),
  qdisc: optional(readText),
  transmitQueueLength: optional(readU32),
  transmitQueues: optional(readU32),
  receiveQueues: optional(readU32),
  group: withDefault(readU32, 0),
  promiscuity: optional(readU32),
  allMulticast: optional(readU32),
  gsoMaxSize: optional(readU32),
  gsoMaxSegments: optional(readU32),
  groMaxSize: optional(readU32),
  tsoMaxSize: optional(readU32),
  tsoMaxSegments: optional(readU32),
  parentDevice: optional(readText),
  parentBus: optional(readText),
  kind: optional(readText),
  portKind: optional(readText),
  bridgePort: optional(readScalars()),
  bridge: optional(readScalars()),
  tun: optional(readScalars()),
  vlan: optional(objectOf<{ readonly id: number }>({ id: integer(0, 4095) })),
  macvlan: optional(objectOf<{ readonly mode: MacvlanMode }>({ mode: oneOf(...MACVLANS) })),
  ipvlan: optional(objectOf<{ readonly mode: IpvlanMode }>({ mode: oneOf('l2', 'l3', 'l3s') })),
});

const readAddress = objectOf<Address>({
  family: readFamily,
  index: readIndex,
  address: readIp,
  prefixLength: integer(0, 128),
  peer: optional(readIp),
  broadcast: optional(readIp),
  anycast: optional(readIp),
  label: optional(readText),
  scope: withDefault(readText, 'global'),
  flags: readTexts,
  validLifetime: readLifetime,
  preferredLifetime: readLifetime,
  metric: optional(readU32),
  protocol: optional(integer(0, 255)),
});

const readNextHop = objectOf<NextHop>({
  gateway: optional(readIp),
  index: integer(0, I32_MAX),
  weight: withDefault(integer(1, 256), 1),
  flags: readTexts,
});

const readRoute = objectOf<Route>({
  family: readFamily,
  destination: readDestination,
  source: optional(readPrefix),
  gateway: optional(readIp),
  index: optional(readIndex),
  preferredSource: optional(readIp),
  metric: optional(readU32),
  table: readU32,
  type: withDefault(readText, 'unicast'),
  protocol: withDefault(readText, 'boot'),
  scope: withDefault(readText, 'global'),
  typeOfService: optional(integer(0, 255)),
  flags: readTexts,
  metrics: optional(readMetrics),
  nextHops: optional(listOf(readNextHop)),
  preference: optional(readText),
  inputIndex: optional(readIndex),
});

const readNeighbour = objectOf<Neighbour>({
  family: readFamily,
  index: readIndex,
  address: readIp,
  linkAddress: optional(readLinkAddress),
  state: readText,
  flags: readTexts,
  probes: optional(readU32),
});

const readDns = objectOf<Dns>({
  servers: optional(listOf(readText)),
  domain: optional(readText),
  searches: optional(listOf(readText)),
  options: optional(listOf(readText)),
});

/** What an interface was like when it was scanned. */
export const readProperties: Read<EndpointProperties> = objectOf<EndpointProperties>({
  link: readLink,
  addresses: listOf(readAddress),
  routes: listOf(readRoute),
  neighbours: optional(listOf(readNeighbour)),
  dns: optional(readDns),
});
