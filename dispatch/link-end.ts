/** What a failed receive call means for the link: most failures are not its end. */

import { ERRNO, systemError } from '../native/errno.ts';
import type { SystemError } from '../errors.ts';
import { HANGUP } from './link-dispatcher.ts';

/**
 * When one fd of several has ended, most frames that are still taken from each of the others: more than a queue of usual
 * size holds. Without a limit, a sender that never pauses would keep the endpoint from ending.
 */
export const LAST_FRAMES = 16_384;

/** Why an fd will deliver nothing any more. */
export interface LinkEnd {
  /** `thrown`: the user's dispatcher threw; `error`: the device or the kernel is to blame, or a worker died. */
  readonly kind: 'hangup' | 'error' | 'thrown';
  readonly fd: number;
  readonly error?: Error;
}

/**
 * - `empty`: nothing there; wait for readiness
 * - `again`: interrupted, or a reset that the kernel reports before the frames that are still queued; try again at once
 * - `no-buffers`: the kernel lacks memory; wait and try again
 * - `down`: the interface is down, or gone: getsockname(2) tells (see inline-reader.ts)
 * - `hangup`: the other side is gone
 * - `gone`: the device was deleted
 * - `fatal`: anything else
 */
export type ReceiveFailure = 'empty' | 'again' | 'no-buffers' | 'down' | 'hangup' | 'gone' | 'fatal';

/** Classifies the negative result of a `dispatch()`. */
export function classifyReceiveFailure(result: number): ReceiveFailure {
  switch (-result) {
    case ERRNO.EAGAIN:
      return 'empty';
    case ERRNO.EINTR:
    // A SEQPACKET peer that closes with unread frames of ours leaves this error, which its report clears. What it sent
    // itself is still queued behind it, and then the end of file.
    case ERRNO.ECONNRESET:
      return 'again';
    case ERRNO.ENOBUFS:
    case ERRNO.ENOMEM:
      return 'no-buffers';
    case ERRNO.ENETDOWN:
      return 'down';
    case -HANGUP:
    case ERRNO.ENOTCONN:
    case ERRNO.EPIPE:
      return 'hangup';
    case ERRNO.EBADFD:
    case ERRNO.ENODEV:
      return 'gone';
    default:
      return 'fatal';
  }
}

/** The error of an interface that was deleted under its fd. */
export function deviceGone(fd: number, syscall: string): SystemError {
  return systemError(`Cannot receive from fd ${fd}`, syscall, ERRNO.ENODEV, 'the interface was deleted; open a new one');
}

/** The error of a receive call that failed for good. */
export function receiveFailed(fd: number, result: number): SystemError {
  return systemError(`Cannot receive from fd ${fd}`, 'recv', -result);
}

/** How a worker's task ended, as plain data: errors lose their class on the way between threads. */
export interface TaskEnd {
  /** `detached`, `closed`: its dispatcher did that to its half; `lost`: the worker failed or died. */
  readonly kind: 'stopped' | 'detached' | 'closed' | 'hangup' | 'gone' | 'fatal' | 'thrown' | 'lost';
  readonly fd: number;
  readonly errno: number;
  /** With `thrown` and `lost`: what ended it. */
  readonly error?: ErrorData;
}

/** An error as plain data. */
export interface ErrorData {
  readonly message: string;
  readonly name: string;
  readonly stack: string | undefined;
  readonly code: unknown;
  readonly errno: unknown;
  readonly syscall: unknown;
}

/** Takes an error apart, to be posted. */
export function errorData(error: Error): ErrorData {
  const { message, name, stack, code, errno, syscall } = error as Error & Partial<Record<'code' | 'errno' | 'syscall', unknown>>;
  return { message, name, stack, code, errno, syscall };
}

const BUILT_IN: Readonly<Record<string, new (message: string) => Error>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** Puts an error together again: a class of ours or the user's is gone, its name, code and stack are there. */
export function errorOf(data: ErrorData): Error {
  const known = Object.entries(data).filter(([, value]) => value !== undefined);
  const ErrorClass = BUILT_IN[data.name] ?? Error;
  return Object.assign(new ErrorClass(data.message), Object.fromEntries(known));
}

/** The end of a link that a worker reports; null for one that was told to stop or left. */
export function linkEndOf(end: TaskEnd): LinkEnd | null {
  const { kind, fd } = end;
  if (kind === 'stopped' || kind === 'detached' || kind === 'closed') return null;
  if (kind === 'hangup') return { kind, fd };
  if (kind === 'gone') return { kind: 'error', fd, error: deviceGone(fd, 'recv') };
  if (kind === 'fatal') return { kind: 'error', fd, error: receiveFailed(fd, -end.errno) };
  return { kind: kind === 'thrown' ? kind : 'error', fd, error: errorOf(end.error as ErrorData) };
}
