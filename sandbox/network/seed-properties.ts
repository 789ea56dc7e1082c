/**
 * What the seed wrote down of an interface, in Go's JSON of the netlink package that it used.
 *
 *     net.HardwareAddr   []byte: base64, "AgDK/gAE"          net.IP     text, "192.0.2.1"; "" for none
 *     net.IPMask         []byte: base64, "////AA=="          net.IPNet  { "IP": …, "Mask": … }; null for none
 */

import type { Address } from '../netlink/addresses.ts';
import { type Link, LINK_FLAGS, sparse } from '../netlink/link.ts';
import { bitNames, SCOPES } from '../netlink/names.ts';
import { type Route, ROUTE_PROTOCOLS, ROUTE_TYPES } from '../netlink/route.ts';
import { ipBytes, type IpFamily, linkAddressBytes, linkAddressText } from '../netlink/text.ts';
import type { Dns, EndpointProperties } from './endpoint.ts';
import {
  integer,
  listOf,
  malformed,
  objectOf,
  optional,
  type Read,
  readObject,
  readText,
  withDefault,
} from './state-fields.ts';
import { readInterfaceName, readIp, readU32 } from './state-properties.ts';

const IFF_UP = 1;
const FOREVER = 0xffff_ffff;
const RTNH_F_ONLINK = 4;
const MAIN_TABLE = 254;

/** Bytes in base64. */
function readBytes(value: unknown, path: string): Uint8Array {
  const text = readText(value, path);
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw malformed(path, value, 'base64');
  return bytes;
}

/** A link address as Go writes a HardwareAddr, or as text; empty for none. */
export const readGoLinkAddress: Read<string> = (value, path) => {
  if (value === '' || value === null || value === undefined) return '';
  const text = readText(value, path);
  if (text.includes(':')) {
    if (/^[0-9a-f:]{17}$/i.test(text) && linkAddressBytes(text).length === 6) return text.toLowerCase();
  } else {
    const bytes = readBytes(value, path);
    if (bytes.length === 6) return linkAddressText(bytes) ?? '';
  }
  throw malformed(path, value, 'a link address of 6 bytes');
};

/** The length of a net.IPMask. */
function readMask(value: unknown, path: string, family: IpFamily): number {
  const bits = Array.from(readBytes(value, path), (byte) => byte.toString(2).padStart(8, '0')).join('');
  if (bits.length === (family === 'inet' ? 32 : 128) && /^1*0*$/.test(bits)) return bits.lastIndexOf('1') + 1;
  throw malformed(path, value, `a mask of ${family === 'inet' ? 4 : 16} bytes, ones before zeros,`);
}

interface Network {
  readonly family: IpFamily;
  readonly address: string;
  readonly length: number;
}

const readNetwork: Read<Network> = (value, path) => {
  const object = readObject(value, path);
  const address = readIp(object['IP'], `${path}.IP`);
  const { family } = ipBytes(address);
  return { family, address, length: readMask(object['Mask'], `${path}.Mask`, family) };
};

/** Go's zero IP is an empty text. */
const readMaybeIp: Read<string> = (value, path) => optional(readIp)(value === '' ? undefined : value, path);
const readNumber = withDefault(integer(-1, FOREVER), 0);

interface GoLink {
  readonly Index: number;
  readonly MTU: number;
  readonly TxQLen: number;
  readonly Name: string;
  readonly HardwareAddr: string;
  readonly RawFlags: number;
  readonly MasterIndex: number;
  readonly Type: string;
}

const readGoLink = objectOf<GoLink>({
  Index: readU32,
  MTU: readNumber,
  TxQLen: readNumber,
  Name: readInterfaceName,
  HardwareAddr: readGoLinkAddress,
  RawFlags: readNumber,
  MasterIndex: readNumber,
  Type: withDefault(readText, ''),
});

