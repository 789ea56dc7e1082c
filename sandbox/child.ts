/**
 * A child process of this program that may make network namespaces, and the conversation with it.
 *
 * Who may make a network namespace starts the child directly. Everybody else starts it in a user namespace of its own,
 * by unshare(1), where it may; Node, having threads, cannot enter one itself (EINVAL).
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

import { LinkpointError } from '../errors.ts';
import { closeFd, createNetworkNamespace, socketPair } from '../native/index.ts';
import { MessageSocket } from './message-socket.ts';

/** Where a child finds its end of the conversation. */
export const CHILD_SOCKET_FD = 3;

/** User namespace, root in it, and a network namespace, without which the child could not come back from others. */
const IN_USER_NAMESPACE: readonly string[] = ['unshare', '-Urn'];
/** What is missing where not even the child could be started. */
const USER_NAMESPACE_REMEDY =
  'CAP_SYS_ADMIN is required, or unshare(1) and the right to make user namespaces (sysctl user.max_user_namespaces, ' +
  'kernel.unprivileged_userns_clone)';
/** How long a child may take to end when it is told to. */
const END_MILLISECONDS = 1000;

interface Delivery<In> {
  readonly message: In;
  readonly fds: readonly number[];
}

/** How to start a child. */
export interface ChildOptions {
  /** Compiled module to run. */
  readonly script: string;
  /** Its argument, as JSON. */
  readonly task: unknown;
  /** It needs the right to make network namespaces: `always` in a user namespace, `true` where it cannot do without. */
  readonly makesNamespaces: boolean | 'always';
  /** Descriptors it gets, numbered from CHILD_SOCKET_FD + 1. */
  readonly fds?: readonly number[];
}

/** The process, and its messages one at a time. */
export class Child<In, Out> {
  readonly #process: ChildProcess;
  readonly #socket: MessageSocket<In, Out>;
  readonly #deliveries: Delivery<In>[] = [];
  #waiting: ((delivery: Delivery<In> | null) => void) | null = null;
  #isEnded = false;
  #hasSpoken = false;
  #isClosed = false;
  #words = '';

  constructor({ script, task, makesNamespaces, fds = [] }: ChildOptions) {
    const [ours, theirs] = socketPair();
    const command = [process.execPath, script, JSON.stringify(task)];
    const inUserNamespace = makesNamespaces === 'always' || (makesNamespaces && !mayMakeNamespaces());
    const [program, ...args] = inUserNamespace ? [...IN_USER_NAMESPACE, ...command] : command;
    this.#process = spawn(program as string, args, { stdio: ['ignore', 'ignore', 'pipe', theirs, ...fds] });
    closeFd(theirs);
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#words += text));
    this.#process.on('error', (error) => (this.#words += error.message));
    this.#socket = new MessageSocket(ours, (message, received) => {
      this.#received(message === null ? null : { message, fds: received });
    });
  }

  /** Id of the process; undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Says something. */
  send(message: Out): void {
    this.#socket.send(message);
  }

  /**
   * The next message, and the descriptors with it, which are the caller's.
   * @throws LinkpointError ERR_CHILD with the child's last words when it has ended
   */
  async receive(): Promise<Delivery<In>> {
    const next = this.#deliveries.shift();
    if (next !== undefined) return next;
    const delivery = this.#isEnded ? null : await this.#nextDelivery();
    if (delivery !== null) return delivery;
    await this.#gone();
    const words = this.#words.trim().split('\n').at(-1) || 'the child process ended early';
    throw new LinkpointError('ERR_CHILD', this.#hasSpoken ? words : `${words}; ${USER_NAMESPACE_REMEDY}`);
  }

  /** Closes the socket, which ends the child; resolves when it has ended. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
    closeFd(this.#socket.fd);
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), END_MILLISECONDS);
    await this.#gone();
    clearTimeout(timer);
  }

  #nextDelivery(): Promise<Delivery<In> | null> {
    return new Promise((resolve) => (this.#waiting = resolve));
  }

  /** `close` comes after exit and after the last word; when nothing could be started, neither exit nor close do. */
  async #gone(): Promise<void> {
    const { pid, stderr, exitCode, signalCode } = this.#process;
    if (pid === undefined || (stderr?.closed === true && (exitCode !== null || signalCode !== null))) return;
    await once(this.#process, 'close');
  }

  #received(delivery: Delivery<In> | null): void {
    if (delivery === null) this.#isEnded = true;
    else this.#hasSpoken = true;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting !== null) waiting(delivery);
    else if (delivery !== null) this.#deliveries.push(delivery);
  }
}

/**
 * Listens to the command that started this process, and ends with it.
 * @param received gets its messages
 * @param onEnd called before the process exits, to put away what would stay
 */
export function listenToParent<In, Out>(received: (message: In) => void, onEnd: () => void): MessageSocket<In, Out> {
  // Ctrl-C reaches the whole process group. The parent's end is ours, and nothing else, so that it ends us in order.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
  return new MessageSocket<In, Out>(CHILD_SOCKET_FD, (message) => {
    if (message !== null) return received(message);
    onEnd();
    setImmediate(() => process.exit(0));
  });
}

function mayMakeNamespaces(): boolean {
  try {
    closeFd(createNetworkNamespace());
    return true;
  } catch {
    return false;
  }
}
