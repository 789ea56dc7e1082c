/**
 * The container's network namespace: CNI_NETNS, opened as the reference opens it, with the reference's words.
 */

import { statfsSync, statSync } from 'node:fs';

import { fromNodeError } from '../native/errno.ts';
import { openNetNamespace } from '../sandbox/namespace.ts';
import type { NetNamespace } from '../sandbox/net-namespace.ts';
import { CNI_ERROR, CniError, toCniError } from './error.ts';
import { causeText } from './strerror.ts';

/** Magic numbers of the file systems that namespaces are files of, statfs(2). */
const PROC_SUPER_MAGIC = 0x9fa0, NSFS_MAGIC = 0x6e73_6673;

/** There is nothing at the path: to DEL, that is a namespace which is gone. */
export class NetnsMissingError extends Error {
  override readonly name = 'NetnsMissingError';
}

/** There is a file of a file system that has namespaces, but it is none of networks. */
class SwitchError extends Error {
  override readonly name = 'SwitchError';
}

/**
 * Opens the namespace. The caller deletes what it gets, which closes it and leaves the namespace.
 * @throws NetnsMissingError, or Error for what is no network namespace, with the reference's words
 */
export function openNetns(path: string): NetNamespace {
  requireNamespaceFile(path);
  try {
    return openNetNamespace(path);
  } catch (error) {
    // Twice, as the reference says it.
    const message = `error switching to ns ${path}: Error switching to ns ${path}: ${causeText(error)}`;
    throw new SwitchError(message, { cause: error });
  }
}

/** `openNetns`, its failure as ADD and CHECK report it. @throws CniError */
export function openContainer(path: string): NetNamespace {
  try {
    return openNetns(path);
  } catch (error) {
    if (error instanceof SwitchError) throw toCniError(error);
    const message = `failed to open netns ${JSON.stringify(path)}: ${causeText(error)}`;
    throw new CniError(CNI_ERROR.internal, message, '', { cause: error });
  }
}

/** Whether this thread is in the namespace. */
export const isOwnNamespace = ({ inode }: NetNamespace): boolean => statSync('/proc/thread-self/ns/net').ino === inode;

function requireNamespaceFile(path: string): void {
  const type = typeOfFileSystem(path);
  if (type === PROC_SUPER_MAGIC || type === NSFS_MAGIC) return;
  const message = `unknown FS magic on ${JSON.stringify(path)}: ${type.toString(16)}`;
  throw new CniError(CNI_ERROR.internal, message);
}

function typeOfFileSystem(path: string): number {
  try {
    return statfsSync(path).type;
  } catch (error) {
    const message = `failed to Statfs ${JSON.stringify(path)}: ${causeText(fromNodeError('statfs', error, ''))}`;
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw isMissing
      ? new NetnsMissingError(message, { cause: error })
      : new CniError(CNI_ERROR.internal, message, '', { cause: error });
  }
}
