/**
 * Sockets: opening, addressing and options. Moving packets over them is io.ts and vectors.ts.
 *
 * @packageDocumentation
 */

import * as c from './constants.ts';
import { ERRNO, missingRight, systemError } from './errno.ts';
import { closeFd } from './fd.ts';
import * as layout from './layout.ts';
import * as libc from './libc.ts';
import { allocatePinned, withPinned } from './memory.ts';

// | value 256 bytes | length u32 |
const VALUE_BYTES = 256;
const scratch = allocatePinned(VALUE_BYTES + 8);
const lengthAddress = scratch.address + VALUE_BYTES;
const LENGTH_WORD = VALUE_BYTES / 4;

/** socket(2), non-blocking and closed on exec. The caller closes it. */
export function openSocket(domain: number, type: number, protocol: number): number {
  const fd = libc.socket(domain, type | c.SOCK_CLOEXEC | c.SOCK_NONBLOCK, protocol);
  if (fd >= 0) return fd;
  const errno = libc.errno();
  const action = `Cannot open a socket of domain ${domain}, type ${type}, protocol ${protocol}`;
  throw systemError(action, 'socket', errno, missingRight(errno, 'CAP_NET_RAW'));
}

/** Sizes for {@link socketPair}; the kernel doubles and caps them, socket(7). */
export interface BufferSizes {
  readonly sendBufferBytes?: number;
  readonly receiveBufferBytes?: number;
}

/** socketpair(2) of unix(7), non-blocking and closed on exec; the sizes are set on both ends. */
export function socketPair(type: number = c.SOCK_SEQPACKET, options: BufferSizes = {}): [number, number] {
  const flags = c.SOCK_CLOEXEC | c.SOCK_NONBLOCK;
  if (libc.socketpair(c.AF_UNIX, type | flags, 0, scratch.address) < 0) {
    throw systemError(`Cannot open a socket pair of type ${type}`, 'socketpair', libc.errno());
  }
  const pair: [number, number] = [scratch.words[0]!, scratch.words[1]!];
  try {
    for (const fd of pair) {
      setBufferSizes(fd, { send: options.sendBufferBytes, receive: options.receiveBufferBytes });
    }
  } catch (error) {
    pair.forEach(closeFd);
    throw error;
  }
  return pair;
}

/** A struct sockaddr_un for `path`; a path that begins with NUL is an abstract address, unix(7). */
export function unixAddress(path: string): Uint8Array {
  const isAbstract = path.startsWith('\0');
  const name = Buffer.from(path, 'utf8');
  const room = layout.SOCKADDR_UN_BYTES - layout.SOCKADDR_UN_PATH - (isAbstract ? 0 : 1);
  if (name.length === 0 || name.length > room) {
    throw new RangeError(`Cannot make a unix address from "${path}": it has ${name.length} bytes; 1 to ${room} fit`);
  }
  // The length tells where an abstract name ends; a file name ends at its zero byte.
  const address = new Uint8Array(layout.SOCKADDR_UN_PATH + name.length + (isAbstract ? 0 : 1));
  new DataView(address.buffer).setUint16(layout.SOCKADDR_UN_FAMILY, c.AF_UNIX, true);
  address.set(name, layout.SOCKADDR_UN_PATH);
  return address;
}

/** bind(2) to the bytes of a struct sockaddr. */
export function bindAddress(fd: number, sockaddr: Uint8Array): void {
  withPinned(sockaddr, (address) => {
    if (libc.bindSocket(fd, address, sockaddr.byteLength) >= 0) return;
    throw systemError(`Cannot bind fd ${fd}`, 'bind', libc.errno());
  });
}

/** connect(2) to the bytes of a struct sockaddr; whether it is connected, `false` while that is in progress. */
export function connectAddress(fd: number, sockaddr: Uint8Array): boolean {
  return withPinned(sockaddr, (address) => {
    if (libc.connect(fd, address, sockaddr.byteLength) >= 0) return true;
    const errno = libc.errno();
    if (errno === ERRNO.EINPROGRESS) return false;
    throw systemError(`Cannot connect fd ${fd}`, 'connect', errno);
  });
}

/** bind(2) to a path or abstract name of unix(7). */
export function bindUnix(fd: number, path: string): void {
  bindAddress(fd, unixAddress(path));
}

