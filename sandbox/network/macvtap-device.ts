/**
 * The character device of a macvtap: every open of it is a queue.
 *
 * Its node in /dev is not to be trusted: the node is called after the interface's index, which another namespace may
 * have given to another interface, and devtmpfs knows no namespaces. So its number is read where it is right, in a
 * sysfs of the interface's own namespace, and opened by a node of our own:
 *
 *     child, in the namespace, with mounts of its own:   mount sysfs
 *                                                        read /sys/devices/virtual/net/tap4/tap9200/dev ─► 246:2
 *                                                        mknod /dev/linkpoint-XXXXXX/tap c 246 2
 *     this process:   checks the node's number, opens it once per queue, removes it
 *
 * The child is there for the mount: one that this process made would be seen by others, and stay if it were killed; and
 * a thread that leaves its mount namespace leaves the working directory that it shares with the other threads, too.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { LinkpointError } from '../../errors.ts';
import { negotiateOffloads } from '../../link/open-tun.ts';
import { openAll } from '../../link/device.ts';
import { fromNodeError } from '../../native/errno.ts';
import { openTunFd } from '../../native/tun.ts';
import type { NetNamespace } from '../net-namespace.ts';

/** Where nodes of devices may be opened: file systems elsewhere are often mounted without. */
const NODES_DIRECTORY = '/dev';
const RIGHT = 'CAP_SYS_ADMIN and CAP_MKNOD';
/** Prints the number and makes the node. `$1`: file with the number; `$2`: the node. */
const SCRIPT = `
  mount -t sysfs sysfs /sys && IFS=: read -r major minor < "$1" || exit 1
  mknod -m 600 "$2" c "$major" "$minor" && echo "$major:$minor"`;
const CHILD_TIMEOUT_MS = 10_000;

/** Which macvtap, and how it is opened. */
export interface MacvtapQueues {
  readonly namespace: NetNamespace;
  /** Name of the interface, as the kernel gave it. */
  readonly name: string;
  /** Its index. */
  readonly index: number;
  readonly queues: number;
  readonly vnetHeaderBytes: 0 | 10 | 12;
}

/**
 * Opens the queues of a macvtap. The caller closes the descriptors.
 * @throws LinkpointError ERR_ROOTLESS, ERR_MACVTAP_DEVICE with the child's words
 * @throws SystemError EPERM where this process may not enter the namespace, or open devices
 */
export function openMacvtapQueues(options: MacvtapQueues): number[] {
  const { namespace, name, queues, vnetHeaderBytes } = options;
  const action = `Cannot open the character device of macvtap "${name}"`;
  requireEntrance(action, namespace);
  const directory = makeDirectory(action);
  try {
    const path = join(directory, 'tap');
    const device = makeNode(action, options, path);
    const isMultiQueue = queues > 1;
    const openOne = (): number => {
      requireDevice(action, path, device);
      return openTunFd({ name, mode: 'tap', path, vnetHeaderBytes, multiQueue: isMultiQueue }).fd;
    };
    return openAll(queues, openOne, ([first]) => void negotiateOffloads(first as number, vnetHeaderBytes > 0));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Only who may enter the namespace sees its sysfs. */
export function requireEntrance(action: string, namespace: NetNamespace): void {
  if (!namespace.isRootless) return;
  const remedy = 'make the namespace as root, or use the model "tcfilter" or "bridged"';
  throw new LinkpointError('ERR_ROOTLESS', `${action}: the namespace is rootless, and cannot be entered; ${remedy}`);
}

/** A number of a device, as stat(2) has it: | minor, high 12 bits | major 12 | minor, low 8 | */
export function deviceNumber(major: number, minor: number): number {
  return (minor >>> 8) * 2 ** 20 + major * 2 ** 8 + (minor & 0xff);
}

function makeDirectory(action: string): string {
  try {
    return mkdtempSync(join(NODES_DIRECTORY, 'linkpoint-'));
  } catch (error) {
    throw fromNodeError(action, error, `write access to "${NODES_DIRECTORY}"`);
  }
}

/** Makes the node. Returns the number that it must have. */
function makeNode(action: string, { namespace, name, index }: MacvtapQueues, path: string): number {
  const file = `/sys/devices/virtual/net/${name}/tap${index}/dev`;
  const child = namespace.runSync(() =>
    spawnSync('unshare', ['-m', '--', 'sh', '-c', SCRIPT, 'sh', file, path], {
      encoding: 'utf8',
      timeout: CHILD_TIMEOUT_MS,
    }),
  );
  const [, major, minor] = /^(\d+):(\d+)\n$/.exec(child.stdout ?? '') ?? [];
  if (major !== undefined && minor !== undefined) return deviceNumber(Number(major), Number(minor));
  const words = child.error?.message ?? (child.stderr.trim() || `the child ended with ${child.status ?? child.signal}`);
  throw new LinkpointError('ERR_MACVTAP_DEVICE', `${action}: ${words}; ${RIGHT} and unshare(1), mount(8) are required`);
}

function requireDevice(action: string, path: string, device: number): void {
  const node = statSync(path);
  if (node.isCharacterDevice() && node.rdev === device) return;
  const state = `its node has the number ${node.rdev}, and not ${device}`;
  throw new LinkpointError('ERR_MACVTAP_DEVICE', `${action}: ${state}; another interface's frames would be read`);
}
