/**
 * Reading and writing a descriptor: hot, so results are a count or -errno, and nothing is allocated or thrown.
 *
 * Addresses come from memory.ts; the caller keeps them pinned for the duration of the call.
 *
 * @packageDocumentation
 */

import { FIONREAD } from './constants.ts';
import * as libc from './libc.ts';
import { allocatePinned } from './memory.ts';

const answer = allocatePinned(8);

/** read(2): bytes read, 0 at the end of the file (or for an empty datagram), or -errno. */
export function read(fd: number, address: number, length: number): number {
  const count = libc.read(fd, address, length);
  return count < 0 ? -libc.errno() : count;
}

/** write(2): bytes written, or -errno. */
export function write(fd: number, address: number, length: number): number {
  const count = libc.write(fd, address, length);
  return count < 0 ? -libc.errno() : count;
}

/** send(2): bytes sent, or -errno. */
export function send(fd: number, address: number, length: number, flags: number): number {
  const count = libc.send(fd, address, length, flags);
  return count < 0 ? -libc.errno() : count;
}

/** readv(2) into `count` iovecs (see layout.ts): bytes read, or -errno. */
export function readv(fd: number, iovecAddress: number, count: number): number {
  const bytes = libc.readv(fd, iovecAddress, count);
  return bytes < 0 ? -libc.errno() : bytes;
}

/** writev(2) of `count` iovecs (see layout.ts): bytes written, or -errno. */
export function writev(fd: number, iovecAddress: number, count: number): number {
  const bytes = libc.writev(fd, iovecAddress, count);
  return bytes < 0 ? -libc.errno() : bytes;
}

/**
 * ioctl(FIONREAD): bytes that can be read now, or -errno. On a SEQPACKET or DGRAM socket of unix(7) the size of all or
 * the first of the queued messages; 0 says that nothing, or only empty messages, is queued.
 */
export function bytesReadable(fd: number): number {
  return libc.ioctl(fd, FIONREAD, answer.address) < 0 ? -libc.errno() : answer.words[0]!;
}
