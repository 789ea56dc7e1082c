/** One link as the kernel describes it: RTM_NEWLINK, read. */

import { IFF_UP } from '../../native/constants.ts';
import type { Attributes } from './attributes.ts';
import { readFields } from './fields.ts';
import * as at from './if-link.ts';
import { BRIDGE_PORT_FIELDS, type BridgePortOptions, type KindData, readKindData } from './link-kinds.ts';
import { bitNames, type Names, namesOf } from './names.ts';
import type { Reply } from './socket.ts';
import { linkAddressText } from './text.ts';

/** IFF_… of linux/if.h, as ip(8) calls them. */
export const LINK_FLAGS: Readonly<Record<number, string>> = {
  0x1: 'UP',
  0x2: 'BROADCAST',
  0x4: 'DEBUG',
  0x8: 'LOOPBACK',
  0x10: 'POINTOPOINT',
  0x40: 'RUNNING',
  0x80: 'NOARP',
  0x100: 'PROMISC',
  0x200: 'ALLMULTI',
  0x400: 'MASTER',
  0x800: 'SLAVE',
  0x1000: 'MULTICAST',
  0x8000: 'DYNAMIC',
  0x10000: 'LOWER_UP',
  0x20000: 'DORMANT',
  0x40000: 'ECHO',
};

/** IF_OPER_… of linux/if.h. */
const OPER_STATES: Names = namesOf('state', {
  0: 'UNKNOWN',
  1: 'NOTPRESENT',
  2: 'DOWN',
  3: 'LOWERLAYERDOWN',
  4: 'TESTING',
  5: 'DORMANT',
  6: 'UP',
});

/** A link. What the kernel does not say of it is left out. */
export interface Link extends KindData {
  readonly index: number;
  readonly name: string;
  /** Other names, ip-link(8) `property add altname`. */
  readonly alternativeNames: readonly string[];
  readonly alias?: string;
  /** ARPHRD_…: 1 is Ethernet, 772 the loopback. */
  readonly hardwareType: number;
  /** IFF_… bits. */
  readonly flags: number;
  /** Their names, lowest bit first. */
  readonly flagNames: readonly string[];
  readonly isUp: boolean;
  /** RFC 2863. */
  readonly operationalState: string;
  readonly carrier?: boolean;
  readonly carrierChanges?: number;
  /** In bytes, without the link header. */
  readonly mtu: number;
  readonly minMtu?: number;
  readonly maxMtu?: number;
  /** `02:00:00:00:00:01`. */
  readonly address?: string;
  readonly broadcast?: string;
  readonly permanentAddress?: string;
  /** Index of the bridge or other link that this one is a port of. */
  readonly master?: number;
  /** Index of what is below (macvlan, vlan) or on the other side (veth), in the namespace `parentNamespaceId`. */
  readonly parent?: number;
  /** Id of the other namespace that `parent` is in; see NamespaceIds. */
  readonly parentNamespaceId?: number;
  readonly qdisc?: string;
  readonly transmitQueueLength?: number;
  readonly transmitQueues?: number;
  readonly receiveQueues?: number;
  readonly group: number;
  /** How many hold it in promiscuous mode. */
  readonly promiscuity?: number;
  readonly allMulticast?: number;
  readonly gsoMaxSize?: number;
  readonly gsoMaxSegments?: number;
  readonly groMaxSize?: number;
  readonly tsoMaxSize?: number;
  readonly tsoMaxSegments?: number;
  /** Device of a bus, such as `0000:00:03.0`, and the bus, such as `pci`. */
  readonly parentDevice?: string;
  readonly parentBus?: string;
  /** `veth`, `bridge`, …; physical links and the loopback have none. */
  readonly kind?: string;
  /** Kind of its master, such as `bridge`. */
  readonly portKind?: string;
  /** As a bridge's port. */
  readonly bridgePort?: BridgePortOptions;
}

/** A type whose missing values are not there at all. */
type Sparse<T> = { [K in keyof T]: T[K] | undefined };

/** The object without the keys whose value is undefined. */
export function sparse<T extends object>(values: Sparse<T>): T {
  for (const key of Object.keys(values) as (keyof T)[]) if (values[key] === undefined) delete values[key];
  return values as T;
}

