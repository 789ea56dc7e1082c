/**
 * One change of bridges at a time in a network namespace, whichever process makes it.
 *
 * The lock is flock(2) on the namespace's own file: it needs no directory, it is the same for all who share the bridges
 * and for nobody else, and the kernel gives it up when its holder is killed. What is done inside is synchronous, some
 * rtnetlink requests long, so that two ADDs of one process cannot wait for each other.
 */

import { Fd } from '../../native/fd.ts';
import { lockFile } from '../../native/file-lock.ts';
import { openNamespace } from '../../native/namespace.ts';

/** Runs `change` while nobody else is in here for this thread's network namespace. */
export function withBridgeLock<T>(change: () => T): T {
  using namespace = new Fd(openNamespace(), true);
  lockFile(namespace.number);
  return change();
}
