/**
 * Link endpoints, one a file, and the decorators around them.
 * @packageDocumentation
 */

export { FdBasedEndpoint, openFdBased } from './fd-based.ts';
export type { FdBasedOptions, RunMode } from './fd-based-options.ts';
export { DeviceFds } from './device.ts';
export type { Namespace } from './device.ts';
export { openPacketSocket, PacketSocketDevice } from './open-packet-socket.ts';
export type { OpenPacketSocketOptions } from './open-packet-socket.ts';
export { openTap, openTun, TunDevice } from './open-tun.ts';
export type { OpenTunOptions } from './open-tun.ts';
export { ChannelEndpoint } from './channel.ts';
export type { ChannelOptions } from './channel.ts';
export { EndpointBase } from './endpoint-base.ts';
export { EthernetEndpoint } from './ethernet.ts';
export type { EthernetOptions } from './ethernet.ts';
export { InjectableFdEndpoint, openInjectable } from './injectable.ts';
export type { InjectableFdOptions } from './injectable.ts';
export { addEthernetHeader, classify, parseEthernetHeader, parseNoHeader, PROTOCOL_UNKNOWN } from './link-header.ts';
export { LoopbackEndpoint } from './loopback.ts';
export type { LoopbackOptions } from './loopback.ts';
export type { ClosedOption } from './memory-options.ts';
export { MuxedEndpoint } from './muxed.ts';
export type { MuxedOptions } from './muxed.ts';
export { NestedEndpoint } from './nested.ts';
export { createPipe, PipeEndpoint } from './pipe.ts';
export type { PipeOptions } from './pipe.ts';
export { connectQemuStream, listenQemuStream, QemuStreamServer } from './qemu-connect.ts';
export type { ConnectQemuStreamOptions, ListenQemuStreamOptions } from './qemu-connect.ts';
export { QemuFrameError } from './qemu-frames.ts';
export { openQemuStream, QemuStreamEndpoint } from './qemu-stream.ts';
export type { QemuStreamFdOptions, QemuStreamOptions } from './qemu-stream.ts';
export type { StreamAddress, TcpStreamAddress, UnixStreamAddress } from './stream-address.ts';
export { packets, toWebStreams } from './streams.ts';
export type { FrameStreams, PacketBatches, PacketsOptions } from './streams.ts';
