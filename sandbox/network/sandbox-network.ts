/**
 * The network of a sandbox: a namespace, the endpoints found in it, and the devices that they become.
 *
 *     create ─► scan ─► attach(sink) ─► …  the sandbox runs  … ─► detach ─► remove
 *               └──── add(sink) ────┘                             └─ remove() ─┘
 *                          toJSON ─► a file ─► fromJSON, in another process ─► remove
 */

import { statSync } from 'node:fs';

import { InvalidOptionError, LinkpointError } from '../../errors.ts';
import type { NetNamespace } from '../net-namespace.ts';
import { tryAll, undoAfter } from './all-or-nothing.ts';
import type { DeviceSink } from './device-sink.ts';
import { endpointOf, restoreEndpoint } from './endpoint-factory.ts';
import type { Endpoint, NetworkScope } from './endpoint.ts';
import { type GuestNetwork, guestNetworkOf } from './guest-network.ts';
import { type InterworkingModel, resolveInterworkingModel } from './interworking.ts';
import {
  attachmentOf,
  createNetworkModel,
  type NetworkAttachment,
  type NetworkModel,
  type NetworkModelHost,
  type NetworkModelName,
} from './network-models.ts';
import { deleteNamespace, type NamespaceState, reopenNamespace } from './network-namespace.ts';
import { checkNetworkOptions, type RestoreOptions, type SandboxNetworkOptions } from './network-options.ts';
import { scanInterfaces } from './scan.ts';
import { readNetworkState } from './state.ts';
import { type NetworkState, STATE_VERSION } from './state-shape.ts';

/** What a network is made of. */
interface Parts {
  readonly networkModel: NetworkModel;
  readonly containerId: string;
  readonly namespace: NetNamespace;
  readonly namespaceState: NamespaceState;
  readonly model: InterworkingModel;
  readonly scope: NetworkScope;
  readonly vhostUserDirectory: string;
  readonly warnings: string[];
}

/** The network of one sandbox. Remove it, or `await using` it. */
export class SandboxNetwork implements AsyncDisposable {
  readonly #parts: Parts;
  readonly #attachment: NetworkAttachment;
  #endpoints: readonly Endpoint[] = [];
  #nextIndex = 0;
  #isRemoved = false;
  /** One change at a time: the next waits for it. */
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Opens the namespace, or makes one. Nothing is scanned or attached by it.
   * @throws InvalidOptionError `Unknown network type X`, `Unknown type X`, `networkNSPath cannot be empty`; SystemError
   */
  static async create(options: SandboxNetworkOptions = {}): Promise<SandboxNetwork> {
    const checked = checkNetworkOptions(options);
    const { warn } = checked;
    const networkModel = createNetworkModel(checked.networkModel, options.provider);
    const { namespace, path, created } = await networkModel.init({ ...options, warn });
    const scope: NetworkScope = { ...checked.scope, namespace };
    return new SandboxNetwork({
      ...checked,
      networkModel,
      namespace,
      namespaceState: { path, created, inode: namespace.inode },
      scope,
    });
  }

  /**
   * Reads what `toJSON` gave, or what the seed wrote down, as text or value. What was attached can be detached, by
   * names: links that are gone are no error, nor is a namespace that is gone. Endpoints of unknown types are skipped;
   * `warnings` tells of them.
   * @throws LinkpointError ERR_NETWORK_STATE naming the field; InvalidOptionError for `cni` without its provider
   */
  static async fromJSON(input: unknown, options: RestoreOptions = {}): Promise<SandboxNetwork> {
    const warnings: string[] = [];
    const state = readNetworkState(input, (message) => {
      warnings.push(message);
      options.warn?.(message);
    });
    const { networkModel: name, containerId, model, queues, vhost } = state;
    const written = { networkModel: name, containerId, model, queues, vhost };
    const checked = checkNetworkOptions({ ...options, ...written }, warnings);
    const networkModel = createNetworkModel(name, options.provider);
    const namespace = networkModel.scans
      ? await reopenNamespace(state.namespace, checked.warn)
      : (await networkModel.init(checked)).namespace;
    const scope: NetworkScope = { ...checked.scope, namespace };
    const network = new SandboxNetwork({ ...checked, networkModel, namespace, namespaceState: state.namespace, scope });
    network.#endpoints = state.endpoints.map((one) => restoreEndpoint(scope, one));
    network.#nextIndex = state.nextIndex;
    return network;
  }

  private constructor(parts: Parts) {
    this.#parts = parts;
    // Plugins are other processes: they find a namespace without a name by its descriptor here.
    const path = parts.namespaceState.path || `/proc/${process.pid}/fd/${parts.namespace.fd}`;
    this.#attachment = attachmentOf(parts.containerId, path);
  }

  get networkModel(): NetworkModelName {
    return this.#parts.networkModel.name;
  }

  get namespace(): NetNamespace {
    return this.#parts.namespace;
  }

  /** Where the namespace is mounted; empty where it has no name. */
  get path(): string {
    return this.#parts.namespaceState.path;
  }

  /** The namespace was made here. */
  get created(): boolean {
    return this.#parts.namespaceState.created;
  }

