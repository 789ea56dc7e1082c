/**
 * ADD holds the container's namespace, and so do the programs that it calls. When ADD is killed they work on, orphans
 * that may yet write a lease or a rule: DEL waits for their end before it looks for what there is.
 *
 *     ADD ─── killed                            DEL ─ waits ─┐
 *      └─ iptables-restore ──── writes its rules ─ ends ─────┴─► takes back
 *
 * Source of the lock: native/file-hold.ts. It is found by the namespace, and so not when that is gone.
 */

import { holdFile, isFileHeld, releaseFile } from '../native/file-hold.ts';
import type { NetNamespace } from '../sandbox/net-namespace.ts';
import { sleep } from '../sandbox/sleep.ts';

/** How long DEL waits: somebody who hangs must not keep a container from going. */
const WAIT_MILLISECONDS = 10_000;
const PAUSE_MILLISECONDS = 10;

/** Descriptors of the namespaces that this process holds. */
const held = new Set<number>();

/** Holds the namespace of an ADD. What is returned gives it back. @throws SystemError */
export function holdNetns({ fd }: NetNamespace): Disposable {
  holdFile(fd);
  held.add(fd);
  return {
    [Symbol.dispose]: (): void => {
      held.delete(fd);
      releaseFile(fd);
    },
  };
}

/** What a child process inherits, for `stdio` of spawn() behind its three streams. Whoever is killed, is as a whole. */
export const heldNamespaces = (): readonly number[] => [...held];

/** Waits until no ADD, and nothing that one has called, is at work on the namespace. @throws SystemError */
export async function waitForNetns({ fd }: NetNamespace, warn: (line: string) => void): Promise<void> {
  for (let waited = 0; isFileHeld(fd); waited += PAUSE_MILLISECONDS) {
    if (waited >= WAIT_MILLISECONDS) {
      return warn(`an ADD of the container, or a program that it has called, has not ended in ${WAIT_MILLISECONDS} ms`);
    }
    await sleep(PAUSE_MILLISECONDS, undefined);
  }
}
