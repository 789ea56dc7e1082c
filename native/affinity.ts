/**
 * The calling thread: where it may run, what it is called, what it has cost.
 *
 * @packageDocumentation
 */

import { readlinkSync } from 'node:fs';

import { RUSAGE_CHILDREN, RUSAGE_THREAD } from './constants.ts';
import { ERRNO, systemError } from './errno.ts';
import { requireLinux } from './koffi.ts';
import * as layout from './layout.ts';
import * as libc from './libc.ts';
import { allocatePinned } from './memory.ts';

/** cpu_set_t, <sched.h>: one bit per processor. */
const MASK_BYTES = 128;
const scratch = allocatePinned(Math.max(MASK_BYTES, layout.RUSAGE_BYTES_MUSL));

/** sched_setaffinity(2): the calling thread runs on these processors only. Threads it starts inherit it. */
export function setThreadAffinity(cpus: readonly number[]): void {
  const action = `Cannot run on processors ${cpus.join(', ')}`;
  scratch.bytes.fill(0, 0, MASK_BYTES);
  for (const cpu of cpus) {
    if (!Number.isInteger(cpu) || cpu < 0 || cpu >= MASK_BYTES * 8) {
      throw new RangeError(`${action}: ${cpu} is not 0 to ${MASK_BYTES * 8 - 1}`);
    }
    scratch.bytes[cpu >> 3]! |= 1 << (cpu & 7);
  }
  if (libc.schedSetaffinity(0, MASK_BYTES, scratch.address) >= 0) return;
  const errno = libc.errno();
  const remedy = errno === ERRNO.EINVAL ? 'processors that are online and allowed are required' : undefined;
  throw systemError(action, 'sched_setaffinity', errno, remedy);
}

/** sched_getaffinity(2): processors that the calling thread may run on. */
export function threadAffinity(): number[] {
  scratch.bytes.fill(0, 0, MASK_BYTES);
  if (libc.schedGetaffinity(0, MASK_BYTES, scratch.address) < 0) {
    throw systemError('Cannot read the processors of this thread', 'sched_getaffinity', libc.errno());
  }
  const cpus: number[] = [];
  for (let cpu = 0; cpu < MASK_BYTES * 8; cpu++) {
    if ((scratch.bytes[cpu >> 3]! & (1 << (cpu & 7))) !== 0) cpus.push(cpu);
  }
  return cpus;
}

/** gettid(2): the kernel's number of the calling thread. Read from /proc: glibc before 2.30 has no function for it. */
export function threadId(): number {
  requireLinux('Cannot read the thread id');
  return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
}

/** Processor time of a thread, or of processes. */
export interface ThreadCpuTimes {
  readonly userMicroseconds: number;
  readonly systemMicroseconds: number;
}

/** getrusage(RUSAGE_THREAD): what the calling thread has used. Works on Node 20, unlike process.threadCpuUsage. */
export function threadCpuTimes(): ThreadCpuTimes {
  return cpuTimes(RUSAGE_THREAD, 'this thread');
}

/** getrusage(RUSAGE_CHILDREN): what children that have ended have used, and those of theirs that they waited for. */
export function childrenCpuTimes(): ThreadCpuTimes {
  return cpuTimes(RUSAGE_CHILDREN, 'children');
}

function cpuTimes(who: number, whose: string): ThreadCpuTimes {
  if (libc.getrusage(who, scratch.address) < 0) {
    throw systemError(`Cannot read the processor time of ${whose}`, 'getrusage', libc.errno());
  }
  return {
    userMicroseconds: microseconds(layout.RUSAGE_USER_SECONDS, layout.RUSAGE_USER_MICROSECONDS),
    systemMicroseconds: microseconds(layout.RUSAGE_SYSTEM_SECONDS, layout.RUSAGE_SYSTEM_MICROSECONDS),
  };
}

function microseconds(secondsAt: number, microsecondsAt: number): number {
  const { view } = scratch;
  return Number(view.getBigInt64(secondsAt, true)) * 1e6 + Number(view.getBigInt64(microsecondsAt, true));
}
