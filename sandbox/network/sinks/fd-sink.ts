/** A sink that hands out what it is given: for whoever drives the devices in a way of their own. */

import type { DeviceSink, ReleaseDevice, SinkPci, SinkTap, SinkVhostUser } from '../device-sink.ts';

/** Holds devices, in the order of their coming, until the network takes them back. Made by `fdSink`. */
export class FdSink implements DeviceSink {
  readonly #taps: SinkTap[] = [];
  readonly #vhostUser: SinkVhostUser[] = [];
  readonly #pci: SinkPci[] = [];

  /** TAPs and macvtaps. Duplicate descriptors that are to outlive `detach()`. */
  get taps(): readonly SinkTap[] {
    return [...this.#taps];
  }

  /** vhost-user devices. */
  get vhostUser(): readonly SinkVhostUser[] {
    return [...this.#vhostUser];
  }

  /** PCI devices. */
  get pci(): readonly SinkPci[] {
    return [...this.#pci];
  }

  async addTap(device: SinkTap): Promise<ReleaseDevice> {
    return hold(this.#taps, device);
  }

  async addVhostUser(device: SinkVhostUser): Promise<ReleaseDevice> {
    return hold(this.#vhostUser, device);
  }

  async addPci(device: SinkPci): Promise<ReleaseDevice> {
    return hold(this.#pci, device);
  }
}

/** A sink that only holds the devices: `{ taps, vhostUser, pci }`. */
export const fdSink = (): FdSink => new FdSink();

function hold<T>(devices: T[], device: T): ReleaseDevice {
  devices.push(device);
  return async () => {
    const at = devices.indexOf(device);
    if (at >= 0) devices.splice(at, 1);
  };
}
