/**
 * Descriptors that this thread's event loop polls (see readiness.ts). A leaf of its own so that closing a descriptor
 * can ask, without knowing how polling works.
 *
 * Why it matters: libuv aborts the process, uncatchably, when a second poll handle is made for a descriptor number. A
 * number that is closed while it is polled comes back with the next open, and the next poll of it would be the second.
 *
 * @packageDocumentation
 */

import { LinkpointError } from '../errors.ts';

/** Numbers of the descriptors that have an open handle on this thread's event loop. */
export const polledFds: Set<number> = new Set();

/** Throws a LinkpointError `ERR_FD_POLLED` when this thread's event loop polls `fd`. */
export function requireNotPolled(action: string, fd: number): void {
  if (!polledFds.has(fd)) return;
  throw new LinkpointError('ERR_FD_POLLED', `${action}: fd ${fd} is polled by this thread; close its Readiness first`);
}
