/**
 * What only one kind of link has: IFLA_INFO_DATA, and IFLA_INFO_SLAVE_DATA of a bridge's port.
 *
 * Times of a bridge are in hundredths of a second, as in the kernel and in `ip -d`.
 */

import type { Attributes } from './attributes.ts';
import { type FieldTable, readFields } from './fields.ts';
import { type Names, namesOf } from './names.ts';

/** What a bridge has. Times are in hundredths of a second. */
export interface BridgeOptions {
  readonly forwardDelay?: number;
  readonly helloTime?: number;
  readonly maxAge?: number;
  readonly ageingTime?: number;
  /** Spanning tree: 0 off, 1 by the kernel, 2 by a program. */
  readonly stpState?: number;
  readonly priority?: number;
  /** Heed VLANs; not every kernel can. */
  readonly vlanFiltering?: boolean;
  /** Link-local groups 01:80:c2:00:00:0X that are forwarded, a bit each. */
  readonly groupForwardMask?: number;
  /** Forward multicast to routers: 0 never, 1 as they are seen, 2 always. */
  readonly multicastRouter?: number;
  /** Forward multicast only where somebody listens. */
  readonly multicastSnooping?: boolean;
  readonly multicastQueryUseIfaddr?: boolean;
  readonly multicastQuerier?: boolean;
  readonly multicastHashMax?: number;
  readonly netfilterCallIptables?: boolean;
  readonly netfilterCallIp6tables?: boolean;
  readonly netfilterCallArptables?: boolean;
  readonly vlanDefaultPvid?: number;
}

/** IFLA_BR_…. */
export const BRIDGE_FIELDS: FieldTable<BridgeOptions> = {
  forwardDelay: [1, 'u32'],
  helloTime: [2, 'u32'],
  maxAge: [3, 'u32'],
  ageingTime: [4, 'u32'],
  stpState: [5, 'u32'],
  priority: [6, 'u16'],
  vlanFiltering: [7, 'flag8'],
  groupForwardMask: [9, 'u16'],
  multicastRouter: [22, 'u8'],
  multicastSnooping: [23, 'flag8'],
  multicastQueryUseIfaddr: [24, 'flag8'],
  multicastQuerier: [25, 'flag8'],
  multicastHashMax: [27, 'u32'],
  netfilterCallIptables: [36, 'flag8'],
  netfilterCallIp6tables: [37, 'flag8'],
  netfilterCallArptables: [38, 'flag8'],
  vlanDefaultPvid: [39, 'u16'],
};

/** What a port of a bridge has. */
export interface BridgePortOptions {
  /** 0 disabled, 1 listening, 2 learning, 3 forwarding, 4 blocking. */
  readonly state?: number;
  readonly priority?: number;
  readonly cost?: number;
  /** Frames may leave by the port that they came by. */
  readonly hairpin?: boolean;
  /** Refuse frames of the spanning tree protocol. */
  readonly guard?: boolean;
  readonly rootBlock?: boolean;
  readonly fastLeave?: boolean;
  /** Learn who is behind the port. */
  readonly learning?: boolean;
  /** Send what is for nobody known. */
  readonly flood?: boolean;
  readonly proxyArp?: boolean;
  readonly multicastRouter?: number;
  readonly multicastFlood?: boolean;
  readonly multicastToUnicast?: boolean;
  readonly vlanTunnel?: boolean;
  readonly broadcastFlood?: boolean;
  readonly groupForwardMask?: number;
  readonly neighbourSuppression?: boolean;
  /** Exchange frames with ports that are not isolated only. */
  readonly isolated?: boolean;
  /** Take frames only of who is known to be behind the port. */
  readonly locked?: boolean;
}

