/**
 * Network namespaces: made, opened, entered and deleted.
 *
 *     anonymous   a descriptor; the namespace goes with its last descriptor, process and mount
 *     named       a file, /run/netns/NAME, on which the namespace is mounted: ip-netns(8) sees it
 *     rootless    a child process in a user namespace of its own; see rootless.ts
 */

import { closeSync, fstatSync, mkdirSync, openSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

import { InvalidOptionError, LinkpointError, SystemError } from '../errors.ts';
import { openPacketSocket, type PacketSocketDevice } from '../link/open-packet-socket.ts';
import { openTap, openTun, type TunDevice } from '../link/open-tun.ts';
import {
  bindMount,
  createNetworkNamespace,
  detachMount,
  duplicate,
  Fd,
  openNamespace,
  requireNetworkNamespace,
  runInNamespace,
  shareMounts,
} from '../native/index.ts';
import { fromNodeError } from '../native/errno.ts';
import { openDeviceHere } from './namespace-device.ts';
import type {
  DeviceOptions,
  NamespaceDevice,
  NetNamespace,
  PacketSocketOptionsInside,
  TunOptionsInside,
} from './net-namespace.ts';
import { Rtnl } from './netlink/rtnl.ts';
import { createRootlessNamespace } from './rootless.ts';

/** Where ip-netns(8) keeps its names. */
const NAMES_DIRECTORY = '/run/netns';

/** Options of `createNetNamespace`. */
export interface CreateNamespaceOptions {
  /** Name that it gets, in `directory`. Default none: it is anonymous. Not for a rootless one. */
  readonly name?: string;
  /** Default `/run/netns`. Made if it is not there, and left. */
  readonly directory?: string;
  /** `auto`: where this process may not make one itself. Default `auto`; `never` with a name. */
  readonly rootless?: 'auto' | 'never' | 'always';
}

/** A namespace: a path, such as `/run/netns/box`; a descriptor, which stays the caller's; or the one of a process. */
export type NamespaceReference = string | number | { readonly pid: number };

/**
 * Makes an empty network namespace; its loopback is down.
 * @throws SystemError EPERM naming CAP_SYS_ADMIN, EEXIST when the name is taken
 * @throws LinkpointError ERR_CHILD when a rootless one cannot be made either, with the remedy
 */
export async function createNetNamespace(options: CreateNamespaceOptions = {}): Promise<NetNamespace> {
  const { name, directory = NAMES_DIRECTORY, rootless = name === undefined ? 'auto' : 'never' } = options;
  if (name !== undefined && rootless !== 'never') {
    throw new InvalidOptionError(`Cannot create namespace "${name}": a rootless one cannot be named; leave the name out`);
  }
  if (rootless === 'always') return createRootlessNamespace();
  try {
    return name === undefined ? new HostNamespace(createNetworkNamespace(), undefined, true) : named(name, directory);
  } catch (error) {
    const isRefused = error instanceof SystemError && error.code === 'EPERM';
    if (rootless === 'never' || !isRefused) throw error;
    return createRootlessNamespace();
  }
}

/** Opens a namespace that is there; `delete()` leaves it. @throws SystemError ENOENT; EINVAL for what is none */
export function openNetNamespace(reference: NamespaceReference): NetNamespace {
  const path = pathOf(reference);
  return checked(path === undefined ? duplicate(reference as number) : openNamespace(path), path, false);
}

/** As `openNetNamespace` of a name that another process has made: `delete()` deletes it. */
export function adoptNetNamespace(path: string): NetNamespace {
  return checked(openNamespace(path), path, true);
}

/** Takes a descriptor over, if it is a network namespace's. */
function checked(fd: number, path: string | undefined, isOwned: boolean): NetNamespace {
  const namespace = new HostNamespace(fd, path, isOwned);
  try {
    requireNetworkNamespace(fd);
    return namespace;
  } catch (error) {
    namespace.close();
    throw error;
  }
}

/** The namespace that this thread is in. */
export const currentNetNamespace = (): NetNamespace => new HostNamespace(openNamespace(), undefined, false);

function pathOf(reference: NamespaceReference): string | undefined {
  if (typeof reference === 'number') return undefined;
  if (typeof reference === 'string') return reference;
  const { pid } = reference;
  if (Number.isInteger(pid) && pid > 0) return `/proc/${pid}/ns/net`;
  throw new InvalidOptionError(`Cannot open the namespace of process ${pid}: an integer from 1 is required`);
}

/** Makes a namespace and mounts it on a file of its own. */
function named(name: string, directory: string): NetNamespace {
  const action = `Cannot create namespace "${name}"`;
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) {
    throw new InvalidOptionError(`${action}: the name of a file is required`);
  }
  const path = join(directory, name);
  const fd = new Fd(createNetworkNamespace(), true);
  let isFileMade = false;
  try {
    makeFile(action, directory, path);
    isFileMade = true;
    // As ip-netns(8), which would otherwise copy our mount when it does this: one umount would not be enough then.
    if (directory === NAMES_DIRECTORY) shareMounts(directory);
    bindMount(`/proc/self/fd/${fd.number}`, path);
    return new HostNamespace(fd.number, path, true);
  } catch (error) {
    if (isFileMade) unlinkSync(path);
    fd.close();
    throw error;
  }
}

