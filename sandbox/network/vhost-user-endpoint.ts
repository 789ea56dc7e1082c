/**
 * An interface behind which a vhost-user back end, such as DPDK, listens on a socket. Its frames never enter the
 * kernel; the interface only says which addresses the guest is to have.
 */

import { randomBytes } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';

import { parseIp } from '../../header/ip-text.ts';
import { attachOrUnwind } from './all-or-nothing.ts';
import type { DeviceSink } from './device-sink.ts';
import type { Endpoint, EndpointProperties, NetworkScope } from './endpoint.ts';
import { type StepObserver, UndoStack } from './undo.ts';
import { alreadyAttached } from './wiring.ts';

/** Bytes of a device id, which is written in hexadecimal. */
const ID_BYTES = 8;

/** A vhost-user endpoint as plain data. */
export interface VhostUserState {
  readonly type: 'vhost-user';
  /** Name of its interface. */
  readonly name: string;
  /** `02:00:00:00:00:01`. */
  readonly hardwareAddress: string;
  /** Where the back end listens. */
  readonly socketPath: string;
  readonly properties?: EndpointProperties;
}

/**
 * Where the back end of an address listens: `DIRECTORY/vhostuser_ADDRESS/vhu.sock`; undefined where no socket is.
 * Others may be able to write to /tmp, so a symbolic link is none.
 * @throws TypeError for what is no address
 */
export function findVhostUserSocket(directory: string, address: string): string | undefined {
  parseIp(address); // it becomes part of a path
  const path = join(directory, `vhostuser_${address}`, 'vhu.sock');
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true ? path : undefined;
}

/** A vhost-user device. */
export class VhostUserEndpoint implements Endpoint {
  readonly type = 'vhost-user';
  readonly name: string;
  readonly hardwareAddress: string;
  readonly socketPath: string;
  properties: EndpointProperties | undefined;
  readonly #onStep: StepObserver;
  #stack: UndoStack<never>;

  constructor(scope: Pick<NetworkScope, 'onStep'>, state: VhostUserState) {
    this.name = state.name;
    this.hardwareAddress = state.hardwareAddress;
    this.socketPath = state.socketPath;
    this.properties = state.properties;
    this.#onStep = scope.onStep;
    this.#stack = this.#newStack();
  }

  get isAttached(): boolean {
    return !this.#stack.isEmpty;
  }

  /** @throws LinkpointError ERR_ALREADY_ATTACHED; what the sink throws */
  async attach(sink: DeviceSink): Promise<void> {
    if (this.isAttached) throw alreadyAttached(this.name);
    this.#stack = this.#newStack();
    const id = randomBytes(ID_BYTES).toString('hex');
    const device = { socketPath: this.socketPath, linkAddress: this.hardwareAddress, id };
    await attachOrUnwind(this.#stack, async () => {
      const hand = (): Promise<() => Promise<void>> => sink.addVhostUser(device);
      await this.#stack.live(`hand ${this.socketPath} to the sink`, hand, (release) => release());
    });
  }

  /** The kernel has nothing to take back; the sink lets go of the device. */
  async detach(): Promise<void> {
    await this.#stack.unwind();
  }

  toJSON(): VhostUserState {
    const { type, name, hardwareAddress, socketPath, properties } = this;
    return { type, name, hardwareAddress, socketPath, ...(properties === undefined ? {} : { properties }) };
  }

  #newStack(): UndoStack<never> {
    return new UndoStack<never>(() => undefined, this.#onStep);
  }
}