/** Reads one RTM_NEWLINK or RTM_DELLINK. @throws NetlinkMessageError */
export function readLink({ fixed, attributes }: Reply): Link {
  const flags = fixed.getUint32(at.IFI_FLAGS, true);
  return sparse<Link>({
    index: fixed.getInt32(at.IFI_INDEX, true),
    name: attributes.text(at.IFLA_IFNAME) ?? '',
    alternativeNames: readAlternativeNames(attributes),
    alias: attributes.text(at.IFLA_IFALIAS),
    hardwareType: fixed.getUint16(at.IFI_TYPE, true),
    flags,
    flagNames: bitNames(flags, LINK_FLAGS),
    isUp: (flags & IFF_UP) !== 0,
    mtu: attributes.u32(at.IFLA_MTU) ?? 0,
    group: attributes.u32(at.IFLA_GROUP) ?? 0,
    ...readState(attributes),
    ...readRelations(attributes),
    ...readSizes(attributes),
    ...readKind(attributes),
  });
}

function readState(attributes: Attributes): Sparse<Pick<Link, 'operationalState'> & Partial<Link>> {
  const carrier = attributes.u8(at.IFLA_CARRIER);
  return {
    operationalState: OPER_STATES.of(attributes.u8(at.IFLA_OPERSTATE) ?? 0),
    carrier: carrier === undefined ? undefined : carrier !== 0,
    carrierChanges: attributes.u32(at.IFLA_CARRIER_CHANGES),
    address: linkAddressText(attributes.bytes(at.IFLA_ADDRESS)),
    broadcast: linkAddressText(attributes.bytes(at.IFLA_BROADCAST)),
    permanentAddress: linkAddressText(attributes.bytes(at.IFLA_PERM_ADDRESS)),
    promiscuity: attributes.u32(at.IFLA_PROMISCUITY),
    allMulticast: attributes.u32(at.IFLA_ALLMULTI),
  };
}

function readRelations(attributes: Attributes): Sparse<Partial<Link>> {
  return {
    master: attributes.u32(at.IFLA_MASTER),
    parent: attributes.u32(at.IFLA_LINK),
    parentNamespaceId: attributes.i32(at.IFLA_LINK_NETNSID),
    parentDevice: attributes.text(at.IFLA_PARENT_DEV_NAME),
    parentBus: attributes.text(at.IFLA_PARENT_DEV_BUS_NAME),
    qdisc: attributes.text(at.IFLA_QDISC),
  };
}

function readSizes(attributes: Attributes): Sparse<Partial<Link>> {
  return {
    minMtu: attributes.u32(at.IFLA_MIN_MTU),
    maxMtu: attributes.u32(at.IFLA_MAX_MTU),
    transmitQueueLength: attributes.u32(at.IFLA_TXQLEN),
    transmitQueues: attributes.u32(at.IFLA_NUM_TX_QUEUES),
    receiveQueues: attributes.u32(at.IFLA_NUM_RX_QUEUES),
    gsoMaxSize: attributes.u32(at.IFLA_GSO_MAX_SIZE),
    gsoMaxSegments: attributes.u32(at.IFLA_GSO_MAX_SEGS),
    groMaxSize: attributes.u32(at.IFLA_GRO_MAX_SIZE),
    tsoMaxSize: attributes.u32(at.IFLA_TSO_MAX_SIZE),
    tsoMaxSegments: attributes.u32(at.IFLA_TSO_MAX_SEGS),
  };
}

function readKind(attributes: Attributes): Sparse<Partial<Link>> {
  const info = attributes.nest(at.IFLA_LINKINFO);
  if (info === undefined) return {};
  const kind = info.text(at.IFLA_INFO_KIND);
  const portKind = info.text(at.IFLA_INFO_SLAVE_KIND);
  const data = info.nest(at.IFLA_INFO_DATA);
  const port = portKind === 'bridge' ? info.nest(at.IFLA_INFO_SLAVE_DATA) : undefined;
  return {
    kind,
    portKind,
    bridgePort: port === undefined ? undefined : readFields(BRIDGE_PORT_FIELDS, port),
    ...(data === undefined ? {} : readKindData(kind, data)),
  };
}

function readAlternativeNames(attributes: Attributes): string[] {
  return attributes
    .list(at.IFLA_PROP_LIST)
    .filter(({ type }) => type === at.IFLA_ALT_IFNAME)
    .map(({ bytes }) => Buffer.from(bytes).toString('utf8').replace(/\0+$/, ''));
}
