/**
 * The environment of a plugin call: which variables a command needs, and what a container id, an interface name and a
 * network name may be made of. They become paths, interface names and rule comments later, so nothing else is let in.
 *
 *     variable          ADD  CHECK  DEL  GC  STATUS  VERSION
 *     CNI_COMMAND        x     x     x    x    x        x
 *     CNI_CONTAINERID    x     x     x
 *     CNI_NETNS          x     x
 *     CNI_IFNAME         x     x     x
 *     CNI_PATH           x     x     x    x    x
 *
 * Source: CNI SPEC 1.1.0, "Parameters"; the texts are the reference's.
 */

import { CNI_ERROR, CniError } from './error.ts';
import type { PluginEnvironment } from './types.ts';

const PER_ATTACHMENT = ['ADD', 'CHECK', 'DEL'];

interface Variable {
  readonly name: string;
  readonly neededBy: readonly string[];
  readonly check?: (value: string) => void;
}

const VARIABLES: readonly Variable[] = [
  { name: 'CNI_CONTAINERID', neededBy: PER_ATTACHMENT, check: checkContainerId },
  { name: 'CNI_NETNS', neededBy: ['ADD', 'CHECK'] },
  { name: 'CNI_IFNAME', neededBy: PER_ATTACHMENT, check: checkIfName },
  { name: 'CNI_PATH', neededBy: [...PER_ATTACHMENT, 'GC', 'STATUS'] },
];

const ID = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
/** IFNAMSIZ without the zero at its end, <linux/if.h>. */
const IF_NAME_BYTES_MAX = 15;

/**
 * Checks the variables that the command needs.
 *
 * @throws CniError 4: which are missing, all of them; or what is wrong with the first that is
 */
export function checkEnvironment(env: PluginEnvironment): void {
  const command = env['CNI_COMMAND'] ?? '';
  const missing = command === '' ? ['CNI_COMMAND'] : [];
  for (const { name, neededBy, check } of VARIABLES) {
    if (!neededBy.includes(command)) continue;
    const value = env[name] ?? '';
    if (value === '') missing.push(name);
    else check?.(value);
  }
  if (missing.length > 0) throw invalid(`required env variables [${missing.join(',')}] missing`);
}

/** Checks the network's name: it is a folder of host-local. @throws CniError 7 */
export function checkNetworkName(name: string): void {
  if (name === '') throw new CniError(CNI_ERROR.invalidNetworkConfig, 'missing network name');
  if (ID.test(name)) return;
  throw new CniError(CNI_ERROR.invalidNetworkConfig, 'invalid characters found in network name', name);
}

function checkContainerId(id: string): void {
  if (!ID.test(id)) throw invalid('invalid characters in containerID', id);
}

function checkIfName(name: string): void {
  if (Buffer.byteLength(name) > IF_NAME_BYTES_MAX) {
    throw invalid(
      'interface name is too long',
      `interface name should be less than ${IF_NAME_BYTES_MAX + 1} characters`,
    );
  }
  if (name === '.' || name === '..') throw invalid('interface name is . or ..');
  if (/[/:\s]/.test(name)) throw invalid('interface name contains / or : or whitespace characters');
}

const invalid = (message: string, details = ''): CniError =>
  new CniError(CNI_ERROR.invalidEnvironment, message, details);
