/**
 * TUN and TAP interfaces: opening a queue of one, and its offloads. Documentation/networking/tuntap.rst of the kernel.
 *
 * @packageDocumentation
 */

import { SystemError } from '../errors.ts';
import * as c from './constants.ts';
import { ERRNO, missingRight, systemError } from './errno.ts';
import { closeFd, openFd } from './fd.ts';
import { checkInterfaceName, fillRequest, request, requestedName } from './interface-name.ts';
import { requireLinux } from './koffi.ts';
import * as layout from './layout.ts';
import * as libc from './libc.ts';
import { allocatePinned } from './memory.ts';

const DEVICE = '/dev/net/tun';
/** open(2) where there is no such node, or nothing behind it. */
const NO_DEVICE: readonly string[] = ['ENOENT', 'ENODEV', 'ENXIO'];
const integer = allocatePinned(8);

/** Options of {@link openTunFd}. */
export interface TunOptions {
  /** Name, where `%d` is numbered by the kernel. Default: the kernel's choice, tun0 or tap0 and up. */
  readonly name?: string;
  /** `tun`: IP packets; `tap`: Ethernet frames. */
  readonly mode: 'tun' | 'tap';
  /** Allow further queues, each opened by another call with the same name. Default false. */
  readonly multiQueue?: boolean;
  /** Bytes of virtio-net header before each packet, the same for all queues. Default 0. */
  readonly vnetHeaderBytes?: 0 | 10 | 12;
  /** Leave out the 4-byte struct tun_pi before each packet. Default true. */
  readonly noPacketInfo?: boolean;
  /** Fail with EBUSY when the interface exists. Default false. */
  readonly exclusive?: boolean;
  /** The device; `/dev/tapN` for the macvtap interface with index N. Default /dev/net/tun. */
  readonly path?: string;
}

/**
 * Opens a queue of a TUN or TAP interface, non-blocking and closed on exec, and makes the interface if there is none.
 * It is made in the calling thread's network namespace and vanishes with its last queue. The caller closes `fd`.
 */
export function openTunFd(options: TunOptions): { fd: number; name: string } {
  const { name = '', mode, path = DEVICE, vnetHeaderBytes = 0 } = options;
  const action = `Cannot open ${mode.toUpperCase()} ${name === '' ? 'interface' : `"${name}"`}`;
  requireLinux(action);
  if (name !== '') checkInterfaceName(action, name);
  const fd = openDevice(action, path);
  try {
    const actualName = attachInterface(action, fd, name, tunFlags(options));
    if (vnetHeaderBytes !== 0) setVnetHeaderBytes(fd, vnetHeaderBytes);
    return { fd, name: actualName };
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

function openDevice(action: string, path: string): number {
  try {
    return openFd(action, path, c.O_RDWR | c.O_NONBLOCK | c.O_CLOEXEC, `read and write access to ${path}`);
  } catch (failure) {
    if (!(failure instanceof SystemError) || !NO_DEVICE.includes(failure.code)) throw failure;
    throw systemError(action, failure.syscall, failure.errno, `the device ${path} and its kernel module are required`);
  }
}

function tunFlags(options: TunOptions): number {
  let flags = options.mode === 'tun' ? c.IFF_TUN : c.IFF_TAP;
  if (options.noPacketInfo ?? true) flags |= c.IFF_NO_PI;
  if (options.multiQueue ?? false) flags |= c.IFF_MULTI_QUEUE;
  if (options.exclusive ?? false) flags |= c.IFF_TUN_EXCL;
  if ((options.vnetHeaderBytes ?? 0) !== 0) flags |= c.IFF_VNET_HDR;
  return flags;
}

/** TUNSETIFF, then TUNGETIFF for the name: macvtap's TUNSETIFF does not give it back. */
function attachInterface(action: string, fd: number, name: string, flags: number): string {
  fillRequest(name);
  request.view.setUint16(layout.IFREQ_VALUE, flags, true);
  if (libc.ioctl(fd, c.TUNSETIFF, request.address) < 0) {
    const errno = libc.errno();
    throw systemError(action, 'ioctl(TUNSETIFF)', errno, attachRemedy(errno));
  }
  control(action, fd, 'TUNGETIFF', c.TUNGETIFF, request.address);
  return requestedName();
}

function attachRemedy(errno: number): string | undefined {
  if (errno === ERRNO.EBUSY) return 'the interface exists and its queue is taken; multiQueue on all allows more';
  if (errno === ERRNO.EINVAL) return 'an interface of this name exists with another mode or without multiQueue';
  return missingRight(errno, 'CAP_NET_ADMIN');
}

/** TUNSETOFFLOAD: the TUN_F_… offloads that the reader of the descriptor takes. Needs a virtio-net header. */
export function setTunOffload(fd: number, flags: number): void {
  // The argument is the value itself, not its address.
  control(`Cannot set offloads 0x${flags.toString(16)} of fd ${fd}`, fd, 'TUNSETOFFLOAD', c.TUNSETOFFLOAD, flags);
}

/** TUNGETFEATURES: the IFF_… flags that this kernel knows. */
export function tunFeatures(fd: number): number {
  control(`Cannot read the features of fd ${fd}`, fd, 'TUNGETFEATURES', c.TUNGETFEATURES, integer.address);
  return integer.words[0]!;
}

/** TUNSETVNETHDRSZ: size of the virtio-net header, of all queues of the interface. */
export function setVnetHeaderBytes(fd: number, bytes: number): void {
  integer.words[0] = bytes;
  const action = `Cannot set a virtio-net header of ${bytes} bytes on fd ${fd}`;
  control(action, fd, 'TUNSETVNETHDRSZ', c.TUNSETVNETHDRSZ, integer.address);
}

/** TUNGETVNETHDRSZ: size of the virtio-net header, 10 at first, whether or not the interface uses one. */
export function getVnetHeaderBytes(fd: number): number {
  const action = `Cannot read the virtio-net header size of fd ${fd}`;
  control(action, fd, 'TUNGETVNETHDRSZ', c.TUNGETVNETHDRSZ, integer.address);
  return integer.words[0]!;
}

/** TUNSETQUEUE: takes a queue out of service without closing it, and back in. */
export function setQueueEnabled(fd: number, on: boolean): void {
  fillRequest('');
  request.view.setUint16(layout.IFREQ_VALUE, on ? c.IFF_ATTACH_QUEUE : c.IFF_DETACH_QUEUE, true);
  const action = `Cannot ${on ? 'attach' : 'detach'} the queue of fd ${fd}`;
  control(action, fd, 'TUNSETQUEUE', c.TUNSETQUEUE, request.address);
}

/** TUNSETPERSIST: whether the interface stays after its last queue is closed. */
export function setPersist(fd: number, on: boolean): void {
  control(`Cannot set persistence of fd ${fd}`, fd, 'TUNSETPERSIST', c.TUNSETPERSIST, on ? 1 : 0);
}

function control(action: string, fd: number, name: string, command: number, argument: number): void {
  if (libc.ioctl(fd, command, argument) >= 0) return;
  const errno = libc.errno();
  throw systemError(action, `ioctl(${name})`, errno, missingRight(errno, 'CAP_NET_ADMIN'));
}
