/**
 * Opening TUN and TAP interfaces, with everything that an fd-based endpoint needs of them.
 *
 *     kernel's side                             our side
 *     | interface "tap0" |── queue 0 ── fds[0] ──┐
 *     |  address, routes |── queue 1 ── fds[1] ──┤── openFdBased({ fds })
 *
 * The kernel makes the interface with its first queue and deletes it with its last (unless `persist`). With a
 * virtio-net header and offloads, TCP and UDP cross as super-packets of up to 64 KiB: five times less work per byte.
 */

import { InvalidOptionError, SystemError } from '../errors.ts';
import {
  TUN_F_CSUM,
  TUN_F_TSO4,
  TUN_F_TSO6,
  TUN_F_TSO_ECN,
  TUN_F_USO4,
  TUN_F_USO6,
} from '../native/constants.ts';
import { openTunFd, setPersist, setTunOffload } from '../native/tun.ts';
import { checkQueues, DeviceFds, type Namespace, openAll, openIn } from './device.ts';

/** Options of `openTap` and `openTun`. */
export interface OpenTunOptions {
  /** Name, where `%d` is numbered by the kernel. Default: the kernel's choice, tap0 or tun0 and up. */
  readonly name?: string;
  /** Network namespace that the interface is made in: descriptor or path. Default: the thread's. */
  readonly namespace?: Namespace;
  /** Queues, 1 to 256, a descriptor each; the kernel spreads flows over them. Default 1. */
  readonly queues?: number;
  /** Bytes of virtio-net header before each packet. Default 0. */
  readonly vnetHeaderBytes?: 0 | 10 | 12;
  /** Take what the kernel has not cut nor checksummed. Needs a virtio-net header. Default: true where there is one. */
  readonly offloads?: boolean;
  /** Fail with EBUSY when the interface exists. Default false. */
  readonly exclusive?: boolean;
  /** The interface stays when its last queue is closed. Default false. */
  readonly persist?: boolean;
}

/** An open TUN or TAP interface. Close the endpoint over it first, then this. */
export class TunDevice extends DeviceFds {
  /** Name of the interface, in its namespace. */
  readonly name: string;
  /** `tap`: Ethernet frames; `tun`: IP packets. */
  readonly mode: 'tap' | 'tun';
  /** Bytes of virtio-net header before each packet, on every queue. */
  readonly vnetHeaderBytes: 0 | 10 | 12;
  /** TUN_F_… bits of linux/if_tun.h: what the kernel leaves to the reader. */
  readonly offloads: number;

  constructor(fds: readonly number[], properties: Pick<TunDevice, 'name' | 'mode' | 'vnetHeaderBytes' | 'offloads'>) {
    super(fds);
    this.name = properties.name;
    this.mode = properties.mode;
    this.vnetHeaderBytes = properties.vnetHeaderBytes;
    this.offloads = properties.offloads;
  }
}

/**
 * Opens a TAP interface: Ethernet frames. It is made if there is none of that name; it is down and has no address.
 *
 * @throws SystemError EACCES, EPERM naming the missing right; EBUSY when its queue is taken
 * @throws InvalidOptionError
 */
export function openTap(options: OpenTunOptions = {}): TunDevice {
  return openDevice('tap', options);
}

/** Opens a TUN interface: IP packets without a link header. Otherwise as `openTap`. */
export function openTun(options: OpenTunOptions = {}): TunDevice {
  return openDevice('tun', options);
}

function openDevice(mode: 'tap' | 'tun', options: OpenTunOptions): TunDevice {
  const action = `Cannot open ${mode.toUpperCase()} interface${options.name === undefined ? '' : ` "${options.name}"`}`;
  const queues = checkQueues(action, options.queues ?? 1);
  const vnetHeaderBytes = options.vnetHeaderBytes ?? 0;
  const wantsOffloads = options.offloads ?? vnetHeaderBytes > 0;
  if (wantsOffloads && vnetHeaderBytes === 0) {
    throw new InvalidOptionError(`${action}: offloads need a virtio-net header; vnetHeaderBytes 10 or 12 is required`);
  }
  let name = options.name ?? '';
  let offloads = 0;
  const openQueue = (index: number): number => {
    const exclusive = (options.exclusive ?? false) && index === 0;
    const queue = openTunFd({ name, mode, vnetHeaderBytes, exclusive, multiQueue: queues > 1 });
    name = queue.name; // "tap%d" has become "tap3": the further queues are that interface's
    return queue.fd;
  };
  const fds = openIn(options.namespace, () =>
    openAll(queues, openQueue, ([first]) => {
      offloads = negotiateOffloads(first as number, wantsOffloads);
      if (options.persist ?? false) setPersist(first as number, true); // last: nothing after it can fail
    }),
  );
  return new TunDevice(fds, { name, mode, vnetHeaderBytes, offloads });
}

const TCP_OFFLOADS = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
/** Most to least: UDP segmentation came with Linux 6.2. */
const OFFLOAD_CHOICES: readonly number[] = [TCP_OFFLOADS | TUN_F_USO4 | TUN_F_USO6, TCP_OFFLOADS, TUN_F_CSUM];

/**
 * Sets the most that the kernel takes: TUN_F_… bits. Also sets none: a persistent interface remembers its last user's
 * offloads.
 */
export function negotiateOffloads(fd: number, wanted: boolean): number {
  if (wanted) {
    for (const flags of OFFLOAD_CHOICES) if (trySetOffload(fd, flags)) return flags;
  }
  setTunOffload(fd, 0);
  return 0;
}

function trySetOffload(fd: number, flags: number): boolean {
  try {
    setTunOffload(fd, flags);
    return true;
  } catch (error) {
    if (error instanceof SystemError && error.code === 'EINVAL') return false;
    throw error;
  }
}
