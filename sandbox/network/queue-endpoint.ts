/**
 * An endpoint whose interface has queues of its own: they are opened and handed over, and nothing is joined to it.
 */

import { Attachment, type Wire } from './attachment.ts';
import type { DeviceSink } from './device-sink.ts';
import type { Endpoint, EndpointProperties, NetworkScope } from './endpoint.ts';
import { endpointInterfaceName } from './network-pair.ts';
import type { LinkUndo } from './undo-steps.ts';

/** Options of `createTapEndpoint` and `createMacvtapEndpoint`. */
export interface QueueEndpointOptions {
  /** Name of the interface. Default `eth` and the number. */
  readonly interfaceName?: string;
  /** What the scan found. */
  readonly properties?: EndpointProperties | undefined;
}

/** Such an endpoint as plain data. */
export interface QueueEndpointState<T extends 'tap' | 'macvtap'> {
  readonly type: T;
  /** Name of its interface. */
  readonly name: string;
  /** `02:00:00:00:00:01`; empty while it is not known. */
  readonly hardwareAddress: string;
  readonly properties?: EndpointProperties;
  /** What attach has done, first step first. */
  readonly undo: readonly LinkUndo[];
}

/** The state of a new endpoint. @throws InvalidOptionError `invalid network endpoint index: -1` */
export function newQueueState<T extends 'tap' | 'macvtap'>(
  type: T,
  index: number,
  { interfaceName, properties }: QueueEndpointOptions,
): QueueEndpointState<T> {
  const optional = properties === undefined ? {} : { properties };
  const hardwareAddress = properties?.link.address ?? '';
  return { type, name: endpointInterfaceName(index, interfaceName), hardwareAddress, ...optional, undo: [] };
}

/** What tap and macvtap endpoints share. */
export abstract class QueueEndpoint<T extends 'tap' | 'macvtap'> implements Endpoint {
  readonly type: T;
  readonly name: string;
  properties: EndpointProperties | undefined;
  readonly #attachment: Attachment;
  #hardwareAddress: string;

  /** An endpoint as it was written down. */
  constructor(scope: NetworkScope, { type, name, hardwareAddress, properties, undo }: QueueEndpointState<T>) {
    this.type = type;
    this.name = name;
    this.properties = properties;
    this.#hardwareAddress = hardwareAddress;
    this.#attachment = new Attachment(name, scope, undo);
  }

  /** The interface's own address, which the guest uses. */
  get hardwareAddress(): string {
    return this.#hardwareAddress;
  }

  get isAttached(): boolean {
    return this.#attachment.isAttached;
  }

  /** @throws LinkpointError `Could not …`, the step that failed; ERR_ALREADY_ATTACHED; what the sink throws */
  async attach(sink: DeviceSink): Promise<void> {
    const device = await this.#attachment.attach(sink, this.wire);
    if (device !== undefined) this.#hardwareAddress = device.linkAddress;
  }

  /** @throws AggregateError with what could not be taken back; the rest is */
  detach(): Promise<void> {
    return this.#attachment.detach();
  }

  toJSON(): QueueEndpointState<T> {
    const { type, name, hardwareAddress, properties } = this;
    const optional = properties === undefined ? {} : { properties };
    return { type, name, hardwareAddress, ...optional, undo: this.#attachment.recorded };
  }

  /** Opens the queues. */
  protected abstract readonly wire: Wire;
}
