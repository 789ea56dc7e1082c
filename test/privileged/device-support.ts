/** What the tests of openTap() and openPacketSocket() share. */

import type { ExecutionContext } from 'ava';

const NOBODY = 65_534;

/** Runs `test` without capabilities, as nobody; the effective user is put back at once. */
export function asNobody(t: ExecutionContext, test: () => void): void {
  const { geteuid, seteuid } = process;
  const own = geteuid?.() ?? 0;
  try {
    seteuid?.(NOBODY);
  } catch {
    // In a user namespace that maps one user only, there is no other one to be.
    t.pass('no other user is mapped in this user namespace');
    return;
  }
  try {
    test();
  } finally {
    seteuid?.(own);
  }
}
