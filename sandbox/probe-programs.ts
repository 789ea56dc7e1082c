/** Checks that run a program: nft(8), unshare(1). */

import { spawnSync } from 'node:child_process';

import { closeFd, createNetworkNamespace, ERRNO, errnoName, systemError } from '../native/index.ts';
import { type Check, NETWORK_RIGHTS } from './probe-check.ts';
import { systemPath } from './system-path.ts';

const LIMIT_MILLISECONDS = 10_000;

/** Runs a program to its end; throws with the first line that it said unless it exits 0. */
function runProgram(program: string, args: readonly string[]): void {
  const env = { ...process.env, PATH: systemPath() };
  const { status, error, stderr } = spawnSync(program, args, { env, timeout: LIMIT_MILLISECONDS, encoding: 'utf8' });
  const action = `Cannot run ${program}`;
  if (error !== undefined) {
    const errno = Math.abs((error as NodeJS.ErrnoException).errno ?? ERRNO.EIO);
    throw systemError(action, 'spawn', errno, errno === ERRNO.ENOENT ? 'it is not installed' : undefined);
  }
  if (status === 0) return;
  const [firstLine = ''] = stderr.trim().split('\n');
  throw new ProgramError(`${action}: it exited with ${status}: "${firstLine}"`, firstLine);
}

/** A program said no. `code` is EPERM when its words are those of that errno, otherwise EIO. */
class ProgramError extends Error {
  readonly code: string;

  constructor(message: string, words: string) {
    super(message);
    this.code = /not permitted|permission denied/i.test(words) ? errnoName(ERRNO.EPERM) : errnoName(ERRNO.EIO);
  }
}

const USER_NAMESPACE_SETTINGS =
  'set kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0 and ' +
  'user.max_user_namespaces above 0; in a container, a seccomp profile that lets unshare(2) through';

/** The checks. */
export const PROGRAM_CHECKS: readonly Check[] = [
  {
    name: 'network-namespace',
    what: 'network namespaces of our own',
    place: 'anywhere',
    run: () => closeFd(createNetworkNamespace()),
    rightRemedy: NETWORK_RIGHTS,
    remedy: 'a kernel with CONFIG_NET_NS',
  },
  {
    name: 'user-namespace',
    what: 'user namespaces, for work without root',
    place: 'anywhere',
    run: () => runProgram('unshare', ['-Urn', 'true']),
    rightRemedy: USER_NAMESPACE_SETTINGS,
    remedy: 'install util-linux, and a kernel with CONFIG_USER_NS',
  },
];

/** Checks that need the scratch namespace. */
export const FIREWALL_CHECKS: readonly Check[] = [
  {
    name: 'nft',
    what: 'nftables, by nft(8)',
    place: 'scratch',
    run: () => runProgram('nft', ['add', 'table', 'inet', 'linkpoint_probe']),
    rightRemedy: NETWORK_RIGHTS,
    remedy: 'install nftables, and a kernel with CONFIG_NF_TABLES',
  },
];
