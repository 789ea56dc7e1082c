/**
 * Rtnetlink without a shell: links, addresses, routes, neighbours, bridge ports, redirects, namespace ids, and changes
 * of all of these.
 *
 * @packageDocumentation
 */

export type { DriverInfo } from '../../native/ethtool.ts';
export { type Address, Addresses, type NewAddress } from './addresses.ts';
export { Attributes } from './attributes.ts';
export { type BridgePort, BridgePorts, type BridgeVlan } from './bridge-ports.ts';
export type { Link } from './link.ts';
export type { BridgeOptions, BridgePortOptions, IpvlanMode, KindData, MacvlanMode, TunOptions } from './link-kinds.ts';
export { type LinkChanges, type LinkFilter, Links } from './links.ts';
export { NetlinkMessage } from './message.ts';
export { NamespaceIds } from './namespace-ids.ts';
export { type Neighbour, Neighbours, type NewNeighbour } from './neighbours.ts';
export type {
  LinkReference,
  NewBridge,
  NewIpvlan,
  NewLink,
  NewLinkBase,
  NewMacvlan,
  NewPlainLink,
  NewVeth,
  NewVlan,
} from './new-link.ts';
export type { NewNextHop, NewRoute, NextHop, Route, RouteMetrics } from './route.ts';
export { type RouteFilter, Routes } from './routes.ts';
export { Rtnl, type RtnlSockets } from './rtnl.ts';
export { parseReply, type Reply, type Request, RequestSocket } from './socket.ts';
export { type Filter, INGRESS_HANDLE, type NewRedirect, type Qdisc, TrafficControl } from './tc.ts';
export type { MirredAction, U32Selector } from './tc-u32.ts';
export type { IpFamily } from './text.ts';
export { type Change, readChange, Watch, type WatchedObject, type WatchOptions } from './watch.ts';
