/**
 * Network namespaces of the calling thread, network_namespaces(7).
 *
 * setns(2) and unshare(2) move one thread. That is safe in JavaScript as long as the thread comes back before anything
 * else runs on it, so everything here is one synchronous block. Inside it a child process (spawnSync) and a worker
 * inherit the namespace; the libuv thread pool, so every asynchronous node:fs call, does not.
 *
 * @packageDocumentation
 */

import { CLONE_NEWNET, NS_GET_NSTYPE, O_CLOEXEC, O_RDONLY } from './constants.ts';
import { ERRNO, missingRight, systemError } from './errno.ts';
import { closeFd, openFd } from './fd.ts';
import { setInterfaceUp } from './interface.ts';
import * as libc from './libc.ts';

const OWN_NAMESPACE = '/proc/thread-self/ns/net';

/** Opens a namespace file; the descriptor keeps the namespace alive. The caller closes it. */
export function openNamespace(path: string = OWN_NAMESPACE): number {
  return openFd(
    `Cannot open network namespace "${path}"`,
    path,
    O_RDONLY | O_CLOEXEC,
    'CAP_SYS_PTRACE over the process',
  );
}

/** NS_GET_NSTYPE of ioctl_ns(2). @throws SystemError EINVAL unless `fd` is of a network namespace */
export function requireNetworkNamespace(fd: number): void {
  if (libc.ioctl(fd, NS_GET_NSTYPE, 0) === CLONE_NEWNET) return;
  const remedy = 'a network namespace is required';
  throw systemError(`Cannot use fd ${fd} as a network namespace`, 'ioctl(NS_GET_NSTYPE)', ERRNO.EINVAL, remedy);
}

/** setns(2): the calling thread is in the namespace of `fd` from now on. Prefer {@link runInNamespace}. */
export function enterNamespace(fd: number): void {
  if (libc.setns(fd, CLONE_NEWNET) >= 0) return;
  const errno = libc.errno();
  const remedy =
    errno === ERRNO.EINVAL ? 'a network namespace is required' : missingRight(errno, 'CAP_SYS_ADMIN');
  throw systemError(`Cannot enter the network namespace of fd ${fd}`, 'setns(CLONE_NEWNET)', errno, remedy);
}

/**
 * Makes an empty network namespace (its loopback is down) without a name and without entering it: a descriptor, which
 * keeps it alive. The caller closes it.
 */
export function createNetworkNamespace(): number {
  const unshare = (): void => {
    if (libc.unshare(CLONE_NEWNET) >= 0) return;
    const errno = libc.errno();
    const remedy = missingRight(errno, 'CAP_SYS_ADMIN');
    throw systemError('Cannot create a network namespace', 'unshare(CLONE_NEWNET)', errno, remedy);
  };
  return comingBack(unshare, openNamespace);
}

/**
 * Runs `fn` in the namespace of `namespaceFd` and comes back, also when `fn` throws.
 *
 * @throws TypeError when `fn` returns a promise: what it waits for would run outside. The thread is back all the same.
 */
export function runInNamespace<T>(namespaceFd: number, fn: () => T): T {
  const result = comingBack(() => enterNamespace(namespaceFd), fn);
  if (isThenable(result)) {
    // Whatever becomes of the promise, this error is the one that is reported.
    result.then(undefined, () => undefined);
    throw new TypeError('Cannot run an asynchronous function in a namespace: it returned a promise; return a value');
  }
  return result;
}

/** Brings the loopback interface of the calling thread's namespace up. */
export function bringLoopbackUp(): void {
  setInterfaceUp('lo', true);
}

/** Runs `fn` after `leave`, which changes the namespace or throws, and returns to the one that the thread is in now. */
function comingBack<T>(leave: () => void, fn: () => T): T {
  const home = openNamespace();
  try {
    leave();
    try {
      return fn();
    } finally {
      enterNamespace(home);
    }
  } finally {
    closeFd(home);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
