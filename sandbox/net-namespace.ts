/** What a network namespace can do, whoever made it: this process, or a child in a user namespace of its own. */

import type { OpenPacketSocketOptions, PacketSocketDevice } from '../link/open-packet-socket.ts';
import type { OpenTunOptions, TunDevice } from '../link/open-tun.ts';
import type { Rtnl } from './netlink/rtnl.ts';

/** Options of a TAP or TUN interface, but for the namespace. */
export type TunOptionsInside = Omit<OpenTunOptions, 'namespace'>;
/** Options of a packet socket, but for the namespace. */
export type PacketSocketOptionsInside = Omit<OpenPacketSocketOptions, 'namespace'>;

/** Options of `openDevice`. */
export interface DeviceOptions {
  /** Name of the interface on the kernel's side. Default `tap0` or `veth0`. */
  readonly name?: string;
  /** Queues, or packet sockets. Default 1. */
  readonly queues?: number;
  /** A virtio-net header before each frame, and what it allows. Default true. */
  readonly vnetHeader?: boolean;
  /** What to try, best first. Default both. */
  readonly kinds?: readonly ('tap' | 'veth')[];
}

/**
 * A device whose frames are here and whose interface, `name`, is in the namespace, down and without address.
 *
 *     tap     | namespace:  "tap0" ─── queue ────────────────────────► descriptor
 *     veth    | namespace:  "veth0" ═══ "veth0-out" ─── AF_PACKET ───► descriptor
 */
export interface NamespaceDevice {
  readonly kind: 'tap' | 'veth';
  /** The interface on the kernel's side. */
  readonly name: string;
  /** Its descriptors. Close the endpoint over them first, then this. */
  readonly device: TunDevice | PacketSocketDevice;
  /** Why what comes before it in `kinds` was not used: its error's message. */
  readonly refused: readonly { readonly kind: 'tap' | 'veth'; readonly reason: string }[];
}

/** A network namespace, network_namespaces(7). Delete it, or `await using` it. */
export interface NetNamespace extends AsyncDisposable {
  /** A child process holds it, in a user namespace of its own. */
  readonly isRootless: boolean;
  /** Where it is mounted, or the path that it was opened by. */
  readonly path: string | undefined;
  /** It was made here, so `delete()` deletes it. */
  readonly isOwned: boolean;
  /** Inode of the namespace: equal for equal namespaces. */
  readonly inode: number;
  /** Descriptor of the namespace, owned by this object. @throws LinkpointError ERR_CLOSED */
  readonly fd: number;

  /**
   * Runs `fn` in the namespace: setns(2), `fn`, setns(2) back, in one synchronous block, also when `fn` throws.
   * @throws TypeError when `fn` returns a promise: what it waits for would run outside
   * @throws SystemError EPERM where this process may not enter, as in most rootless ones: use the methods below there
   */
  runSync<T>(fn: () => T): T;

  /** Opens the namespace's rtnetlink. The caller closes it. */
  rtnl(): Promise<Rtnl>;
  /** Opens a TAP interface in the namespace. */
  openTap(options?: TunOptionsInside): Promise<TunDevice>;
  /** Opens a TUN interface in the namespace. */
  openTun(options?: TunOptionsInside): Promise<TunDevice>;
  /** Opens packet sockets on an interface of the namespace. */
  openPacketSocket(options: PacketSocketOptionsInside): Promise<PacketSocketDevice>;
  /**
   * Makes a device in the namespace: a TAP, or, where /dev/net/tun is closed, a veth pair with packet sockets; `kind` and
   * `refused` say which and why.
   * @throws LinkpointError ERR_NO_DEVICE with all reasons
   */
  openDevice(options?: DeviceOptions): Promise<NamespaceDevice>;

  /** Gives it up; what was made here goes: its name is unmounted and removed. Idempotent. */
  delete(): Promise<void>;
}
