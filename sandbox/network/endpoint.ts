/**
 * What the endpoints of a sandbox network have in common, whatever they stand for.
 *
 * An endpoint is one interface of the namespace and the way in which it is handed to a device sink. Its state is plain
 * data; descriptors are never part of it.
 */

import type { NetNamespace } from '../net-namespace.ts';
import type { Address } from '../netlink/addresses.ts';
import type { Link } from '../netlink/link.ts';
import type { Neighbour } from '../netlink/neighbours.ts';
import type { Route } from '../netlink/route.ts';
import type { DeviceSink } from './device-sink.ts';
import type { StepObserver } from './undo.ts';

/** Kinds of endpoints: Kata's words. */
export type EndpointType = 'virtual' | 'physical' | 'vhost-user' | 'tap' | 'tuntap' | 'macvtap';

/** Resolver settings, as CNI results have them. */
export interface Dns {
  readonly servers?: readonly string[];
  readonly domain?: string;
  readonly searches?: readonly string[];
  readonly options?: readonly string[];
}

/** What the interface was like when it was scanned: what a guest is to be configured with. */
export interface EndpointProperties {
  readonly link: Link;
  readonly addresses: readonly Address[];
  readonly routes: readonly Route[];
  /** The interface's neighbours; none where they were not read. */
  readonly neighbours?: readonly Neighbour[];
  readonly dns?: Dns;
}

/** vhost-net: use it if it is there, never, or fail without. */
export type VhostMode = 'auto' | 'off' | 'required';

/** Where an endpoint works, and how. One for all endpoints of a network. */
export interface NetworkScope {
  readonly namespace: NetNamespace;
  /** Queues per device, 1 to 256. */
  readonly queues: number;
  readonly vhost: VhostMode;
  /** Default `/dev/vhost-net`; tests give another. */
  readonly vhostDevice?: string;
  /** Root of sysfs; tests give another. */
  readonly sysfs: string;
  /** Called before every kernel step of attach. */
  readonly onStep: StepObserver;
  /** Told what went another way than hoped and is no error: no vhost-net, a veth that is gone at detach. */
  readonly warn: (message: string) => void;
}

/** One interface of a sandbox network. */
export interface Endpoint {
  readonly type: EndpointType;
  /** Name of its interface in the namespace. */
  readonly name: string;
  /** The address that the guest uses: `02:00:00:00:00:01`. */
  readonly hardwareAddress: string;
  readonly isAttached: boolean;
  /** Settable: the CNI model adds DNS. */
  properties: EndpointProperties | undefined;
  /** Makes what the model needs and hands the device to the sink. Leaves nothing when it fails. */
  attach(sink: DeviceSink): Promise<void>;
  /** Takes everything back; harmless when there is nothing to take back. */
  detach(): Promise<void>;
  /** Its state as plain data with a `type` tag. */
  toJSON(): { readonly type: EndpointType };
}
