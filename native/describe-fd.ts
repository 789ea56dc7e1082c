/**
 * What a descriptor is, asked of the kernel, so that a caller need not say it and cannot say it wrong.
 *
 * @packageDocumentation
 */

import { fstatSync } from 'node:fs';

import * as c from './constants.ts';
import { ERRNO, fromNodeError, systemError } from './errno.ts';
import { requireLinux } from './koffi.ts';
import * as layout from './layout.ts';
import * as libc from './libc.ts';
import { allocatePinned } from './memory.ts';

/** What {@link describeFd} found. */
export interface FdDescription {
  /** `tun` and `tap` include macvtap; `other` is every device, file or pipe that is none of these. */
  readonly kind: 'socket' | 'tun' | 'tap' | 'other';
  /** SO_DOMAIN (AF_…) of a socket, otherwise 0. */
  readonly domain: number;
  /** SO_TYPE (SOCK_…) of a socket, otherwise 0. */
  readonly type: number;
  /** SO_PROTOCOL of a socket, otherwise 0. On AF_PACKET the EtherType in network byte order. */
  readonly protocol: number;
  /** Whether it is a packet(7) socket. */
  readonly isPacketSocket: boolean;
  /** Whether it is a socket or a character device: what may carry packets. Pipes and event descriptors do not. */
  readonly isPacketCarrier: boolean;
  /** Whether epoll(7) takes it. Regular files and /dev/null are refused. */
  readonly isPollable: boolean;
  /** Bytes of virtio-net header before each packet: 0, 10 or 12 (other values are possible on TUN/TAP). */
  readonly vnetHeaderBytes: number;
  /** Name of the TUN/TAP interface, or of the one that a packet socket is bound to (in the descriptor's namespace). */
  readonly interfaceName: string | undefined;
  /** Whether a TUN/TAP interface may have several queues. */
  readonly multiQueue: boolean;
}

const NOTHING: FdDescription = {
  kind: 'other',
  domain: 0,
  type: 0,
  protocol: 0,
  isPacketSocket: false,
  isPacketCarrier: false,
  isPollable: false,
  vnetHeaderBytes: 0,
  interfaceName: undefined,
  multiQueue: false,
};

// | struct ifreq 40 | int 4 | socklen_t 4 | struct epoll_event 16 | struct sockaddr_ll 20 … |
const INTEGER = layout.IFREQ_BYTES;
const LENGTH = INTEGER + 4;
const EVENT = LENGTH + 4;
const ADDRESS = EVENT + 16;
const scratch = allocatePinned(ADDRESS + 128);

/** Describes `fd`. @throws SystemError EBADF when it is not open */
export function describeFd(fd: number): FdDescription {
  const action = `Cannot use fd ${fd}`;
  requireLinux(action);
  const stat = statOf(action, fd);
  const isPollable = acceptsEpoll(action, fd);
  if (stat.isSocket()) return { ...NOTHING, isPacketCarrier: true, isPollable, ...describeSocket(action, fd) };
  if (stat.isCharacterDevice()) return { ...NOTHING, isPacketCarrier: true, isPollable, ...describeTun(fd) };
  return { ...NOTHING, isPollable };
}

/** Whether epoll(7) takes `fd`, which is also whether the event loop can poll it. @throws SystemError EBADF */
export function isPollable(fd: number): boolean {
  const action = `Cannot use fd ${fd}`;
  requireLinux(action);
  statOf(action, fd);
  return acceptsEpoll(action, fd);
}

function statOf(action: string, fd: number): ReturnType<typeof fstatSync> {
  // node:fs refuses a negative number with a RangeError; to our callers it is one more closed descriptor.
  if (!Number.isInteger(fd) || fd < 0) throw systemError(action, 'fstat', ERRNO.EBADF);
  try {
    return fstatSync(fd);
  } catch (error) {
    throw fromNodeError(action, error, 'access to the descriptor');
  }
}

/**
 * Only epoll_ctl(2) itself knows: EPERM is the answer for what it refuses. `fd` must be open: a closed number might be
 * given to the epoll descriptor, which is then asked to watch itself.
 */