/** sendto(2) of one datagram to the bytes of a struct sockaddr: the bytes sent, or -errno. */
export function sendTo(fd: number, datagram: Uint8Array, sockaddr: Uint8Array): number {
  return withPinned(datagram, (from) =>
    withPinned(sockaddr, (to) => {
      const count = libc.sendto(fd, from, datagram.byteLength, c.MSG_NOSIGNAL, to, sockaddr.byteLength);
      return count < 0 ? -libc.errno() : count;
    }),
  );
}

/** connect(2) to a path or abstract name of unix(7). */
export function connectUnix(fd: number, path: string): boolean {
  return connectAddress(fd, unixAddress(path));
}

/** listen(2). */
export function listen(fd: number, backlog = 16): void {
  if (libc.listen(fd, backlog) < 0) throw systemError(`Cannot listen on fd ${fd}`, 'listen', libc.errno());
}

/** accept4(2), non-blocking and closed on exec: the new descriptor, or -errno. */
export function accept(fd: number): number {
  const accepted = libc.accept4(fd, 0, 0, c.SOCK_CLOEXEC | c.SOCK_NONBLOCK);
  return accepted < 0 ? -libc.errno() : accepted;
}

/** shutdown(2). @param how SHUT_RD, SHUT_WR or SHUT_RDWR */
export function shutdown(fd: number, how: number): void {
  if (libc.shutdown(fd, how) < 0) throw systemError(`Cannot shut down fd ${fd}`, 'shutdown', libc.errno());
}

/**
 * setsockopt(2).
 *
 * @param value a Number is passed as an int
 * @param name of the option, for the error: `PACKET_FANOUT`
 */
export function setOption(
  fd: number,
  level: number,
  option: number,
  value: number | Uint8Array,
  name: string,
): void {
  const errno = trySetOption(fd, level, option, value);
  if (errno === 0) return;
  const right = level === c.SOL_PACKET ? 'CAP_NET_RAW' : 'CAP_NET_ADMIN';
  throw systemError(`Cannot set ${name} on fd ${fd}`, `setsockopt(${name})`, errno, missingRight(errno, right));
}

/** setsockopt(2) that answers 0 or the positive errno, for a caller with something to say about it. */
export function trySetOption(fd: number, level: number, option: number, value: number | Uint8Array): number {
  if (typeof value === 'number') {
    scratch.words[0] = value;
    return libc.setsockopt(fd, level, option, scratch.address, 4) < 0 ? libc.errno() : 0;
  }
  return withPinned(value, (address) =>
    libc.setsockopt(fd, level, option, address, value.byteLength) < 0 ? libc.errno() : 0,
  );
}

/** getsockopt(2) of an option that is an int. */
export function getOption(fd: number, level: number, option: number, name: string): number {
  readOption(fd, level, option, name, 4);
  return scratch.words[0]!;
}

/** getsockopt(2): a copy of up to `maxBytes` (at most 256) bytes of the option. */
export function getOptionBytes(
  fd: number,
  level: number,
  option: number,
  name: string,
  maxBytes: number = VALUE_BYTES,
): Uint8Array {
  return scratch.bytes.slice(0, readOption(fd, level, option, name, Math.min(maxBytes, VALUE_BYTES)));
}

/**
 * Sets the buffer sizes, as far as given.
 *
 * @param sizes.force sets SO_…BUFFORCE, past net.core.?mem_max; without the right to do that, the plain option
 */
export function setBufferSizes(
  fd: number,
  sizes: { readonly send?: number | undefined; readonly receive?: number | undefined; readonly force?: boolean },
): void {
  const force = sizes.force ?? false;
  if (sizes.send !== undefined) {
    setSize(fd, sizes.send, force ? c.SO_SNDBUFFORCE : 0, c.SO_SNDBUF, 'SO_SNDBUF');
  }
  if (sizes.receive !== undefined) {
    setSize(fd, sizes.receive, force ? c.SO_RCVBUFFORCE : 0, c.SO_RCVBUF, 'SO_RCVBUF');
  }
}

function setSize(fd: number, bytes: number, forced: number, plain: number, name: string): void {
  if (forced !== 0 && trySetOption(fd, c.SOL_SOCKET, forced, bytes) === 0) return;
  setOption(fd, c.SOL_SOCKET, plain, bytes, name);
}

function readOption(fd: number, level: number, option: number, name: string, bytes: number): number {
  scratch.words[0] = 0;
  scratch.words[LENGTH_WORD] = bytes;
  if (libc.getsockopt(fd, level, option, scratch.address, lengthAddress) < 0) {
    throw systemError(`Cannot read ${name} of fd ${fd}`, `getsockopt(${name})`, libc.errno());
  }
  return scratch.words[LENGTH_WORD]!;
}
