/** Options of a sandbox network, checked. */

import { randomUUID } from 'node:crypto';
import { isAbsolute } from 'node:path';

import { InvalidOptionError } from '../../errors.ts';
import type { NetNamespace } from '../net-namespace.ts';
import type { NamespaceReference } from '../namespace.ts';
import type { NetworkScope, VhostMode } from './endpoint.ts';
import { type InterworkingModel, parseInterworkingModel } from './interworking.ts';
import { type NetworkModelName, type NetworkProvider, parseNetworkModel } from './network-models.ts';
import { isContainerId, QUEUES_MAX } from './state-shape.ts';
import type { StepObserver } from './undo.ts';

const VHOST_MODES: readonly string[] = ['auto', 'off', 'required'] satisfies VhostMode[];

/** Options of `SandboxNetwork.fromJSON`: what is not written down. */
export interface RestoreOptions {
  /** Of the `cni` network model. */
  readonly provider?: NetworkProvider;
  /** Where sysfs is mounted. Default `/sys`. */
  readonly sysfs?: string;
  /** Where vhost-user back ends have their directories. Default `/tmp`. */
  readonly vhostUserDirectory?: string;
  /** Called before every kernel step of attach. */
  readonly onStep?: StepObserver;
  /** Called with every warning; `warnings` has them, too. */
  readonly warn?: (message: string) => void;
}

/** Options of `SandboxNetwork.create`. */
export interface SandboxNetworkOptions extends RestoreOptions {
  /** Its namespace. Default: one is made, and deleted by `remove`. */
  readonly namespace?: NamespaceReference | NetNamespace;
  /** Where a name is given to a namespace that is made. Default `/run/netns`. */
  readonly namespaceDirectory?: string;
  /** Who puts interfaces into it: `noop`, `cnm`, `cni`. Default `cni` with a provider, else `cnm`. */
  readonly networkModel?: string;
  /** How virtual interfaces are joined: `default`, `bridged`, `macvtap`, `tcfilter`, `none`. Default `default`. */
  readonly model?: string;
  /** Queues per device, 1 to 256. Default 8. */
  readonly queues?: number;
  /** vhost-net: `auto`, `off`, `required`. Default `auto`. */
  readonly vhost?: VhostMode;
  /** CNI's id of the sandbox. Default: one is made. */
  readonly containerId?: string;
}

/** Options that were checked, with their defaults. */
export interface CheckedNetworkOptions {
  readonly networkModel: NetworkModelName;
  readonly containerId: string;
  readonly model: InterworkingModel;
  readonly vhostUserDirectory: string;
  readonly scope: Omit<NetworkScope, 'namespace'>;
  readonly warnings: string[];
  readonly warn: (message: string) => void;
}

/** Checks the options. @param warnings to add to @throws InvalidOptionError naming the option */
export function checkNetworkOptions(options: SandboxNetworkOptions, warnings: string[] = []): CheckedNetworkOptions {
  const { queues = 8, vhost = 'auto', sysfs = '/sys', vhostUserDirectory = '/tmp' } = options;
  const { containerId = `linkpoint-${randomUUID()}`, onStep = () => undefined } = options;
  const networkModel = parseNetworkModel(options.networkModel ?? (options.provider === undefined ? 'cnm' : 'cni'));
  const model = parseInterworkingModel(options.model ?? 'default');
  require(Number.isInteger(queues) && queues >= 1 && queues <= QUEUES_MAX, 'queues', queues, `1 to ${QUEUES_MAX}`);
  require(VHOST_MODES.includes(vhost), 'vhost', vhost, '"auto", "off" or "required"');
  require(isContainerId(containerId), 'containerId', containerId, 'letters, digits, "_", "." and "-"');
  for (const [name, path] of Object.entries({ sysfs, vhostUserDirectory })) {
    require(isAbsolute(path), name, path, 'an absolute path');
  }
  const warn = (message: string): void => {
    warnings.push(message);
    options.warn?.(message);
  };
  const scope = { queues, vhost, sysfs, onStep, warn };
  return { networkModel, containerId, model, vhostUserDirectory, scope, warnings, warn };
}

function require(isRight: boolean, name: string, value: unknown, required: string): void {
  if (isRight) return;
  const state = `${name} is ${JSON.stringify(value)}; ${required} is required`;
  throw new InvalidOptionError(`Cannot create a sandbox network: ${state}`);
}
