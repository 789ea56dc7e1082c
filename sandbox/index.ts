/**
 * Making links exist.
 * @packageDocumentation
 */

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
