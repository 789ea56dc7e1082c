/**
 * A stack of our own drives the devices: an fd-based endpoint over the queues of each, and a dispatcher on it.
 *
 *     TAP, macvtap ── queue 0 ── fds[0] ──┐
 *                  └─ queue 1 ── fds[1] ──┴── FdBasedEndpoint ◄──► the caller's dispatcher, or NIC and stack
 */

import type { WorkerDispatcher } from '../../../dispatch/dispatcher-task.ts';
import { InvalidOptionError, LinkpointError } from '../../../errors.ts';
import { type FdBasedEndpoint, openFdBased } from '../../../link/fd-based.ts';
import type { FdBasedOptions } from '../../../link/fd-based-options.ts';
import type { NetworkDispatcher } from '../../../stack/network-dispatcher.ts';
import type { DeviceSink, ReleaseDevice, SinkPci, SinkTap, SinkVhostUser } from '../device-sink.ts';
import { checkLinkAddress, checkTapFds } from './check.ts';

/** A device of a kind that a sink cannot drive. */
export class UnsupportedDeviceError extends LinkpointError {
  constructor(action: string, state: string) {
    super('ERR_UNSUPPORTED_DEVICE', `${action}: ${state}`);
  }
}

/**
 * Connects an endpoint with whoever takes its frames: returns a dispatcher, which is then attached, or attaches one
 * itself, as `Stack.createNic` does. May also return nothing, to attach later: frames wait in the device until then.
 */
export type ConnectDevice = (endpoint: FdBasedEndpoint, device: SinkTap) => NetworkDispatcher | WorkerDispatcher | void;

/** Options of the endpoints that are not given by the device. */
export type StackSinkEndpointOptions = Omit<
  FdBasedOptions,
  'fds' | 'mtu' | 'ethernetHeader' | 'linkAddress' | 'vnetHeaderBytes' | 'ownFds'
>;

/** Options of `stackSink`. */
export interface StackSinkOptions {
  /** What takes the frames: one dispatcher for all devices, or a function that is called for each. */
  readonly dispatcher: NetworkDispatcher | WorkerDispatcher | ConnectDevice;
  /** Way of running, batch size and so on, for every endpoint. */
  readonly endpoint?: StackSinkEndpointOptions;
}

/** Drives TAPs and macvtaps by fd-based endpoints. Made by `stackSink`. */
export class StackSink implements DeviceSink {
  readonly #options: StackSinkOptions;
  readonly #endpoints = new Map<string, FdBasedEndpoint>();

  constructor(options: StackSinkOptions) {
    this.#options = options;
  }

  /** The endpoints by the names of their devices; `closed` tells when one is let go of. */
  get endpoints(): ReadonlyMap<string, FdBasedEndpoint> {
    return this.#endpoints;
  }

  /**
   * Opens an endpoint over all queues, with the link address and the MTU of the device, and connects it.
   * @throws InvalidOptionError when there is an endpoint of that name, or the device contradicts itself
   * @throws what the caller's function throws; the endpoint is closed then
   */
  async addTap(device: SinkTap): Promise<ReleaseDevice> {
    const { name, fds, mtu, vnetHeaderBytes } = device;
    const action = `Cannot drive "${name}" by a stack`;
    const linkAddress = checkLinkAddress(action, device.linkAddress);
    checkTapFds(action, device);
    if (this.#endpoints.has(name)) {
      throw new InvalidOptionError(`${action}: it drives a device of that name; detach that one, or use another sink`);
    }
    const given = { fds, mtu, linkAddress, vnetHeaderBytes, ethernetHeader: true, ownFds: false };
    const endpoint = await openFdBased({ ...this.#options.endpoint, ...given });
    this.#endpoints.set(name, endpoint);
    const release = (): Promise<void> => this.#release(name, endpoint);
    try {
      this.#connect(endpoint, device);
    } catch (error) {
      await release();
      throw error;
    }
    return release;
  }

  /** @throws UnsupportedDeviceError always: its frames are in memory that is shared with a guest */
  async addVhostUser({ socketPath }: SinkVhostUser): Promise<ReleaseDevice> {
    const state = 'a vhost-user device needs a guest whose memory it shares; use qemuSink, or fdSink';
    throw new UnsupportedDeviceError(`Cannot drive "${socketPath}" by a stack`, state);
  }

  /** @throws UnsupportedDeviceError always: its frames are in the device's own rings */
  async addPci({ bdf }: SinkPci): Promise<ReleaseDevice> {
    const state = 'a PCI device needs a driver; use qemuSink, or leave it to the host and wire its interface';
    throw new UnsupportedDeviceError(`Cannot drive "${bdf}" by a stack`, state);
  }

  #connect(endpoint: FdBasedEndpoint, device: SinkTap): void {
    const { dispatcher } = this.#options;
    const taker = typeof dispatcher === 'function' ? dispatcher(endpoint, device) : dispatcher;
    if (taker !== undefined && !endpoint.isAttached) endpoint.attach(taker);
  }

  /** Closing stops readers; only when they have stopped may the network close the descriptors. */
  async #release(name: string, endpoint: FdBasedEndpoint): Promise<void> {
    endpoint.close();
    await endpoint.wait();
    if (this.#endpoints.get(name) === endpoint) this.#endpoints.delete(name);
  }
}

/**
 * A sink whose devices a stack of this process drives.
 *
 * @example
 * ```ts
 * const stack = new Stack();
 * const sink = stackSink({ dispatcher: (endpoint) => void stack.createNic(1, endpoint) });
 * ```
 */
export const stackSink = (options: StackSinkOptions): StackSink => new StackSink(options);
