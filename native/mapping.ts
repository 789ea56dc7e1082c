/**
 * The mapped ring of a packet socket, mmap(2).
 *
 * A view of mapped memory outlives the mapping, and reading it after munmap(2) is a crash of the process. So a ring is
 * never unmapped: it is *retired* by mapping anonymous memory over it, which lets go of the socket all the same, and
 * leaves stale views reading zeros. The address range is used again by the next ring of the same size:
 *
 *     mapRing --> | ring of fd 7 |  -- retire --> | zeros |  -- mapRing, same size --> | ring of fd 9 |
 *                  one address, one ArrayBuffer all along
 *
 * The ranges that wait are listed per thread: a worker that ends leaves its ranges as zeros (virtual memory only).
 *
 * @packageDocumentation
 */

import * as c from './constants.ts';
import { ERRNO, systemError } from './errno.ts';
import { requireKoffi } from './koffi.ts';
import * as libc from './libc.ts';

/** A mapped ring. */
export interface RingMapping {
  /** The ring. A plain ArrayBuffer: Atomics.load and store work on it, wait and notify do not; it cannot be posted. */
  readonly buffer: ArrayBuffer;
  /** Address of its first byte, for {@link viewAgain} in another thread. */
  readonly address: number;
  readonly byteLength: number;
  /** Lets go of the ring; views read zeros until a later ring uses the range. Idempotent. Close the fd afterwards. */
  retire(): void;
}

interface Range {
  readonly address: number;
  readonly buffer: ArrayBuffer;
}

/** Retired ranges of this thread by size. */
const retired = new Map<number, Range[]>();

/** Maps the ring of packet socket `fd`, which must have `byteLength` bytes. One range and view are made per size. */
export function mapRing(fd: number, byteLength: number): RingMapping {
  const range = retired.get(byteLength)?.pop() ?? newRange(fd, byteLength);
  try {
    mapOver(`Cannot map the ring of fd ${fd}`, range.address, byteLength, c.MAP_SHARED, fd);
  } catch (error) {
    keep(range);
    throw error;
  }
  let isRetired = false;
  return {
    buffer: range.buffer,
    address: range.address,
    byteLength,
    retire(): void {
      if (isRetired) return;
      mapOver(`Cannot retire the ring of fd ${fd}`, range.address, byteLength, ANONYMOUS, -1);
      isRetired = true;
      keep(range);
    },
  };
}

/**
 * A view of a mapping that another thread made: the same memory, another ArrayBuffer of this thread. It costs about
 * 70 us, so once per ring; it may outlive the mapping's retirement.
 */
export function viewAgain(address: number, byteLength: number): ArrayBuffer {
  return requireKoffi('Cannot view a ring').view(BigInt(address), byteLength);
}

/** Bytes of address space that wait for the next ring of this thread. */
export function retiredBytes(): number {
  let bytes = 0;
  for (const [size, ranges] of retired) bytes += size * ranges.length;
  return bytes;
}

const ANONYMOUS = c.MAP_PRIVATE | c.MAP_ANONYMOUS | c.MAP_NORESERVE;

/** Reserves addresses first, so that both the first and every later ring are mapped in the same way. */
function newRange(fd: number, byteLength: number): Range {
  const address = libc.mmap(0, byteLength, c.PROT_READ | c.PROT_WRITE, ANONYMOUS, -1, 0);
  if (address === -1) throw systemError(`Cannot map the ring of fd ${fd}`, 'mmap', libc.errno());
  return { address, buffer: viewAgain(address, byteLength) };
}

function mapOver(action: string, address: number, byteLength: number, flags: number, fd: number): void {
  const protection = c.PROT_READ | c.PROT_WRITE;
  if (libc.mmap(address, byteLength, protection, flags | c.MAP_FIXED, fd, 0) === address) return;
  const errno = libc.errno();
  const remedy = errno === ERRNO.EINVAL ? 'the exact size of the ring is required' : undefined;
  throw systemError(action, 'mmap', errno, remedy);
}

function keep(range: Range): void {
  const ranges = retired.get(range.buffer.byteLength);
  if (ranges === undefined) retired.set(range.buffer.byteLength, [range]);
  else ranges.push(range);
}
