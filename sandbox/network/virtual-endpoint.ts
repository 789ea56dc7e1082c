/**
 * An interface of the namespace that is joined to a TAP or macvtap, which whoever drives the sandbox gets.
 *
 *     virtual   one end of a veth pair, mostly; any Ethernet interface will do
 *     tuntap    a TAP whose queues another process holds
 *
 * The guest uses the address that the interface had: the other side knows it.
 */

import { match } from 'ts-pattern';

import { Attachment, type Wire } from './attachment.ts';
import type { DeviceSink } from './device-sink.ts';
import type { Endpoint, EndpointProperties, NetworkScope } from './endpoint.ts';
import { attachBridged } from './model-bridged.ts';
import { attachMacvtap } from './model-macvtap.ts';
import { attachTcFilter } from './model-tcfilter.ts';
import { createNetworkPair, type NetworkPair, type NetworkPairOptions } from './network-pair.ts';
import type { LinkUndo } from './undo-steps.ts';

/** Options of `createVirtualEndpoint` and `createTuntapEndpoint`. */
export interface VirtualEndpointOptions extends NetworkPairOptions {
  /** What the scan found. */
  readonly properties?: EndpointProperties | undefined;
}

/** A virtual endpoint as plain data. */
export interface VirtualState {
  readonly type: 'virtual' | 'tuntap';
  readonly pair: NetworkPair;
  readonly properties?: EndpointProperties;
  /** What attach has done, first step first. */
  readonly undo: readonly LinkUndo[];
}

/**
 * A virtual endpoint: `eth` and the number unless `interfaceName` says otherwise, its TAP and bridge named after the
 * number. Nothing is made before `attach`.
 * @throws InvalidOptionError `invalid network endpoint index: -1`, `Unknown type X`
 */
export function createVirtualEndpoint(
  scope: NetworkScope,
  index: number,
  options: VirtualEndpointOptions = {},
): VirtualEndpoint {
  return createJoined('virtual', scope, index, options);
}

/** As `createVirtualEndpoint`, over a TAP whose queues another process holds. */
export function createTuntapEndpoint(
  scope: NetworkScope,
  index: number,
  options: VirtualEndpointOptions = {},
): VirtualEndpoint {
  return createJoined('tuntap', scope, index, options);
}

/** An interface of the namespace and what it is joined to. */
export class VirtualEndpoint implements Endpoint {
  readonly type: 'virtual' | 'tuntap';
  properties: EndpointProperties | undefined;
  readonly #attachment: Attachment;
  #pair: NetworkPair;

  /** An endpoint as it was written down. */
  constructor(scope: NetworkScope, { type, pair, properties, undo }: VirtualState) {
    this.type = type;
    this.properties = properties;
    this.#pair = pair;
    this.#attachment = new Attachment(pair.virtualInterface.name, scope, undo);
  }

  /** The interfaces, and what joins them. */
  get pair(): NetworkPair {
    return this.#pair;
  }

  get name(): string {
    return this.#pair.virtualInterface.name;
  }

  /** Before the first attach, what the scan found; empty where nothing was scanned. */
  get hardwareAddress(): string {
    return this.#pair.tapInterface.hardwareAddress || (this.properties?.link.address ?? '');
  }

  get isAttached(): boolean {
    return this.#attachment.isAttached;
  }

  /** @throws LinkpointError `Could not …`, the step that failed; ERR_ALREADY_ATTACHED; what the sink throws */
  async attach(sink: DeviceSink): Promise<void> {
    const device = await this.#attachment.attach(sink, wireOf(this.#pair, this.type));
    if (device === undefined) return;
    const tapInterface = { ...this.#pair.tapInterface, hardwareAddress: device.linkAddress };
    this.#pair = { ...this.#pair, tapInterface };
  }

  /** @throws AggregateError with what could not be taken back; the rest is */
  detach(): Promise<void> {
    return this.#attachment.detach();
  }

  toJSON(): VirtualState {
    const optional = this.properties === undefined ? {} : { properties: this.properties };
    return { type: this.type, pair: this.#pair, ...optional, undo: this.#attachment.recorded };
  }
}

function createJoined(
  type: VirtualState['type'],
  scope: NetworkScope,
  index: number,
  { properties, ...options }: VirtualEndpointOptions,
): VirtualEndpoint {
  const optional = properties === undefined ? {} : { properties };
  return new VirtualEndpoint(scope, { type, pair: createNetworkPair(index, options), ...optional, undo: [] });
}

function wireOf(pair: NetworkPair, type: VirtualState['type']): Wire {
  const kind = type === 'tuntap' ? 'tun' : undefined;
  return match(pair.model)
    .returnType<Wire>()
    .with('bridged', () => (wiring) => attachBridged(wiring, pair, kind))
    .with('macvtap', () => (wiring) => attachMacvtap(wiring, pair, kind))
    .with('tcfilter', () => (wiring) => attachTcFilter(wiring, pair, kind))
    .with('none', () => async () => undefined)
    .exhaustive();
}
