/**
 * Network namespaces without root: a child process is started in a user and a network namespace of its own (unshare(1);
 * Node, having threads, cannot do it itself) and passes descriptors of what it opens there.
 *
 *     this process, any user              child: root of its user namespace
 *        rtnetlink socket   ◄────────┐   | network namespace |
 *        TAP queues         ◄────────┼── opens them there
 *        packet sockets     ◄────────┘   ends with this process, whatever ends that
 *
 * The user who made a user namespace has every right over it, so the passed rtnetlink socket works from here. Only
 * setns(2), and so runSync(), asks for CAP_SYS_ADMIN here, too.
 */

import { fstatSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { LinkpointError, SystemError } from '../errors.ts';
import { PacketSocketDevice } from '../link/open-packet-socket.ts';
import { TunDevice } from '../link/open-tun.ts';
import { closeFd, Fd, runInNamespace } from '../native/index.ts';
import { Child } from './child.ts';
import type {
  DeviceOptions,
  NamespaceDevice,
  NetNamespace,
  PacketSocketOptionsInside,
  TunOptionsInside,
} from './net-namespace.ts';
import { Rtnl } from './netlink/rtnl.ts';
import type { FailureMessage, RootlessReply, RootlessRequest } from './rootless-messages.ts';

const SCRIPT = fileURLToPath(new URL('./rootless-child-main.js', import.meta.url));
type RootlessProcess = Child<RootlessReply, RootlessRequest>;
type ReplyOf<K extends RootlessReply['kind']> = Extract<RootlessReply, { kind: K }>;

/** Starts a child that holds a namespace. @throws LinkpointError ERR_CHILD with the remedy */
export async function createRootlessNamespace(): Promise<RootlessNamespace> {
  const child: RootlessProcess = new Child({ script: SCRIPT, task: null, makesNamespaces: 'always' });
  try {
    const { message, fds } = await child.receive();
    const [fd] = fds;
    if (message.kind !== 'ready' || fd === undefined) throw unexpected(message);
    return new RootlessNamespace(child, fd);
  } catch (error) {
    await child.close();
    throw error;
  }
}

/** A namespace that a child holds. */
export class RootlessNamespace implements NetNamespace {
  readonly isRootless = true;
  readonly isOwned = true;
  readonly path: undefined = undefined;
  readonly inode: number;
  readonly #fd: Fd;
  readonly #child: RootlessProcess;
  /** The request under way; the next one waits for it. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param fd of the namespace, owned */
  constructor(child: RootlessProcess, fd: number) {
    this.#child = child;
    this.#fd = new Fd(fd, true);
    this.inode = fstatSync(fd).ino;
  }

  get fd(): number {
    if (this.#fd.isClosed) throw new LinkpointError('ERR_CLOSED', 'Cannot use the namespace: it was closed');
    return this.#fd.number;
  }

  /** The child's process id. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  runSync<T>(fn: () => T): T {
    return runInNamespace(this.fd, fn);
  }

  async rtnl(): Promise<Rtnl> {
    const requests = await this.#open({ kind: 'netlink' });
    return new Rtnl({ requests, openGroups: (groups) => this.#open({ kind: 'netlink', groups }) });
  }

  openTap(options: TunOptionsInside = {}): Promise<TunDevice> {
    return this.#openTun('tap', options);
  }

  openTun(options: TunOptionsInside = {}): Promise<TunDevice> {
    return this.#openTun('tun', options);
  }

  async openPacketSocket(options: PacketSocketOptionsInside): Promise<PacketSocketDevice> {
    const { reply, fds } = await this.#ask({ kind: 'packet', options }, 'packet');
    return new PacketSocketDevice(fds, reply.properties);
  }

  async openDevice(options: DeviceOptions = {}): Promise<NamespaceDevice> {
    const { reply, fds } = await this.#ask({ kind: 'device', options }, 'device');
    const { device: made } = reply;
    const { kind, name, refused } = made;
    const device =
      made.kind === 'tap' ? new TunDevice(fds, made.properties) : new PacketSocketDevice(fds, made.properties);
    return { kind, name, refused, device };
  }

  async delete(): Promise<void> {
    this.#fd.close();
    await this.#child.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.delete();
  }

  async #openTun(mode: 'tap' | 'tun', options: TunOptionsInside): Promise<TunDevice> {
    const { reply, fds } = await this.#ask({ kind: 'tun', mode, options }, 'tun');
    return new TunDevice(fds, reply.properties);
  }

  async #open(request: RootlessRequest & { kind: 'netlink' }): Promise<number> {
    const { fds } = await this.#ask(request, 'netlink');
    return fds[0] as number;
  }

  #ask<K extends RootlessReply['kind']>(
    request: RootlessRequest,
    kind: K,
  ): Promise<{ reply: ReplyOf<K>; fds: readonly number[] }> {
    const exchange = async (): Promise<{ reply: ReplyOf<K>; fds: readonly number[] }> => {
      void this.fd; // closed?
      this.#child.send(request);
      const { message, fds } = await this.#child.receive();
      if (message.kind === kind && fds.length > 0) return { reply: message as ReplyOf<K>, fds };
      fds.forEach(closeFd);
      throw unexpected(message);
    };
    const result = this.#last.then(exchange);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

function unexpected(message: RootlessReply): Error {
  if (message.kind === 'failure') return remake(message);
  return new LinkpointError('ERR_CHILD', `Cannot use the namespace's process: it said "${message.kind}"`);
}

/** The child's error: its class as far as callers match on it, and its words. */
function remake({ code, message, errno, syscall }: FailureMessage): Error {
  if (errno === undefined || syscall === undefined) return new LinkpointError(code, message);
  const [action = message, rest = ''] = message.split(`: ${syscall} failed with ${code}`);
  const remedy = rest.startsWith('; ') ? { remedy: rest.slice(2) } : {};
  return new SystemError(action, { syscall, errno, name: code, ...remedy });
}
