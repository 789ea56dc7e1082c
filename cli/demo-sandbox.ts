/**
 * The demo's end of the namespace: starts the child that makes it (demo-child.ts) and takes the device's descriptor.
 *
 * Who may make a network namespace starts the child directly. Everybody else starts it in a user namespace of its own,
 * by unshare(1), where it may; Node, having threads, cannot enter one itself (EINVAL).
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { LinkpointError } from '../errors.ts';
import { closeFd, createNetworkNamespace, socketPair } from '../native/index.ts';
import type { ChildTask } from './demo-child.ts';
import { type DeviceMessage, type Message, MessageSocket, type Refusal, type ResultMessage } from './demo-messages.ts';

const CHILD = fileURLToPath(new URL('./demo-child-main.js', import.meta.url));
/** How long a child may take to end when it is told to. */
const END_MILLISECONDS = 1000;

/** No tier of the child could be used. */
export class SandboxRefusedError extends LinkpointError {
  readonly refused: readonly Refusal[];

  constructor(refused: readonly Refusal[], message: string) {
    super('ERR_NO_DEVICE', `Cannot make a device in a namespace: ${message}`);
    this.refused = refused;
  }
}

/** A namespace with a device in it, and the process that holds it. */
export class Sandbox implements AsyncDisposable {
  readonly device: DeviceMessage;
  /** The device's descriptor, owned. */
  readonly fd: number;
  readonly #child: DemoChild;

  private constructor(child: DemoChild, device: DeviceMessage, fd: number) {
    this.#child = child;
    this.device = device;
    this.fd = fd;
  }

  /**
   * Makes the first of `task.tiers` that can be made.
   * @throws SandboxRefusedError naming what is missing
   */
  static async open(task: ChildTask): Promise<Sandbox> {
    const child = new DemoChild(task);
    try {
      const { message, fds } = await child.receive();
      const [fd] = fds;
      if (message.kind === 'device' && fd !== undefined) return new Sandbox(child, message, fd);
      const failure = message.kind === 'failure' ? message : null;
      throw new SandboxRefusedError(failure?.refused ?? [], failure?.message ?? `the child said "${message.kind}"`);
    } catch (error) {
      await child.close();
      if (error instanceof SandboxRefusedError) throw error;
      const reason = (error as Error).message;
      throw new SandboxRefusedError(task.tiers.map((tier) => ({ tier, reason })), reason);
    }
  }

  /** Has the kernel talk to the attached endpoint; resolves when it is through. */
  async talk(): Promise<ResultMessage> {
    this.#child.send({ kind: 'start' });
    const { message } = await this.#child.receive();
    if (message.kind === 'result') return message;
    const failure = message.kind === 'failure' ? message : { code: 'ERR_DEMO', message: `the child said "${message.kind}"` };
    throw new LinkpointError(failure.code, failure.message);
  }

  /** Ends the child, and with it and the descriptor the namespace. */
  async [Symbol.asyncDispose](): Promise<void> {
    closeFd(this.fd);
    await this.#child.close();
  }
}

interface Delivery {
  readonly message: Message;
  readonly fds: readonly number[];
}

/** The process, and its messages one at a time. */
class DemoChild {
  readonly #process: ChildProcess;
  readonly #socket: MessageSocket;
  readonly #deliveries: Delivery[] = [];
  #waiting: ((delivery: Delivery | null) => void) | null = null;
  #isEnded = false;
  #words = '';

  constructor(task: ChildTask) {
    const [ours, theirs] = socketPair();
    const [command, ...args] = childCommand(task);
    this.#process = spawn(command as string, args, { stdio: ['ignore', 'ignore', 'pipe', theirs] });
    closeFd(theirs);
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#words += text));
    this.#process.on('error', (error) => (this.#words += error.message));
    this.#socket = new MessageSocket(ours, (message, fds) => this.#received(message === null ? null : { message, fds }));
  }

  send(message: Message): void {
    this.#socket.send(message);
  }

  /** The next message; rejects with the child's last words when it has ended. */
  async receive(): Promise<Delivery> {
    const next = this.#deliveries.shift();
    if (next !== undefined) return next;
    const delivery = this.#isEnded ? null : await new Promise<Delivery | null>((resolve) => (this.#waiting = resolve));
    if (delivery !== null) return delivery;
    await this.#gone();
    const words = this.#words.trim().split('\n').at(-1) ?? '';
    throw new LinkpointError('ERR_DEMO', words === '' ? 'the child process ended early' : words);
  }

  /** Closes the socket, which ends the child; resolves when it has ended. */
  async close(): Promise<void> {
    this.#socket.close();
    closeFd(this.#socket.fd);
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), END_MILLISECONDS);
    await this.#gone();
    clearTimeout(timer);
  }

  /** `close` comes after exit and after the last word; when nothing could be started, neither exit nor close do. */
  async #gone(): Promise<void> {
    const { pid, stderr, exitCode, signalCode } = this.#process;
    if (pid === undefined || (stderr?.closed === true && (exitCode !== null || signalCode !== null))) return;
    await once(this.#process, 'close');
  }

  #received(delivery: Delivery | null): void {
    if (delivery === null) this.#isEnded = true;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting !== null) waiting(delivery);
    else if (delivery !== null) this.#deliveries.push(delivery);
  }
}

function childCommand(task: ChildTask): readonly string[] {
  const command = [process.execPath, CHILD, JSON.stringify(task)];
  return mayMakeNamespaces() ? command : ['unshare', '--user', '--map-root-user', ...command];
}

function mayMakeNamespaces(): boolean {
  try {
    closeFd(createNetworkNamespace());
    return true;
  } catch {
    return false;
  }
}
