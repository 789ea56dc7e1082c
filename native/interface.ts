/**
 * Configuring interfaces by ioctl(2), netdevice(7): enough to bring up what a sandbox or a test needs without `ip`.
 * Each function opens and closes a control socket of its own, in the calling thread's network namespace.
 *
 * @packageDocumentation
 */

import { writeFileSync } from 'node:fs';

import * as c from './constants.ts';
import { ERRNO, fromNodeError, missingRight, systemError } from './errno.ts';
import { closeFd } from './fd.ts';
import { checkInterfaceName, fillRequest, request, requestedName } from './interface-name.ts';
import { requireLinux } from './koffi.ts';
import * as layout from './layout.ts';
import * as libc from './libc.ts';
import { allocatePinned } from './memory.ts';
import { openSocket } from './socket.ts';

/** Index of interface `name`. */
export function interfaceIndex(name: string): number {
  ask(`Cannot find interface "${name}"`, name, 'SIOCGIFINDEX', c.SIOCGIFINDEX);
  return request.view.getInt32(layout.IFREQ_VALUE, true);
}

/** Name of the interface with `index`. */
export function interfaceName(index: number): string {
  const action = `Cannot find interface ${index}`;
  withControlSocket(c.AF_INET, (fd) => {
    fillRequest('');
    request.view.setInt32(layout.IFREQ_VALUE, index, true);
    control(action, fd, 'SIOCGIFNAME', c.SIOCGIFNAME, request.address);
  });
  return requestedName();
}

/** IFF_… flags. */
export function interfaceFlags(name: string): number {
  ask(`Cannot read the flags of "${name}"`, name, 'SIOCGIFFLAGS', c.SIOCGIFFLAGS);
  return request.view.getUint16(layout.IFREQ_VALUE, true);
}

/** Brings the interface up, or down. */
export function setInterfaceUp(name: string, up: boolean): void {
  const flags = interfaceFlags(name);
  ask(`Cannot bring "${name}" ${up ? 'up' : 'down'}`, name, 'SIOCSIFFLAGS', c.SIOCSIFFLAGS, () =>
    request.view.setUint16(layout.IFREQ_VALUE, up ? flags | c.IFF_UP : flags & ~c.IFF_UP, true),
  );
}

/** MTU in bytes, without the link header. */
export function interfaceMtu(name: string): number {
  ask(`Cannot read the MTU of "${name}"`, name, 'SIOCGIFMTU', c.SIOCGIFMTU);
  return request.view.getInt32(layout.IFREQ_VALUE, true);
}

/** Sets the MTU in bytes, without the link header. */
export function setInterfaceMtu(name: string, mtu: number): void {
  ask(`Cannot set the MTU of "${name}" to ${mtu}`, name, 'SIOCSIFMTU', c.SIOCSIFMTU, () =>
    request.view.setInt32(layout.IFREQ_VALUE, mtu, true),
  );
}

/** Hardware type (ARPHRD_…). */
export function interfaceHardwareType(name: string): number {
  ask(`Cannot read the hardware type of "${name}"`, name, 'SIOCGIFHWADDR', c.SIOCGIFHWADDR);
  return request.view.getUint16(layout.IFREQ_VALUE, true);
}

/** Link address as a 48-bit integer: 02:00:00:00:00:01 is 0x020000000001. 0 where the interface has none. */
export function interfaceLinkAddress(name: string): number {
  ask(`Cannot read the link address of "${name}"`, name, 'SIOCGIFHWADDR', c.SIOCGIFHWADDR);
  const high = request.view.getUint16(layout.IFREQ_SOCKADDR_DATA);
  return high * 0x1_0000_0000 + request.view.getUint32(layout.IFREQ_SOCKADDR_DATA + 2);
}

/** Sets the link address, a 48-bit integer. Some drivers take it only while the interface is down. */
export function setInterfaceLinkAddress(name: string, mac: number): void {
  const type = interfaceHardwareType(name);
  ask(`Cannot set the link address of "${name}"`, name, 'SIOCSIFHWADDR', c.SIOCSIFHWADDR, () => {
    request.view.setUint16(layout.IFREQ_VALUE, type, true);
    request.view.setUint16(layout.IFREQ_SOCKADDR_DATA, Math.floor(mac / 0x1_0000_0000));
    request.view.setUint32(layout.IFREQ_SOCKADDR_DATA + 2, mac % 0x1_0000_0000);
  });
}