  /** The interworking model of endpoints that are virtual. */
  get model(): InterworkingModel {
    return this.#parts.model;
  }

  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  /** What went another way than hoped and was no error. */
  get warnings(): readonly string[] {
    return this.#parts.warnings;
  }

  /** What a guest is to be configured with: addresses, routes, neighbours, DNS. */
  get guest(): GuestNetwork {
    return guestNetworkOf(this.#endpoints);
  }

  /** Finds interfaces of the namespace that are no endpoints yet. @returns all endpoints @throws NetlinkError */
  scan(): Promise<readonly Endpoint[]> {
    return this.#exclusively(() => this.#scan());
  }

  /** Attaches what is not attached. Where one fails, those before it are detached. @throws what failed */
  attach(sink: DeviceSink): Promise<void> {
    return this.#exclusively(() => this.#attach(sink));
  }

  /** All of it: asks the provider, if there is one, scans and attaches. Leaves nothing when it fails. */
  add(sink: DeviceSink): Promise<void> {
    return this.#exclusively(async () => {
      const before = this.#endpoints;
      try {
        await this.#parts.networkModel.add(this.#host(), sink);
      } catch (error) {
        this.#endpoints = before;
        throw error;
      }
    });
  }

  /** Detaches all endpoints, the last first, whatever fails. @throws AggregateError */
  detach(): Promise<void> {
    return this.#exclusively(() => this.#detach());
  }

  /**
   * Detaches all, asks the provider to take its interfaces back, and deletes the namespace if it was made for the
   * network. All of it is tried, whatever fails. Idempotent; after a failure it can be tried again.
   * @throws AggregateError
   */
  remove(): Promise<void> {
    return this.#exclusively(async () => {
      if (this.#isRemoved) return;
      const { networkModel, namespace, namespaceState } = this.#parts;
      await tryAll('Cannot remove all of the sandbox network', [
        ...networkModel.removal(this.#host()),
        () => namespace.delete(),
        // After fromJSON, the namespace is one that was only opened.
        () => (namespaceState.created ? deleteNamespace(namespaceState) : undefined),
      ]);
      this.#isRemoved = true;
      this.#endpoints = [];
    });
  }

  /** Runs `fn` in the namespace. @throws TypeError when it returns a promise; see NetNamespace.runSync */
  run<T>(fn: () => T): T {
    return this.#parts.networkModel.scans ? this.#parts.namespace.runSync(fn) : fn();
  }

  /** Plain data for `fromJSON`: without descriptors, and without what the sink has to let go of. */
  toJSON(): NetworkState {
    const { containerId, namespaceState, model, scope } = this.#parts;
    return {
      version: STATE_VERSION,
      networkModel: this.networkModel,
      containerId,
      namespace: namespaceState,
      model,
      queues: scope.queues,
      vhost: scope.vhost,
      nextIndex: this.#nextIndex,
      endpoints: this.#endpoints.map((endpoint) => endpoint.toJSON() as NetworkState['endpoints'][number]),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }

  async #scan(): Promise<readonly Endpoint[]> {
    this.#requireUse('scan');
    const { networkModel, scope, model, vhostUserDirectory } = this.#parts;
    if (!networkModel.scans) return this.#endpoints;
    const known = this.#endpoints.map(({ name }) => name);
    await using rtnl = await scope.namespace.rtnl();
    const found = scanInterfaces(rtnl, { known, vhostUserDirectory, warn: scope.warn });
    const added = found.map((one, i) => endpointOf(scope, this.#nextIndex + i, resolveInterworkingModel(model), one));
    this.#nextIndex += added.length;
    this.#endpoints = [...this.#endpoints, ...added];
    return this.#endpoints;
  }

  async #attach(sink: DeviceSink): Promise<void> {
    this.#requireUse('attach');
    const attached: Endpoint[] = [];
    try {
      for (const endpoint of this.#endpoints.filter(({ isAttached }) => !isAttached)) {
        this.#requireSandboxs(endpoint);
        await endpoint.attach(sink);
        attached.unshift(endpoint);
      }
    } catch (error) {
      await undoAfter(error, () => detachAll(attached));
      throw error;
    }
  }

  #detach(): Promise<void> {
    return detachAll(this.#endpoints.toReversed());
  }

  /** What a network model works with, inside of a change that is under way. */
  #host(): NetworkModelHost {
    return {
      attachment: this.#attachment,
      scan: () => this.#scan(),
      attach: (sink) => this.#attach(sink),
      detach: () => this.#detach(),
    };
  }

  /** Kata's "Host networking requested, not supported": VFIO would take the card that this process itself uses. */
  #requireSandboxs({ type, name }: Endpoint): void {
    if (type !== 'physical' || this.namespace.inode !== statSync('/proc/thread-self/ns/net').ino) return;
    const remedy = 'move the interface to a namespace of the sandbox';
    throw new InvalidOptionError(`Cannot attach "${name}": it is in the namespace of this process; ${remedy}`);
  }

  #requireUse(action: string): void {
    if (!this.#isRemoved) return;
    throw new LinkpointError('ERR_CLOSED', `Cannot ${action} a sandbox network: it was removed; create another`);
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

const detachAll = (endpoints: readonly Endpoint[]): Promise<void> =>
  tryAll('Cannot detach all endpoints', endpoints.map((endpoint) => () => endpoint.detach()));
