/** The demo's end of the namespace: starts the child that makes it (demo-child.ts), takes the device's descriptor. */

import { fileURLToPath } from 'node:url';

import { LinkpointError } from '../errors.ts';
import { closeFd } from '../native/index.ts';
import { Child } from '../sandbox/child.ts';
import type { DemoTask } from './demo-child.ts';
import type { ChildMessage, DeviceMessage, Refusal, ResultMessage, StartMessage } from './demo-messages.ts';

const SCRIPT = fileURLToPath(new URL('./demo-child-main.js', import.meta.url));
type DemoChild = Child<ChildMessage, StartMessage>;

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
  static async open(task: DemoTask): Promise<Sandbox> {
    const child: DemoChild = new Child({ script: SCRIPT, task, makesNamespaces: true });
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
    if (message.kind === 'failure') throw new LinkpointError(message.code, message.message);
    throw new LinkpointError('ERR_DEMO', `the child said "${message.kind}"`);
  }

  /** Ends the child, and with it and the descriptor the namespace. */
  async [Symbol.asyncDispose](): Promise<void> {
    closeFd(this.fd);
    await this.#child.close();
  }
}
