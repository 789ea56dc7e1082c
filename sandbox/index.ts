/**
 * Making links exist: network namespaces, the interfaces in them, and what joins them, without a shell.
 *
 * @example
 * ```ts
 * import { createNetNamespace } from 'linkpoint/sandbox';
 *
 * await using namespace = await createNetNamespace();
 * await using rtnl = await namespace.rtnl();
 * rtnl.links.add({ kind: 'veth', name: 'eth0', peer: { name: 'eth1' }, up: true });
 * rtnl.addresses.add('eth0', { address: '192.0.2.1/24' });
 * ```
 *
 * @packageDocumentation
 */

export {
  adoptNetNamespace,
  createNetNamespace,
  type CreateNamespaceOptions,
  currentNetNamespace,
  type NamespaceReference,
  openNetNamespace,
} from './namespace.ts';
export type {
  DeviceOptions,
  NamespaceDevice,
  NetNamespace,
  PacketSocketOptionsInside,
  TunOptionsInside,
} from './net-namespace.ts';
export * from './netlink/index.ts';
export { RootlessNamespace } from './rootless.ts';
export { createVeth } from './veth.ts';
export type { VethOptions } from './veth.ts';
export { announce } from './announce.ts';
export type { AnnounceOptions } from './announce.ts';
export { buildGratuitousArp, buildUnsolicitedAdvertisement } from './announce-message.ts';
export type { GratuitousArpForm } from './announce-message.ts';
export { waitForCarrier } from './carrier.ts';
export type { WaitForCarrierOptions } from './carrier.ts';
export { probeKernel } from './probe.ts';
export type { Feature } from './probe.ts';
export type { FanoutModeName, FeatureName } from './probe-check.ts';
export * from './network/index.ts';
