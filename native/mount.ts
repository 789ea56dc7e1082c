/**
 * mount(2), as far as giving a namespace a name needs it.
 *
 * @packageDocumentation
 */

import { MNT_DETACH, MS_BIND, MS_REC, MS_SHARED } from './constants.ts';
import { ERRNO, missingRight, systemError } from './errno.ts';
import * as libc from './libc.ts';
import { withPinned } from './memory.ts';

const RIGHT = 'CAP_SYS_ADMIN';

/** Makes `target`, which exists, show what `source` is. */
export function bindMount(source: string, target: string): void {
  const errno = tryMount(source, target, MS_BIND);
  if (errno === 0) return;
  throw systemError(`Cannot mount "${source}" on "${target}"`, 'mount(MS_BIND)', errno, missingRight(errno, RIGHT));
}

/**
 * Makes mounts below `directory` appear in the other mount namespaces that have it; makes it a mount of its own first
 * where it is none, as ip-netns(8) does.
 */
export function shareMounts(directory: string): void {
  let errno = tryMount('', directory, MS_SHARED | MS_REC);
  if (errno === ERRNO.EINVAL) {
    errno = tryMount(directory, directory, MS_BIND | MS_REC) || tryMount('', directory, MS_SHARED | MS_REC);
  }
  if (errno === 0) return;
  throw systemError(`Cannot share mounts of "${directory}"`, 'mount(MS_SHARED)', errno, missingRight(errno, RIGHT));
}

/** umount2(MNT_DETACH): gone from the tree at once. */
export function detachMount(target: string): void {
  const errno = withText(target, (address) => (libc.umount2(address, MNT_DETACH) < 0 ? libc.errno() : 0));
  if (errno === 0) return;
  throw systemError(`Cannot unmount "${target}"`, 'umount2(MNT_DETACH)', errno, missingRight(errno, RIGHT));
}

function tryMount(source: string, target: string, flags: number): number {
  return withText(source, (from) =>
    withText(target, (to) => withText('none', (type) => (libc.mount(from, to, type, flags, 0) < 0 ? libc.errno() : 0))),
  );
}

function withText<T>(text: string, use: (address: number) => T): T {
  return withPinned(new Uint8Array(Buffer.from(`${text}\0`)), use);
}