/** IFLA_BRPORT_…. */
export const BRIDGE_PORT_FIELDS: FieldTable<BridgePortOptions> = {
  state: [1, 'u8'],
  priority: [2, 'u16'],
  cost: [3, 'u32'],
  hairpin: [4, 'flag8'],
  guard: [5, 'flag8'],
  rootBlock: [6, 'flag8'],
  fastLeave: [7, 'flag8'],
  learning: [8, 'flag8'],
  flood: [9, 'flag8'],
  proxyArp: [10, 'flag8'],
  multicastRouter: [25, 'u8'],
  multicastFlood: [27, 'flag8'],
  multicastToUnicast: [28, 'flag8'],
  vlanTunnel: [29, 'flag8'],
  broadcastFlood: [30, 'flag8'],
  groupForwardMask: [31, 'u16'],
  neighbourSuppression: [32, 'flag8'],
  isolated: [33, 'flag8'],
  locked: [39, 'flag8'],
};

/** What a TUN or TAP interface has; read only. */
export interface TunOptions {
  /** User that may open it. */
  readonly owner?: number;
  /** Group that may open it. */
  readonly group?: number;
  /** 1 TUN, 2 TAP. */
  readonly type?: number;
  /** A struct tun_pi before each packet. */
  readonly packetInformation?: boolean;
  readonly vnetHeader?: boolean;
  readonly persist?: boolean;
  readonly multiQueue?: boolean;
  readonly queues?: number;
  readonly disabledQueues?: number;
}

/** IFLA_TUN_…. */
const TUN_FIELDS: FieldTable<TunOptions> = {
  owner: [1, 'u32'],
  group: [2, 'u32'],
  type: [3, 'u8'],
  packetInformation: [4, 'flag8'],
  vnetHeader: [5, 'flag8'],
  persist: [6, 'flag8'],
  multiQueue: [7, 'flag8'],
  queues: [8, 'u32'],
  disabledQueues: [9, 'u32'],
};

/** How macvlans and macvtaps of one parent reach each other. */
export type MacvlanMode = 'private' | 'vepa' | 'bridge' | 'passthru' | 'source';
/** MACVLAN_MODE_…. */
export const MACVLAN_MODES: Names = namesOf('macvlan mode', {
  1: 'private',
  2: 'vepa',
  4: 'bridge',
  8: 'passthru',
  16: 'source',
});
/** IFLA_MACVLAN_MODE, IFLA_VLAN_ID, IFLA_IPVLAN_MODE: the first attribute of each. */
export const FIRST_DATA = 1;
/** linux/veth.h: in IFLA_INFO_DATA, a struct ifinfomsg and attributes of the other end. */
export const VETH_INFO_PEER = 1;

/** How ipvlans of one parent forward. */
export type IpvlanMode = 'l2' | 'l3' | 'l3s';
/** IPVLAN_MODE_…. */
export const IPVLAN_MODES: Names = namesOf('ipvlan mode', { 0: 'l2', 1: 'l3', 2: 'l3s' });

/** What only the link's kind has; at most one is there. */
export interface KindData {
  readonly bridge?: BridgeOptions;
  /** Of a macvlan or macvtap. */
  readonly macvlan?: { readonly mode: MacvlanMode };
  readonly tun?: TunOptions;
  readonly vlan?: { readonly id: number };
  readonly ipvlan?: { readonly mode: IpvlanMode };
}

/** Reads IFLA_INFO_DATA of a link of `kind`. */
export function readKindData(kind: string | undefined, data: Attributes): KindData {
  switch (kind) {
    case 'bridge':
      return { bridge: readFields(BRIDGE_FIELDS, data) };
    case 'tun':
      return { tun: readFields(TUN_FIELDS, data) };
    case 'macvlan':
    case 'macvtap':
      return { macvlan: { mode: MACVLAN_MODES.of(data.u32(FIRST_DATA) ?? 0) as MacvlanMode } };
    case 'ipvlan':
      return { ipvlan: { mode: IPVLAN_MODES.of(data.u16(FIRST_DATA) ?? 0) as IpvlanMode } };
    case 'vlan':
      return { vlan: { id: data.u16(FIRST_DATA) ?? 0 } };
    default:
      return {};
  }
}
