/** The shape of a sandbox network that is written down; state.ts reads it. */

import type { VhostMode } from './endpoint.ts';
import type { InterworkingModel } from './interworking.ts';
import type { NetworkModelName } from './network-models.ts';
import type { NamespaceState } from './network-namespace.ts';
import type { PhysicalState } from './physical-endpoint.ts';
import type { QueueEndpointState } from './queue-endpoint.ts';
import type { VhostUserState } from './vhost-user-endpoint.ts';
import type { VirtualState } from './virtual-endpoint.ts';

/** The version of the format that is written. */
export const STATE_VERSION = 1;

/** An endpoint as plain data. */
export type EndpointState =
  | VirtualState
  | PhysicalState
  | VhostUserState
  | QueueEndpointState<'tap'>
  | QueueEndpointState<'macvtap'>;

/** A sandbox network as plain data. */
export interface NetworkState {
  readonly version: typeof STATE_VERSION;
  readonly networkModel: NetworkModelName;
  readonly containerId: string;
  readonly namespace: NamespaceState;
  /** Of endpoints to come. */
  readonly model: InterworkingModel;
  readonly queues: number;
  readonly vhost: VhostMode;
  /** Number of the next endpoint. */
  readonly nextIndex: number;
  readonly endpoints: readonly EndpointState[];
}

/** Most queues of a device. */
export const QUEUES_MAX = 256;

/** CNI's rule for the id of a container, which becomes part of names of files. */
export const isContainerId = (text: string): boolean => /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(text);