function readLink(value: unknown, path: string): Link {
  const go = readGoLink(value, path);
  const flags = go.RawFlags;
  return sparse<Link>({
    index: go.Index,
    name: go.Name,
    alternativeNames: [],
    hardwareType: 1,
    flags,
    flagNames: bitNames(flags, LINK_FLAGS),
    isUp: (flags & IFF_UP) !== 0,
    operationalState: 'UNKNOWN',
    mtu: go.MTU,
    address: go.HardwareAddr || undefined,
    master: go.MasterIndex || undefined,
    transmitQueueLength: go.TxQLen > 0 ? go.TxQLen : undefined,
    group: 0,
    // The package says "device" where the kernel names no kind.
    kind: go.Type === '' || go.Type === 'device' ? undefined : go.Type,
  });
}

const readAddress =
  (index: number): Read<Address> =>
  (value, path) => {
    const object = readObject(value, path);
    const { family, address, length } = readNetwork(object, path);
    const seconds = (key: string): number => lifetime(readNumber(object[key], `${path}.${key}`));
    const label = optional(readText)(object['Label'], `${path}.Label`);
    return sparse<Address>({
      ...{ family, index, address, prefixLength: length },
      broadcast: readMaybeIp(object['Broadcast'], `${path}.Broadcast`),
      label: label || undefined,
      scope: SCOPES.of(readNumber(object['Scope'], `${path}.Scope`)),
      flags: [],
      validLifetime: seconds('ValidLft'),
      preferredLifetime: seconds('PreferedLft'),
    });
  };

/** Zero was never asked for. */
const lifetime = (seconds: number): number =>
  seconds <= 0 || seconds === FOREVER ? Number.POSITIVE_INFINITY : seconds;

const readRoute =
  (index: number): Read<Route> =>
  (value, path) => {
    const object = readObject(value, path);
    const number = (key: string): number => readNumber(object[key], `${path}.${key}`);
    const ip = (key: string): string | undefined => readMaybeIp(object[key], `${path}.${key}`);
    const network = optional(readNetwork)(object['Dst'], `${path}.Dst`) as Network | undefined;
    const gateway = ip('Gw');
    const metrics = sparse({ mtu: number('MTU') || undefined, advmss: number('AdvMSS') || undefined });
    return sparse<Route>({
      family: network?.family ?? (gateway?.includes(':') === true ? 'inet6' : 'inet'),
      destination: network === undefined || network.length === 0 ? 'default' : `${network.address}/${network.length}`,
      gateway,
      index: number('LinkIndex') || index,
      preferredSource: ip('Src'),
      metric: number('Priority') || undefined,
      table: number('Table') || MAIN_TABLE,
      type: ROUTE_TYPES.of(number('Type') || 1),
      protocol: ROUTE_PROTOCOLS.of(number('Protocol')),
      scope: SCOPES.of(number('Scope')),
      flags: (number('Flags') & RTNH_F_ONLINK) !== 0 ? ['onlink'] : [],
      metrics: Object.keys(metrics).length === 0 ? undefined : metrics,
    });
  };

const readTexts = withDefault(listOf(readText), []);

function readDns(value: unknown, path: string): Dns | undefined {
  if (value === undefined || value === null) return undefined;
  const object = readObject(value, path);
  const texts = (key: string): readonly string[] | undefined => {
    const list = readTexts(object[key], `${path}.${key}`);
    return list.length === 0 ? undefined : list;
  };
  const dns = sparse<Dns>({
    servers: texts('Servers'),
    domain: withDefault(readText, '')(object['Domain'], `${path}.Domain`) || undefined,
    searches: texts('Searches'),
    options: texts('Options'),
  });
  return Object.keys(dns).length === 0 ? undefined : dns;
}

/** Reads EndpointProperties; undefined where nothing was scanned: Go writes zeros then. */
export const readGoProperties: Read<EndpointProperties> = (value, path) => {
  const none = undefined as unknown as EndpointProperties; // objectOf leaves it out
  if (value === undefined || value === null) return none;
  const object = readObject(value, path);
  const iface = object['Iface'];
  if (iface === undefined || iface === null || readObject(iface, `${path}.Iface`)['Name'] === '') return none;
  const link = readLink(iface, `${path}.Iface`);
  return sparse<EndpointProperties>({
    link,
    addresses: withDefault(listOf(readAddress(link.index)), [])(object['Addrs'], `${path}.Addrs`),
    routes: withDefault(listOf(readRoute(link.index)), [])(object['Routes'], `${path}.Routes`),
    dns: readDns(object['DNS'], `${path}.DNS`),
  });
};
