/**
 * Link endpoints, one a file, and the decorators around them.
 * @packageDocumentation
 */

export { FdBasedEndpoint, openFdBased } from './fd-based.ts';
export type { FdBasedOptions, RunMode } from './fd-based-options.ts';
export type { Namespace } from './device.ts';
export { openPacketSocket, PacketSocketDevice } from './open-packet-socket.ts';
export type { OpenPacketSocketOptions } from './open-packet-socket.ts';
export { openTap, openTun, TunDevice } from './open-tun.ts';
export type { OpenTunOptions } from './open-tun.ts';
