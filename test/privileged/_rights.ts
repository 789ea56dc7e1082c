/** Tests that need more than a namespace of one's own: where the right is missing they are skipped, with the remedy. */

import { readFileSync } from 'node:fs';

import test, { type ExecutionContext } from 'ava';

import { asError } from '../../errors.ts';
import { closeFd, constants, openFd } from '../../native/index.ts';
import type { LinkKind } from './row-support.ts';

/** Registers a test, as `test.serial` of AVA does. */
export type RegisterTest = (title: string, run: (t: ExecutionContext) => Promise<void> | void) => void;

const TUN = '/dev/net/tun';
const TUN_RIGHT = `read and write access to ${TUN}`;
const TUN_REMEDY = `${TUN_RIGHT} is required; run as root or chmod 0666 ${TUN}`;
const ROOT_REMEDY = 'a user that is root outside of user namespaces is required; run as root';

const tunIsRefused = isTunRefused();

/** `register`, or a skip where this user may not open /dev/net/tun. Without the device, the tests fail and say so. */
export function withTun(register: RegisterTest): RegisterTest {
  return tunIsRefused ? skipWith(TUN_REMEDY) : register;
}

/** How a test over a link of this kind is registered: `register`, unless it is a TAP that this user may not open. */
export function testOf(kind: LinkKind, register: RegisterTest = test.serial): RegisterTest {
  return kind === 'tap' ? withTun(register) : register;
}

/** `test.serial`, or a skip where this user may not open /dev/net/tun. */
export const testWithTun: RegisterTest = withTun(test.serial);

/**
 * `test.serial`, or a skip where this user is not root, or root of a user namespace only: that one can mount nothing
 * where everybody sees it, and become no other user.
 */
export const testAsRealRoot: RegisterTest = isRealRoot() ? test.serial : skipWith(ROOT_REMEDY);

function skipWith(remedy: string): RegisterTest {
  return (title, run) => test.serial.skip(`${title} (skipped: ${remedy})`, run);
}

/** The mode of the file would not tell: root of a user namespace is not the root that owns it. */
function isTunRefused(): boolean {
  try {
    closeFd(openFd('Cannot open the TUN device', TUN, constants.O_RDWR | constants.O_CLOEXEC, TUN_RIGHT));
    return false;
  } catch (error) {
    return ['EACCES', 'EPERM'].includes((asError(error) as NodeJS.ErrnoException).code ?? '');
  }
}

/** The initial user namespace maps every id to itself, user_namespaces(7). */
function isRealRoot(): boolean {
  return process.geteuid?.() === 0 && /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'));
}
