/**
 * A program that opens endpoints when ever fewer descriptors are left, and ends with 1 when one that could not be opened
 * has kept any. Its limit is set by a shell, for Node has no setrlimit(2).
 */

import { spawnSync } from 'node:child_process';
import { openSync } from 'node:fs';

import { openFdBased } from '../../link/fd-based.ts';
import { closeFd, pinnedCount, socketPair } from '../../native/index.ts';
import { fdCount } from '../native/_support.ts';

const LIMIT = 128;
const FDS = 3;
/** More than any endpoint over FDS descriptors opens. */
const MOST_LEFT = 12;

if (process.argv[2] !== 'limited') {
  const args = ['-c', `ulimit -n ${LIMIT}; exec "$0" "$@"`, process.execPath, process.argv[1] as string, 'limited'];
  process.exit(spawnSync('/bin/sh', args, { stdio: 'inherit' }).status ?? 1);
}

/** Descriptors until there are no more. */
function exhaust(): number[] {
  const fds: number[] = [];
  try {
    for (;;) fds.push(openSync('/dev/null', 'r'));
  } catch {
    return fds;
  }
}

const fds = Array.from({ length: FDS }, () => socketPair()[0]);
let failures = 0;
for (const run of ['inline', 'ring', 'worker'] as const) {
  for (let left = 1; left <= MOST_LEFT; left++) {
    const before = [fdCount(), pinnedCount()].join();
    const hoard = exhaust();
    for (const fd of hoard.splice(0, left)) closeFd(fd);
    const endpoint = await openFdBased({ fds, run }).catch((error: unknown) => error as NodeJS.ErrnoException);
    if ('close' in endpoint) endpoint.close();
    else if (endpoint.code !== 'EMFILE') throw endpoint;
    else failures++;
    for (const fd of hoard) closeFd(fd);
    const after = [fdCount(), pinnedCount()].join();
    if (after !== before) throw new Error(`${run}, ${left} left: descriptors and pins were ${before} and are ${after}`);
  }
}
if (failures < FDS) throw new Error(`Only ${failures} endpoints could not be opened`);
process.exit(0);