function makeFile(action: string, directory: string, path: string): void {
  try {
    mkdirSync(directory, { recursive: true });
    closeSync(openSync(path, 'wx', 0o444));
  } catch (error) {
    throw fromNodeError(action, error, `write access to "${directory}"`);
  }
}

/** A namespace that this process can enter. */
class HostNamespace implements NetNamespace {
  readonly isRootless = false;
  readonly path: string | undefined;
  readonly isOwned: boolean;
  readonly inode: number;
  readonly #fd: Fd;
  #isMounted: boolean;

  constructor(fd: number, path: string | undefined, isOwned: boolean) {
    this.#fd = new Fd(fd, true);
    this.path = path;
    this.isOwned = isOwned;
    this.inode = fstatSync(fd).ino;
    this.#isMounted = isOwned && path !== undefined;
  }

  get fd(): number {
    if (this.#fd.isClosed) throw new LinkpointError('ERR_CLOSED', 'Cannot use the namespace: it was closed');
    return this.#fd.number;
  }

  runSync<T>(fn: () => T): T {
    return runInNamespace(this.fd, fn);
  }

  async rtnl(): Promise<Rtnl> {
    return Rtnl.open(this.fd);
  }

  async openTap(options: TunOptionsInside = {}): Promise<TunDevice> {
    return openTap({ ...options, namespace: this.fd });
  }

  async openTun(options: TunOptionsInside = {}): Promise<TunDevice> {
    return openTun({ ...options, namespace: this.fd });
  }

  async openPacketSocket(options: PacketSocketOptionsInside): Promise<PacketSocketDevice> {
    return openPacketSocket({ ...options, namespace: this.fd });
  }

  async openDevice(options: DeviceOptions = {}): Promise<NamespaceDevice> {
    return this.runSync(() => openDeviceHere(options));
  }

  async delete(): Promise<void> {
    if (this.#isMounted && this.path !== undefined) this.#unmount(this.path);
    this.#isMounted = false;
    this.close();
  }

  /** Gives up the descriptor and nothing else. */
  close(): void {
    this.#fd.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.delete();
  }

  /** Unless somebody has removed it meanwhile, or put another namespace there. */
  #unmount(path: string): void {
    const ours = fstatSync(this.#fd.number);
    const there = statSync(path, { throwIfNoEntry: false });
    if (there?.ino !== ours.ino || there.dev !== ours.dev) return;
    detachMount(path);
    unlinkSync(path);
  }
}
