/**
 * What an error says inside an error of a plugin: the words that Go programs, so the reference, have for an errno(3).
 * They are glibc's with a small first letter.
 */

import { SystemError } from '../errors.ts';

const WORDS: Readonly<Record<number, string>> = {
  1: 'operation not permitted',
  2: 'no such file or directory',
  3: 'no such process',
  4: 'interrupted system call',
  5: 'input/output error',
  6: 'no such device or address',
  9: 'bad file descriptor',
  11: 'resource temporarily unavailable',
  12: 'cannot allocate memory',
  13: 'permission denied',
  16: 'device or resource busy',
  17: 'file exists',
  19: 'no such device',
  20: 'not a directory',
  21: 'is a directory',
  22: 'invalid argument',
  23: 'too many open files in system',
  24: 'too many open files',
  28: 'no space left on device',
  30: 'read-only file system',
  34: 'numerical result out of range',
  36: 'file name too long',
  40: 'too many levels of symbolic links',
  95: 'operation not supported',
  97: 'address family not supported by protocol',
  98: 'address already in use',
  99: 'cannot assign requested address',
  100: 'network is down',
  101: 'network is unreachable',
  105: 'no buffer space available',
  113: 'no route to host',
};

/** Words of a positive errno: `operation not supported`. */
export const strerror = (errno: number): string => WORDS[errno] ?? `errno ${errno}`;

/** What `thrown` says when it is quoted in another error: an errno's words, otherwise its message. */
export function causeText(thrown: unknown): string {
  if (thrown instanceof SystemError) return strerror(thrown.errno);
  if (!(thrown instanceof Error)) return String(thrown);
  const { errno } = thrown as NodeJS.ErrnoException;
  return errno === undefined ? thrown.message : strerror(Math.abs(errno));
}
