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
const PER_NETWORK = ['GC', 'STATUS'];

/** The variables, and the commands that need them. */
const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  CNI_CONTAINERID: PER_ATTACHMENT,
  CNI_NETNS: ['ADD', 'CHECK'],
  CNI_IFNAME: PER_ATTACHMENT,
  CNI_PATH: [...PER_ATTACHMENT, ...PER_NETWORK],
};

const ID = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
/** IFNAMSIZ without the zero at its end, <linux/if.h>. */
const IF_NAME_BYTES_MAX = 15;

/** Checks all of it, as whoever calls a plugin does. @throws CniError 3 or 4 */
export function checkEnvironment(env: PluginEnvironment): void {
  requireVariables(env);
  checkAttachmentNames(env);
}

/** Whether the variables that the command needs are there. @throws CniError 4: which are missing, all of them */
export function requireVariables(env: PluginEnvironment): void {
  const command = env['CNI_COMMAND'] ?? '';
  const needed = Object.keys(VARIABLES).filter((name) => VARIABLES[name]?.includes(command));
  const missing = ['CNI_COMMAND', ...needed].filter((name) => (env[name] ?? '') === '');
  if (missing.length > 0) throw invalid(`required env variables [${missing.join(',')}] missing`);
}

/**
 * Checks the names of the attachment, for every command that may be about one.
 * @throws CniError 4: what is wrong with the first that is; 3 without a container
 */
export function checkAttachmentNames(env: PluginEnvironment): void {
  if (PER_NETWORK.includes(env['CNI_COMMAND'] ?? '')) return;
  checkContainerId(env['CNI_CONTAINERID'] ?? '');
  checkIfName(env['CNI_IFNAME'] ?? '');
}

/** Checks the network's name: it is a folder of host-local. @throws CniError 7 */
export function checkNetworkName(name: string): void {
  if (name === '') throw new CniError(CNI_ERROR.invalidNetworkConfig, 'missing network name');
  if (ID.test(name)) return;
  throw new CniError(CNI_ERROR.invalidNetworkConfig, 'invalid characters found in network name', name);
}

function checkContainerId(id: string): void {
  if (id === '') throw new CniError(CNI_ERROR.unknownContainer, 'missing containerID');
  if (!ID.test(id)) throw invalid('invalid characters in containerID', id);
}

function checkIfName(name: string): void {
  if (name === '') throw invalid('interface name is empty');
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
