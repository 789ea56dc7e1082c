/**
 * Offload arithmetic: what a NIC, real or virtual, was asked to do to a packet.
 * @packageDocumentation
 */

export { completeChecksum, requestChecksum, requestSegmentation } from './request-offload.ts';
export type { OffloadTarget } from './request-offload.ts';
export * as virtioNetHeader from './virtio-net-header.ts';
export { UnknownGsoTypeError } from './virtio-net-header.ts';
export type { ChecksumState, GsoType, OffloadMetadata, VnetHeaderBytes } from './virtio-net-header.ts';
