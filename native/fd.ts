/**
 * Descriptors: owning, duplicating and their flags. What a descriptor *is* says describe-fd.ts.
 *
 * @packageDocumentation
 */

import {
  F_DUPFD_CLOEXEC,
  F_GETFD,
  F_GETFL,
  F_SETFD,
  F_SETFL,
  FD_CLOEXEC,
  O_NONBLOCK,
} from './constants.ts';
import { ERRNO, missingRight, systemError } from './errno.ts';
import { requireLinux } from './koffi.ts';
import * as libc from './libc.ts';
import { requireNotPolled } from './polled.ts';

export { describeFd, type FdDescription } from './describe-fd.ts';

/**
 * A descriptor that is closed at most once. Closing twice by number would close what another part of the process has
 * opened since.
 */
export class Fd {
  readonly number: number;
  /** Whether `close()` closes the descriptor, or only ends the use of it. */
  readonly owned: boolean;
  #isClosed = false;

  constructor(number: number, owned: boolean) {
    this.number = number;
    this.owned = owned;
  }

  /** Whether `close()` was called. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Closes the descriptor if it is owned. Idempotent; throws `ERR_FD_POLLED` (and stays open) while it is polled. */
  close(): void {
    if (this.#isClosed) return;
    if (this.owned) closeFd(this.number);
    this.#isClosed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * open(2) of an existing file; the caller closes the descriptor with `closeFd`.
 *
 * Not node:fs: Node keeps a list of the descriptors that a worker thread opened with it and closes those that are left
 * when the thread ends. It would not hear of our close(2), and by then the number may be somebody else's.
 *
 * @param action what is tried, for the error
 * @param right what is required where the kernel refuses with EPERM or EACCES
 */
export function openFd(action: string, path: string, flags: number, right: string): number {
  requireLinux(action);
  if (path.includes('\0')) throw new TypeError(`${action}: the path has a NUL character`);
  const fd = libc.open(path, flags);
  if (fd >= 0) return fd;
  const errno = libc.errno();
  throw systemError(action, 'open', errno, missingRight(errno, right));
}

/**
 * close(2). Throws `ERR_FD_POLLED` while this thread's event loop polls the descriptor, and EBADF when it is not open.
 * Any other result counts as closed: on Linux the descriptor is gone even when close(2) fails.
 */
export function closeFd(fd: number): void {
  requireNotPolled(`Cannot close fd ${fd}`, fd);
  if (libc.close(fd) >= 0) return;
  const errno = libc.errno();
  if (errno === ERRNO.EBADF) throw systemError(`Cannot close fd ${fd}`, 'close', errno);
}

/** fcntl(F_DUPFD_CLOEXEC): another number for the same open file; the caller closes it. */
export function duplicate(fd: number): number {
  return control(`Cannot duplicate fd ${fd}`, fd, 'F_DUPFD_CLOEXEC', F_DUPFD_CLOEXEC, 0);
}

/**
 * Opens `count` descriptors by `openOne`, which gets their indexes; when it throws, those before it are closed. The
 * caller closes them.
 */
export function openEach(count: number, openOne: (index: number) => number): number[] {
  const fds: number[] = [];
  try {
    while (fds.length < count) fds.push(openOne(fds.length));
    return fds;
  } catch (error) {
    for (const fd of fds) closeFd(fd);
    throw error;
  }
}

/** Sets O_NONBLOCK, or clears it. It belongs to the open file: duplicates and other processes see it, too. */
export function setNonblocking(fd: number, on = true): void {
  const action = `Cannot set O_NONBLOCK on fd ${fd}`;
  const flags = control(action, fd, 'F_GETFL', F_GETFL, 0);
  const wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
  if (wanted !== flags) control(action, fd, 'F_SETFL', F_SETFL, wanted);
}

/** Whether O_NONBLOCK is set. */
export function isNonblocking(fd: number): boolean {
  return (control(`Cannot read the flags of fd ${fd}`, fd, 'F_GETFL', F_GETFL, 0) & O_NONBLOCK) !== 0;
}

/** Whether a child process gets the descriptor. Node's `stdio` option passes it on regardless. */
export function setCloseOnExec(fd: number, on: boolean): void {
  control(`Cannot set FD_CLOEXEC on fd ${fd}`, fd, 'F_SETFD', F_SETFD, on ? FD_CLOEXEC : 0);
}

/** Whether the descriptor is closed on exec. */
export function isCloseOnExec(fd: number): boolean {
  return (control(`Cannot read the flags of fd ${fd}`, fd, 'F_GETFD', F_GETFD, 0) & FD_CLOEXEC) !== 0;
}

function control(action: string, fd: number, name: string, command: number, argument: number): number {
  const result = libc.fcntl(fd, command, argument);
  if (result < 0) throw systemError(action, `fcntl(${name})`, libc.errno());
  return result;
}
