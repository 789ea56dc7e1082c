/**
 * Sandbox networks: what is in a namespace, handed to a hypervisor or to a stack of our own, and taken back.
 *
 * @example
 * ```ts
 * import { type DeviceSink, SandboxNetwork } from 'linkpoint/sandbox';
 *
 * async function run(sink: DeviceSink): Promise<void> {
 *   await using network = await SandboxNetwork.create({ namespace: '/run/netns/box', queues: 2 });
 *   await network.scan();
 *   await network.attach(sink);
 *   console.log(network.guest.interfaces);
 * }
 * ```
 *
 * @packageDocumentation
 */

export type { DeviceSink, ReleaseDevice, SinkPci, SinkTap, SinkVhostUser } from './device-sink.ts';
export type { Dns, Endpoint, EndpointProperties, EndpointType, NetworkScope, VhostMode } from './endpoint.ts';
export {
  gatewaysOf,
  type GuestInterface,
  type GuestNeighbour,
  type GuestNetwork,
  guestNetworkOf,
  type GuestRoute,
  isForGuest,
} from './guest-network.ts';
export {
  getDefaultInterworkingModel,
  INTERWORKING_MODELS,
  type InterworkingModel,
  isInterworkingModel,
  parseInterworkingModel,
  type ResolvedModel,
  resolveInterworkingModel,
  setDefaultInterworkingModel,
} from './interworking.ts';
export { createMacvtapEndpoint, MacvtapEndpoint } from './macvtap-endpoint.ts';
export {
  createNetworkModel,
  NETWORK_MODELS,
  type NetworkAttachment,
  type NetworkModel,
  type NetworkModelHost,
  type NetworkModelName,
  networkModelText,
  type NetworkProvider,
  parseNetworkModel,
} from './network-models.ts';
export type { InitResult, NamespaceOptions, NamespaceState } from './network-namespace.ts';
export type { RestoreOptions, SandboxNetworkOptions } from './network-options.ts';
export { createNetworkPair, type NetworkPair, type NetworkPairOptions, type PairInterface } from './network-pair.ts';
export { type AttributeWriter, isPciAddress, PciBus, type PciDevice } from './pci-device.ts';
export { PhysicalEndpoint, type PhysicalState } from './physical-endpoint.ts';
export type { QueueEndpointOptions, QueueEndpointState } from './queue-endpoint.ts';
export { SandboxNetwork } from './sandbox-network.ts';
export { isPhysicalInterface, type ScannedInterface, scanInterfaces, type ScanOptions } from './scan.ts';
export { readNetworkState } from './state.ts';
export type { EndpointState, NetworkState } from './state-shape.ts';
export { createTapEndpoint, TapEndpoint } from './tap-endpoint.ts';
export { type StepObserver, type Undoer, UndoStack } from './undo.ts';
export type {
  DeleteLink,
  DeleteTraffic,
  LinkUndo,
  PciUndo,
  RestoreAddressing,
  SandboxUndo,
  SavedAddress,
  SavedAddressing,
  SavedNeighbour,
  SavedNextHop,
  SavedRoute,
  SetLink,
} from './undo-steps.ts';
export { findVhostUserSocket, VhostUserEndpoint, type VhostUserState } from './vhost-user-endpoint.ts';
export {
  createTuntapEndpoint,
  createVirtualEndpoint,
  VirtualEndpoint,
  type VirtualEndpointOptions,
  type VirtualState,
} from './virtual-endpoint.ts';
export * from './sinks/index.ts';
