/**
 * Network models: who puts the interfaces into the namespace, and what adding and removing a network consists of.
 *
 *     noop    nobody; there is no namespace and nothing to do
 *     cnm     somebody else, before:     scan ─► attach                     remove: detach ─► delete the namespace
 *     cni     a provider: add "eth0" ─► scan ─► DNS to "eth0" ─► attach     remove: detach ─► provider.remove ─► …
 */

import { InvalidOptionError } from '../../errors.ts';
import { undoAfter } from './all-or-nothing.ts';
import type { DeviceSink } from './device-sink.ts';
import type { Dns, Endpoint } from './endpoint.ts';
import { type InitResult, initNamespace, type NamespaceOptions } from './network-namespace.ts';
import { currentNetNamespace } from '../namespace.ts';

/** The models by name. */
export const NETWORK_MODELS = ['noop', 'cni', 'cnm'] as const;

/** Name of a network model. */
export type NetworkModelName = (typeof NETWORK_MODELS)[number];

/** Interface that a provider is asked for. */
const CNI_INTERFACE = 'eth0';

/** A sandbox and its interface in CNI's words. */
export interface NetworkAttachment {
  readonly containerId: string;
  /** `eth0` */
  readonly interfaceName: string;
  /** Path of the namespace. */
  readonly namespacePath: string;
}

/** Puts interfaces into a namespace, as CNI plugins do, and takes them out. */
export interface NetworkProvider {
  add(attachment: NetworkAttachment): Promise<{ readonly dns?: Dns }>;
  /** Called also after an `add` that failed, and more than once. */
  remove(attachment: NetworkAttachment): Promise<void>;
}

/** What a model does its work with: a SandboxNetwork. */
export interface NetworkModelHost {
  readonly attachment: NetworkAttachment;
  /** Adds what is new in the namespace to the endpoints, and gives them all. */
  scan(): Promise<readonly Endpoint[]>;
  /** Attaches those that are not; none of these when one fails. */
  attach(sink: DeviceSink): Promise<void>;
  /** Detaches all, whatever fails. */
  detach(): Promise<void>;
}

/** A network model: Kata's interface of that name. */
export interface NetworkModel {
  readonly name: NetworkModelName;
  /** Whether what is in the namespace is the sandbox's. */
  readonly scans: boolean;
  init(options: NamespaceOptions): Promise<InitResult>;
  /** Leaves nothing when it fails. */
  add(host: NetworkModelHost, sink: DeviceSink): Promise<void>;
  /** What remove does, in order; the namespace is deleted after it. Each is tried. */
  removal(host: NetworkModelHost): readonly (() => Promise<void>)[];
}

/** The model of that name: Kata's Set. @throws InvalidOptionError `Unknown network type X` */
export function parseNetworkModel(name: string): NetworkModelName {
  const known = NETWORK_MODELS.find((model) => model === name);
  if (known !== undefined) return known;
  const required = NETWORK_MODELS.map((model) => `"${model}"`).join(', ');
  const reason = `Unknown network type ${name}; one of ${required} is required`;
  throw new InvalidOptionError(`Cannot use the network model "${name}": ${reason}`);
}

/** Its name if it names a model, else empty: Kata's String. */
export const networkModelText = (name: string): string =>
  (NETWORK_MODELS as readonly string[]).includes(name) ? name : '';

/**
 * Makes a model: Kata's newNetwork. What is no model is `noop`; check with `parseNetworkModel` before.
 * @throws InvalidOptionError for `cni` without a provider
 */
export function createNetworkModel(name: string, provider?: NetworkProvider): NetworkModel {
  if (name === 'cnm') return CNM;
  if (name !== 'cni') return NOOP;
  if (provider !== undefined) return cniModel(provider);
  throw new InvalidOptionError('Cannot use the network model "cni": there is no provider; give one');
}

const NOOP: NetworkModel = {
  name: 'noop',
  scans: false,
  init: async () => ({ namespace: currentNetNamespace(), path: '', created: true }),
  add: async () => undefined,
  removal: () => [],
};

const CNM: NetworkModel = {
  name: 'cnm',
  scans: true,
  init: initNamespace,
  add: async (host, sink) => {
    await host.scan();
    await host.attach(sink);
  },
  removal: (host) => [() => host.detach()],
};

function cniModel(provider: NetworkProvider): NetworkModel {
  const remove = (host: NetworkModelHost): Promise<void> => provider.remove(host.attachment);
  return {
    name: 'cni',
    scans: true,
    init: initNamespace,
    add: async (host, sink) => {
      try {
        const { dns } = await provider.add(host.attachment);
        const endpoints = await host.scan();
        if (dns !== undefined) copyDns(endpoints, dns);
        await host.attach(sink);
      } catch (error) {
        await undoAfter(error, () => remove(host));
        throw error;
      }
    },
    removal: (host) => [() => host.detach(), () => remove(host)],
  };
}

function copyDns(endpoints: readonly Endpoint[], dns: Dns): void {
  for (const endpoint of endpoints) {
    if (endpoint.name !== CNI_INTERFACE || endpoint.properties === undefined) continue;
    endpoint.properties = { ...endpoint.properties, dns };
  }
}

/** The attachment of a sandbox's only interface. */
export const attachmentOf = (containerId: string, namespacePath: string): NetworkAttachment => ({
  containerId,
  interfaceName: CNI_INTERFACE,
  namespacePath,
});
