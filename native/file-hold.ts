/**
 * Holding a file: anybody may, as many as like, and anybody can ask whether somebody does. A child process that was
 * given the descriptor holds it, too, until it ends: whoever is killed is still waited for in its children.
 *
 * These are read locks of open file descriptions, fcntl(2): no program is ever kept waiting by one, and they have
 * nothing to do with the locks of flock(2).
 *
 * @packageDocumentation
 */

import * as c from './constants.ts';
import { systemError } from './errno.ts';
import * as layout from './layout.ts';
import * as libc from './libc.ts';
import { allocatePinned } from './memory.ts';

/** struct flock; all of it is zero, the whole file, but for the type. */
const request = allocatePinned(layout.FLOCK_BYTES);

/** Holds the file of `fd` until that and its duplicates are closed, or {@link releaseFile}. @throws SystemError */
export function holdFile(fd: number): void {
  control(`Cannot hold the file of fd ${fd}`, fd, 'F_OFD_SETLK', c.F_OFD_SETLK, c.F_RDLCK);
}

/** Gives it back, for duplicates of the descriptor in other processes, too. @throws SystemError */
export function releaseFile(fd: number): void {
  control(`Cannot release the file of fd ${fd}`, fd, 'F_OFD_SETLK', c.F_OFD_SETLK, c.F_UNLCK);
}

/** Whether somebody holds the file of `fd` who has opened it elsewhere. @throws SystemError */
export function isFileHeld(fd: number): boolean {
  control(`Cannot ask who holds the file of fd ${fd}`, fd, 'F_OFD_GETLK', c.F_OFD_GETLK, c.F_WRLCK);
  return request.view.getInt16(layout.FLOCK_TYPE, true) !== c.F_UNLCK;
}

function control(action: string, fd: number, name: string, command: number, type: number): void {
  request.bytes.fill(0);
  request.view.setInt16(layout.FLOCK_TYPE, type, true);
  if (libc.fcntl(fd, command, request.address) < 0) throw systemError(action, `fcntl(${name})`, libc.errno());
}
