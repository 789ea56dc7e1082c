/**
 * Contracts of the link layer and the small stack that uses them. Loads without FFI, on any platform.
 * @packageDocumentation
 */

export { Arena, HEADROOM_BYTES } from './arena.ts';
export type { PacketMemory } from './arena.ts';
export { Capability, HARDWARE_ETHER, HARDWARE_LOOPBACK, HARDWARE_NONE, NO_GSO } from './link-endpoint.ts';
export type {
  Capabilities,
  ClosedReason,
  GsoKind,
  GsoSupport,
  InjectableLinkEndpoint,
  LinkEndpoint,
  LinkEndpointEvents,
} from './link-endpoint.ts';
export { Neighbors } from './neighbors.ts';
export type { LinkAddressResolver } from './neighbors.ts';
export type { Direction, NetworkDispatcher } from './network-dispatcher.ts';
export { Nic, NicRemovedError } from './nic.ts';
export type { LinkTap, NicId, NicOptions, PacketHandler, ProtocolDemultiplexer, ProtocolHandler } from './nic.ts';
export { NicStatistics } from './nic-statistics.ts';
export type { NicCounterName, NicDropReason, NicStatisticsSnapshot } from './nic-statistics.ts';
export { PacketBuffer } from './packet-buffer.ts';
export type { Egress, PacketOwner, PacketType } from './packet-buffer.ts';
export { PacketList } from './packet-list.ts';
export { endLoan, lend, PacketPool } from './packet-pool.ts';
export { DuplicateNicIdError, Stack, UnknownNicIdError } from './stack.ts';
export { Counter, HISTOGRAM_BUCKETS, LinkStatistics, StatisticsBlock } from './statistics.ts';
export type {
  CounterName,
  DropReason,
  InboundDropReason,
  OutboundDropReason,
  StatisticsSnapshot,
} from './statistics.ts';
