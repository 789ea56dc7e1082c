/**
 * flock(2): a lock on an open file that other programs see, and that the kernel takes back when its holder dies.
 *
 * @packageDocumentation
 */

import { ERRNO, systemError } from './errno.ts';
import * as libc from './libc.ts';

/** <sys/file.h>: one holder at a time. */
const LOCK_EX = 2;

/**
 * Waits until the lock on the file of `fd` is ours. It blocks the thread; closing the descriptor gives the lock back.
 *
 * @throws SystemError
 */
export function lockFile(fd: number): void {
  while (libc.flock(fd, LOCK_EX) < 0) {
    const errno = libc.errno();
    if (errno !== ERRNO.EINTR) throw systemError(`Cannot lock the file of fd ${fd}`, 'flock(LOCK_EX)', errno);
  }
}