/**
 * Gives the interface its IPv4 address; the kernel adds the route of the prefix. ioctl(2) knows one address per name:
 * another call replaces it.
 *
 * @param address as a number: 192.0.2.1 is 0xc0000201
 */
export function addIpv4Address(name: string, address: number, prefixLength: number): void {
  if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > 32) {
    throw new RangeError(`Cannot add an address to "${name}": prefixLength is ${prefixLength}; it must be 0 to 32`);
  }
  // A shift by 32 is a shift by 0.
  const mask = prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0;
  setIpv4(name, 'SIOCSIFADDR', c.SIOCSIFADDR, address);
  setIpv4(name, 'SIOCSIFNETMASK', c.SIOCSIFNETMASK, mask);
}

function setIpv4(name: string, callName: string, command: number, value: number): void {
  ask(`Cannot add an IPv4 address to "${name}"`, name, callName, command, () => {
    request.view.setUint16(layout.IFREQ_VALUE + layout.SOCKADDR_IN_FAMILY, c.AF_INET, true);
    request.view.setUint32(layout.IFREQ_VALUE + layout.SOCKADDR_IN_ADDRESS, value >>> 0);
  });
}

const request6 = allocatePinned(layout.IN6_IFREQ_BYTES);

/**
 * Adds an IPv6 address. It is tentative, hence unusable, for one to two seconds; for some milliseconds only (the kernel
 * goes through a work queue all the same) when {@link disableDad} was called before.
 *
 * @param address 16 bytes
 */
export function addIpv6Address(name: string, address: Uint8Array, prefixLength: number): void {
  if (address.byteLength !== 16) {
    throw new RangeError(`Cannot add an address to "${name}": it has ${address.byteLength} bytes; 16 are required`);
  }
  const index = interfaceIndex(name);
  request6.bytes.set(address, layout.IN6_IFREQ_ADDRESS);
  request6.view.setUint32(layout.IN6_IFREQ_PREFIX_LENGTH, prefixLength, true);
  request6.view.setInt32(layout.IN6_IFREQ_IFINDEX, index, true);
  withControlSocket(c.AF_INET6, (fd) => {
    const action = `Cannot add an IPv6 address to "${name}"`;
    control(action, fd, 'SIOCSIFADDR', c.SIOCSIFADDR, request6.address);
  });
}

/**
 * Turns duplicate address detection off for the interface (RFC 4862, section 5.4), for addresses that are added
 * afterwards. Right where nobody else can have the address: inside a sandbox's own link.
 *
 * The kernel asks for the larger of this and the setting of all interfaces, which is 0 unless somebody raised it.
 */
export function disableDad(name: string): void {
  const action = `Cannot turn off duplicate address detection of "${name}"`;
  checkInterfaceName(action, name);
  requireLinux(action);
  try {
    // /proc/sys/net shows the namespace of the thread that opens the file, and this call stays on the thread.
    writeFileSync(`/proc/sys/net/ipv6/conf/${name}/accept_dad`, '0');
  } catch (error) {
    throw fromNodeError(action, error, 'CAP_NET_ADMIN with a writable /proc/sys');
  }
}

/** Sends {@link request} for `name` through a control socket; `fill` puts in what is beyond the name. */
function ask(action: string, name: string, callName: string, command: number, fill?: () => void): void {
  checkInterfaceName(action, name);
  withControlSocket(c.AF_INET, (fd) => {
    fillRequest(name);
    fill?.();
    control(action, fd, callName, command, request.address);
  });
}

function withControlSocket(family: number, use: (fd: number) => void): void {
  const fd = openSocket(family, c.SOCK_DGRAM, 0);
  try {
    use(fd);
  } finally {
    closeFd(fd);
  }
}

function control(action: string, fd: number, name: string, command: number, argument: number): void {
  if (libc.ioctl(fd, command, argument) >= 0) return;
  const errno = libc.errno();
  const missing = errno === ERRNO.ENODEV ? 'an interface of this network namespace is required' : undefined;
  throw systemError(action, `ioctl(${name})`, errno, missing ?? missingRight(errno, 'CAP_NET_ADMIN'));
}
