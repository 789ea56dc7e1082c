/**
 * Opening AF_PACKET sockets on an interface, packet(7), with everything that an fd-based endpoint needs of them.
 *
 *     wire ──► interface "veth0" ──► fds[0] ──┐
 *                    │          └──► fds[1] ──┤── openFdBased({ fds, fanout })
 *                    └──► the kernel's own stack: it sees every frame, too
 *
 * Several sockets see every frame each until they join a fan-out group, which `openFdBased` has them do. With a
 * virtio-net header, super-frames of the kernel come and go with their checksum and segmentation metadata.
 */

import { InvalidOptionError } from '../errors.ts';
import { ETH_P_ALL } from '../native/constants.ts';
import { interfaceIndex } from '../native/interface.ts';
import { bindPacketSocket, createPacketSocketFd, setPromiscuous } from '../native/packet-socket.ts';
import { setBufferSizes } from '../native/socket.ts';
import { checkInteger, checkQueues, DeviceFds, type Namespace, openAll, openIn } from './device.ts';

/** Options of `openPacketSocket`. */
export interface OpenPacketSocketOptions {
  /** Interface to bind to, in `namespace`. */
  readonly interfaceName: string;
  /** Network namespace of the interface: descriptor or path. Default: the thread's. */
  readonly namespace?: Namespace;
  /** Sockets, 1 to 256, to be read by a worker each. Default 1. */
  readonly queues?: number;
  /** Bytes of virtio-net header before each frame; 12 needs Linux 6.5. Default 0. */
  readonly vnetHeaderBytes?: 0 | 10 | 12;
  /** EtherType, 0x0003 (ETH_P_ALL) for all. Default all. */
  readonly protocol?: number;
  /** Do not see what this host sends. Default true. */
  readonly ignoreOutgoing?: boolean;
  /** Send past the queueing discipline. Default false. */
  readonly qdiscBypass?: boolean;
  /** `raw`: with the link header; `dgram`: without. Default raw. */
  readonly type?: 'raw' | 'dgram';
  /** Have the interface take frames for other stations. Default false. */
  readonly promiscuous?: boolean;
  /** Send and receive buffer of each socket, in bytes; past the kernel's limit with CAP_NET_ADMIN. Default 4 MiB. */
  readonly bufferBytes?: number;
}

/** A burst of 64 KiB super-frames fits, or some thousands of small ones; the kernel's default holds 90 of 1500 bytes. */
const BUFFER_BYTES = 4 << 20;

/** Open AF_PACKET sockets. Close the endpoint over them first, then this. */
export class PacketSocketDevice extends DeviceFds {
  /** Name of the interface, in its namespace. */
  readonly name: string;
  /** Its index there. */
  readonly interfaceIndex: number;
  /** `raw`: frames with the link header; `dgram`: without. */
  readonly mode: 'raw' | 'dgram';
  /** Bytes of virtio-net header before each frame. */
  readonly vnetHeaderBytes: 0 | 10 | 12;

  constructor(
    fds: readonly number[],
    properties: Pick<PacketSocketDevice, 'name' | 'interfaceIndex' | 'mode' | 'vnetHeaderBytes'>,
  ) {
    super(fds);
    this.name = properties.name;
    this.interfaceIndex = properties.interfaceIndex;
    this.mode = properties.mode;
    this.vnetHeaderBytes = properties.vnetHeaderBytes;
  }
}

/**
 * Opens AF_PACKET sockets on an interface.
 *
 * @throws SystemError EPERM naming CAP_NET_RAW; ENODEV when there is no such interface in the namespace
 * @throws InvalidOptionError
 */
export function openPacketSocket(options: OpenPacketSocketOptions): PacketSocketDevice {
  const { interfaceName: name, type: mode = 'raw', vnetHeaderBytes = 0 } = options;
  const action = `Cannot open a packet socket on "${name}"`;
  const queues = checkQueues(action, options.queues ?? 1);
  const protocol = checkInteger(action, 'protocol', options.protocol ?? ETH_P_ALL, 0, 0xffff);
  const bufferBytes = checkInteger(action, 'bufferBytes', options.bufferBytes ?? BUFFER_BYTES, 1, 0x7fff_ffff);
  if (mode === 'dgram' && vnetHeaderBytes !== 0) {
    throw new InvalidOptionError(`${action}: type "dgram" has no virtio-net header; type "raw" is required`);
  }
  return openIn(options.namespace, () => {
    const index = interfaceIndex(name);
    const openOne = (): number => createPacketSocketFd({ ...options, type: mode, vnetHeaderBytes });
    const fds = openAll(queues, openOne, (opened) => {
      // Bound last and together: a buffer too small, or one socket long before the other, would lose the first frames.
      for (const fd of opened) {
        if (options.promiscuous === true) setPromiscuous(fd, index);
        setBufferSizes(fd, { send: bufferBytes, receive: bufferBytes, force: true });
      }
      for (const fd of opened) bindPacketSocket(fd, index, protocol);
    });
    return new PacketSocketDevice(fds, { name, interfaceIndex: index, mode, vnetHeaderBytes });
  });
}
