/** The namespace of a sandbox network: one that is there, or one made here, with a name by which it can be found. */

import { randomUUID } from 'node:crypto';
import { isAbsolute, normalize, resolve } from 'node:path';

import { InvalidOptionError, SystemError } from '../../errors.ts';
import type { NetNamespace } from '../net-namespace.ts';
import { adoptNetNamespace, createNetNamespace, type NamespaceReference, openNetNamespace } from '../namespace.ts';

/** What stops a process from giving a namespace a name, and not from making one. */
const NO_NAME: readonly string[] = ['EPERM', 'EACCES', 'EROFS'];

/** The namespace of a network, and whose it is. */
export interface InitResult {
  readonly namespace: NetNamespace;
  /** Where it is mounted; empty where it has no name. */
  readonly path: string;
  /** It was made here: removal deletes it. */
  readonly created: boolean;
}

/** The namespace of a network as it is written down. */
export interface NamespaceState {
  /** Empty where it has no name: no other process can find it. */
  readonly path: string;
  readonly created: boolean;
  /** Tells whether the path still leads to the same one. */
  readonly inode?: number;
}

/** Which namespace to use. */
export interface NamespaceOptions {
  /** Default: one is made, `cni-UUID`. */
  readonly namespace?: NamespaceReference | NetNamespace;
  /** Where a name is given to one that is made. Default `/run/netns`. */
  readonly namespaceDirectory?: string;
  readonly warn: (message: string) => void;
}

/** Opens or makes the namespace. @throws InvalidOptionError `networkNSPath cannot be empty`; SystemError */
export async function initNamespace({ namespace, namespaceDirectory, warn }: NamespaceOptions): Promise<InitResult> {
  if (namespace === undefined) return makeNamespace(namespaceDirectory, warn);
  if (namespace === '') {
    const reason = 'networkNSPath cannot be empty; leave it out to have one made';
    throw new InvalidOptionError(`Cannot use the namespace "": ${reason}`);
  }
  // One that the caller holds stays his: opened again, it is closed with the network.
  const reference = isNamespace(namespace) ? (namespace.path ?? namespace.fd) : namespace;
  const opened = isNamespace(namespace) && namespace.isRootless ? lent(namespace) : openNetNamespace(reference);
  return { namespace: opened, path: opened.path === undefined ? '' : resolve(opened.path), created: false };
}

/**
 * Opens the namespace of a network that was written down. One that is gone took everything in it along; an empty one
 * stands in for it, so that what is outside of it can be taken back.
 */
export async function reopenNamespace(
  { path, inode }: NamespaceState,
  warn: (message: string) => void,
): Promise<NetNamespace> {
  const namespace = path === '' ? undefined : openIfThere(path);
  if (namespace !== undefined && namespace.inode === (inode ?? namespace.inode)) return namespace;
  await namespace?.delete(); // another one by now: what is in it is not ours
  warn(`Namespace "${path}" cannot be found, and what was in it is taken for gone with it`);
  return createNetNamespace();
}

/** Deletes a namespace that was made for a network, if it is still that one. */
export async function deleteNamespace({ path, inode }: NamespaceState): Promise<void> {
  if (path === '') return;
  const there = openIfThere(path);
  const isIt = there !== undefined && there.inode === (inode ?? there.inode);
  await there?.delete();
  if (isIt) await adoptNetNamespace(path).delete();
}

function checkNamespacePath(path: string): void {
  if (isAbsolute(path) && normalize(path) === path && !path.includes('\0')) return;
  const action = `Cannot use the namespace ${JSON.stringify(path)}`;
  throw new InvalidOptionError(`${action}: an absolute path without ".." is required`);
}

async function makeNamespace(directory: string | undefined, warn: (message: string) => void): Promise<InitResult> {
  const name = `cni-${randomUUID()}`;
  try {
    const namespace = await createNetNamespace({ name, ...(directory === undefined ? {} : { directory }) });
    return { namespace, path: namespace.path ?? '', created: true };
  } catch (error) {
    if (!(error instanceof SystemError) || !NO_NAME.includes(error.code)) throw error;
    warn(`The namespace has no name, so that no other process can find it: ${error.message}`);
    return { namespace: await createNetNamespace(), path: '', created: true };
  }
}

const isNamespace = (value: NamespaceReference | NetNamespace): value is NetNamespace =>
  typeof value === 'object' && 'runSync' in value;

/** The caller's rootless namespace, which only its child can hold: used, and not deleted. */
function lent(namespace: NetNamespace): NetNamespace {
  const keep = async (): Promise<void> => undefined;
  return new Proxy(namespace, {
    get: (target, key) => {
      if (key === 'delete' || key === Symbol.asyncDispose) return keep;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** The file of a name may stay when its mount is gone: then it is no namespace. */
function openIfThere(path: string): NetNamespace | undefined {
  checkNamespacePath(path);
  try {
    return openNetNamespace(path);
  } catch (error) {
    if (error instanceof SystemError && ['ENOENT', 'EINVAL'].includes(error.code)) return undefined;
    throw error;
  }
}