function acceptsEpoll(action: string, fd: number): boolean {
  const epollFd = libc.epollCreate1(c.EPOLL_CLOEXEC);
  if (epollFd < 0) throw systemError(action, 'epoll_create1', libc.errno());
  scratch.bytes.fill(0, EVENT, EVENT + 16);
  const errno = libc.epollCtl(epollFd, c.EPOLL_CTL_ADD, fd, scratch.address + EVENT) < 0 ? libc.errno() : 0;
  libc.close(epollFd);
  if (errno === 0) return true;
  if (errno === ERRNO.EPERM) return false;
  throw systemError(action, 'epoll_ctl(EPOLL_CTL_ADD)', errno);
}

function describeSocket(action: string, fd: number): Partial<FdDescription> {
  const domain = optionOf(action, fd, c.SO_DOMAIN, 'SO_DOMAIN');
  const isPacketSocket = domain === c.AF_PACKET;
  return {
    kind: 'socket',
    domain,
    type: optionOf(action, fd, c.SO_TYPE, 'SO_TYPE'),
    protocol: optionOf(action, fd, c.SO_PROTOCOL, 'SO_PROTOCOL'),
    isPacketSocket,
    vnetHeaderBytes: isPacketSocket ? packetVnetHeaderBytes(fd) : 0,
    interfaceName: isPacketSocket ? packetInterfaceName(fd) : undefined,
  };
}

/** PACKET_VNET_HDR_SZ is the whole answer since Linux 6.5; before, the header had 10 bytes or was not there. */
function packetVnetHeaderBytes(fd: number): number {
  const size = readInteger(fd, c.SOL_PACKET, c.PACKET_VNET_HDR_SZ);
  if (size >= 0) return size;
  return readInteger(fd, c.SOL_PACKET, c.PACKET_VNET_HDR) > 0 ? 10 : 0;
}

/** The name is asked through the socket itself, which looks it up in the namespace that the socket belongs to. */
function packetInterfaceName(fd: number): string | undefined {
  scratch.view.setInt32(LENGTH, layout.SOCKADDR_LL_BYTES, true);
  if (libc.getsockname(fd, scratch.address + ADDRESS, scratch.address + LENGTH) < 0) return undefined;
  const index = scratch.view.getInt32(ADDRESS + layout.SOCKADDR_LL_IFINDEX, true);
  if (index <= 0) return undefined;
  scratch.bytes.fill(0, 0, layout.IFREQ_BYTES);
  scratch.view.setInt32(layout.IFREQ_VALUE, index, true);
  return libc.ioctl(fd, c.SIOCGIFNAME, scratch.address) < 0 ? undefined : requestName();
}

/** A character device that does not answer TUNGETIFF is no TUN/TAP, or one that has no interface (yet). */
function describeTun(fd: number): Partial<FdDescription> {
  scratch.bytes.fill(0, 0, layout.IFREQ_BYTES);
  if (libc.ioctl(fd, c.TUNGETIFF, scratch.address) < 0) return {};
  const flags = scratch.view.getUint16(layout.IFREQ_VALUE, true);
  const interfaceName = requestName();
  return {
    kind: (flags & c.IFF_TAP) !== 0 ? 'tap' : 'tun',
    vnetHeaderBytes: (flags & c.IFF_VNET_HDR) !== 0 ? tunVnetHeaderBytes(fd) : 0,
    interfaceName,
    multiQueue: (flags & c.IFF_MULTI_QUEUE) !== 0,
  };
}

function tunVnetHeaderBytes(fd: number): number {
  const failed = libc.ioctl(fd, c.TUNGETVNETHDRSZ, scratch.address + INTEGER) < 0;
  return failed ? 10 : scratch.view.getInt32(INTEGER, true);
}

function requestName(): string {
  const end = scratch.bytes.indexOf(0);
  return Buffer.from(scratch.bytes.slice(0, Math.min(end, c.IFNAMSIZ))).toString('utf8');
}

function optionOf(action: string, fd: number, option: number, name: string): number {
  const value = readInteger(fd, c.SOL_SOCKET, option);
  if (value < 0) throw systemError(action, `getsockopt(${name})`, -value);
  return value;
}

/** The option, or -errno; none of these options is negative. */
function readInteger(fd: number, level: number, option: number): number {
  scratch.view.setInt32(INTEGER, 0, true);
  scratch.view.setInt32(LENGTH, 4, true);
  const failed = libc.getsockopt(fd, level, option, scratch.address + INTEGER, scratch.address + LENGTH) < 0;
  return failed ? -libc.errno() : scratch.view.getInt32(INTEGER, true);
}
