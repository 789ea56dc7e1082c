/**
 * Who drives the devices of a sandbox network: a hypervisor, or a stack of our own.
 *
 *     veth in the namespace ═► model (bridge, redirect, macvtap) ═► TAP queues ══► addTap      ── fds
 *     vhost-user socket                                                        ══► addVhostUser ── path
 *     PCI device, bound to vfio-pci                                            ══► addPci       ── address
 */

/** Queues of a TAP or macvtap; frames are Ethernet. */
export interface SinkTap {
  /** Name of the interface, in the namespace. */
  readonly name: string;
  /** One descriptor per queue; the network's, which closes them after the sink has let go. */
  readonly fds: readonly number[];
  /** One /dev/vhost-net descriptor per queue, or none. */
  readonly vhostFds: readonly number[];
  /** `02:00:00:00:00:01`: the address that whoever drives the device uses. */
  readonly linkAddress: string;
  /** In bytes. */
  readonly mtu: number;
  /** Bytes of virtio-net header before each frame. */
  readonly vnetHeaderBytes: 0 | 10 | 12;
  readonly kind: 'tap' | 'macvtap';
}

/** A vhost-user device: its back end listens on a socket. */
export interface SinkVhostUser {
  readonly socketPath: string;
  readonly linkAddress: string;
  /** 16 hexadecimal digits. */
  readonly id: string;
}

/** A PCI device that has been given to VFIO. */
export interface SinkPci {
  /** `0000:00:03.0` */
  readonly bdf: string;
  /** Driver of the host that it was taken from. */
  readonly driver: string;
  readonly linkAddress: string;
}

/** Lets go of the device: when it resolves, nobody uses its descriptors any more. Called once. */
export type ReleaseDevice = () => Promise<void>;

/** Takes devices, and says how each is let go of. A sink that cannot take one of a kind rejects. */
export interface DeviceSink {
  addTap(device: SinkTap): Promise<ReleaseDevice>;
  addVhostUser(device: SinkVhostUser): Promise<ReleaseDevice>;
  addPci(device: SinkPci): Promise<ReleaseDevice>;
}
