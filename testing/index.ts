/**
 * Unit tests of network code without privilege, without FFI and on any platform: packet builders, endpoints over
 * memory, a small stack, and the compliance suite for endpoints of your own. Bound to no test runner.
 * @packageDocumentation
 */

export { linkEndpointCompliance } from './compliance.ts';
export type {
  ComplianceOptions,
  ExpectedProperties,
  LinkEndpointFeatures,
  LinkEndpointFixture,
  LinkPeer,
} from './compliance.ts';
export {
  arpRequest,
  ethernetFrame,
  icmpEcho,
  icmpv6Echo,
  ipv4Udp,
  ipv6Udp,
  packetFrom,
  patternBytes,
  tcpSegment,
  TEST_ADDRESSES,
} from './packets.ts';
export type {
  ArpOptions,
  EchoOptions,
  FrameOptions,
  IpOptions,
  PayloadBytes,
  TcpOptions,
  UdpOptions,
} from './packets.ts';
export { RecordingDispatcher, TappingDispatcher } from './recording-dispatcher.ts';
export type { DeliveryScript, Recorded, Tapped } from './recording-dispatcher.ts';
export { until } from './until.ts';

export { ChannelEndpoint } from '../link/channel.ts';
export type { ChannelOptions } from '../link/channel.ts';
export { EthernetEndpoint } from '../link/ethernet.ts';
export type { EthernetOptions } from '../link/ethernet.ts';
export { LoopbackEndpoint } from '../link/loopback.ts';
export type { LoopbackOptions } from '../link/loopback.ts';
export { MuxedEndpoint } from '../link/muxed.ts';
export type { MuxedOptions } from '../link/muxed.ts';
export { NestedEndpoint } from '../link/nested.ts';
export { createPipe, PipeEndpoint } from '../link/pipe.ts';
export type { PipeOptions } from '../link/pipe.ts';
export { packets, toWebStreams } from '../link/streams.ts';
export type { FrameStreams, PacketBatches, PacketsOptions } from '../link/streams.ts';
export * from '../stack/index.ts';
export {
  AlreadyAttachedError,
  HostUnreachableError,
  InvalidOptionError,
  LinkClosedError,
  LinkpointError,
  NotAttachedError,
  PacketTooLongError,
  UseAfterReturnError,
} from '../errors.ts';
