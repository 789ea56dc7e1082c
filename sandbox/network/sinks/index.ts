/** Sinks that come with the package: who drives the devices of a sandbox network. */

export { FdSink, fdSink } from './fd-sink.ts';
export { QemuSink, qemuSink } from './qemu-sink.ts';
export type { QemuSinkOptions } from './qemu-sink.ts';
export { StackSink, stackSink, UnsupportedDeviceError } from './stack-sink.ts';
export type { ConnectDevice, StackSinkEndpointOptions, StackSinkOptions } from './stack-sink.ts';
