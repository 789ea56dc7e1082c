/**
 * A runtime's side of CNI: calls the plugins of a network, one after another, and remembers what they made. What libcni
 * is for Go.
 *
 *     add      plugin 1 ─ result ─► plugin 2 ─ result ─► plugin 3 ─► cache       each has the result of the one before
 *     check    plugin 1, plugin 2, plugin 3                                      all have the cached result
 *     del      plugin 3, plugin 2, plugin 1 ─► cache entry gone                  all have the cached result
 *     gc       del of cached attachments that are not valid, then GC of all plugins
 *
 * Different from libcni, on purpose: an ADD that fails takes back what its plugins did; CHECK and DEL have the
 * arguments of ADD where the caller gives none; names are checked before every command, for they become paths of the
 * cache.
 * Source: CNI SPEC 1.1.0; libcni/api.go.
 */

import { InvalidOptionError } from '../errors.ts';
import { gcMembers } from './attachments.ts';
import {
  checkAttachment,
  type CheckedAttachment,
  type CniAttachmentOptions,
  NO_ATTACHMENT,
} from './client-call.ts';
import {
  addWith,
  type ChainCall,
  checkWith,
  delWith,
  explain,
  takeBack,
  tell,
  tryAll,
} from './client-chain.ts';
import type { PluginCaller } from './delegate.ts';
import { checkNetworkName } from './environment.ts';
import { CNI_ERROR, CniError } from './error.ts';
import { DEFAULT_CONF_DIR, loadNetworkList } from './network-files.ts';
import type { CniNetworkList, CniPluginConfig } from './network-list.ts';
import { askVersions } from './plugin-versions.ts';
import { type AttachmentKey, type CachedAttachment, DEFAULT_CACHE_DIR, ResultCache } from './result-cache.ts';
import { EMPTY_RESULT } from './result.ts';
import type { CniAttachment, CniCommand, CniResult, PluginEnvironment } from './types.ts';
import { isAtLeast } from './version.ts';

/** Options of a `CniClient`. */
export interface CniClientOptions {
  /** Folders of plugins, the first that has one counts: `CNI_PATH`. */
  readonly path: readonly string[];
  /** Folder of networks. Default `/etc/cni/net.d`. */
  readonly confDir?: string;
  /** Where results are kept; runtimes that share it know each other's attachments. Default `/var/lib/cni`. */
  readonly cacheDir?: string;
  /** Environment of plugins, besides the protocol's own variables. Default this process's. */
  readonly env?: PluginEnvironment;
  /** Called with what plugins say on stderr, and with what failed while an ADD was taken back. Default: nobody. */
  readonly warn?: (message: string) => void;
}

/** Options of one command. */
export interface CniCallOptions {
  /** Kills the plugin that runs, and fails the command. An ADD is taken back then, too. */
  readonly signal?: AbortSignal;
}

/** A plugin of a network, and the versions of the specification that it speaks. */
export interface CniPluginVersions {
  readonly type: string;
  readonly supportedVersions: readonly string[];
}

/** Calls plugins. Every method that does so rejects with a CniError, which has the code that the plugin gave. */
export class CniClient {
  readonly #path: readonly string[];
  readonly #confDir: string;
  readonly #cache: ResultCache;
  readonly #env: PluginEnvironment;
  readonly #warn: (message: string) => void;

  /** @throws InvalidOptionError for a folder that `CNI_PATH` cannot name */
  constructor(options: CniClientOptions) {
    this.#path = options.path;
    for (const folder of this.#path) checkFolder(folder);
    this.#confDir = options.confDir ?? DEFAULT_CONF_DIR;
    this.#cache = new ResultCache(options.cacheDir ?? DEFAULT_CACHE_DIR);
    this.#env = options.env ?? process.env;
    this.#warn = options.warn ?? (() => undefined);
  }

  /** The network of this name, of the files in `confDir`. @throws CniError 5, 6, 7 */
  loadNetwork(name: string): CniNetworkList {
    return loadNetworkList(this.#confDir, name);
  }

  /**
   * Adds the interface: ADD of every plugin in order.
   *
   * When one fails, DEL is called of it and those before it, in reverse order: nothing stays. An attachment that the
   * cache has already is an exception, for it is not this ADD's.
   *
   * @returns the last plugin's result
   */
  async add(list: CniNetworkList, options: CniAttachmentOptions, calls: CniCallOptions = {}): Promise<CniResult> {
    const call = this.#call('ADD', list, options, calls);
    const isKnown = this.#cache.find(keyOf(call)) !== undefined;
    const begun: CniPluginConfig[] = [];
    let result = EMPTY_RESULT;
    try {
      for (const plugin of list.plugins) {
        const previous = begun.length === 0 ? undefined : result;
        begun.unshift(plugin);
        result = await addWith(call, plugin, previous);
      }
      await this.#remember(call, result);
      return result;
    } catch (error) {
      const unkillable = { ...call, caller: this.#caller() };
      if (!isKnown) await takeBack(unkillable, begun, begun.length > 1 ? result : undefined);
      throw error;
    }
  }

  /**
   * Checks that the interface is as ADD left it; the first complaint counts. Does nothing with `disableCheck`.
   *
   * @throws CniError 1 below version 0.4.0, which has no CHECK
   */
  async check(list: CniNetworkList, options: CniAttachmentOptions, calls: CniCallOptions = {}): Promise<void> {
    const call = this.#call('CHECK', list, options, calls);
    if (!isAtLeast(list.cniVersion, '0.4.0')) {
      const message = `configuration version ${JSON.stringify(list.cniVersion)} does not support the CHECK command`;
      throw new CniError(CNI_ERROR.incompatibleVersion, message);
    }
    if (list.disableCheck) return;
    const result = await this.#cachedResult(call);
    for (const plugin of list.plugins) await checkWith(call, plugin, result);
  }

  /**
   * Removes the interface: DEL of every plugin in reverse order. Stops at the first that fails, and keeps the result
   * for another try. Succeeds for an attachment that is gone.
   */
  async del(list: CniNetworkList, options: CniAttachmentOptions, calls: CniCallOptions = {}): Promise<void> {
    const call = this.#call('DEL', list, options, calls);
    const result = this.#resultForDel(call);
    for (const plugin of list.plugins.toReversed()) await delWith(call, plugin, result);
    this.#cache.delete(keyOf(call));
  }

  /**
   * Removes what is left of attachments that are gone: DEL of those in the cache that are not `valid`, then, since
   * version 1.1.0, GC of every plugin. Tries all of it. Does nothing with `disableGC`.
   *
   * @param valid every attachment that the network still has: what is not in it is removed
   * @throws CniError with the code of the first that failed, and the texts of all
   */
  async gc(list: CniNetworkList, valid: readonly CniAttachment[], calls: CniCallOptions = {}): Promise<void> {
    if (list.disableGC) return;
    const isValid = (one: CniAttachment): boolean =>
      valid.some(({ containerId, ifName }) => containerId === one.containerId && ifName === one.ifName);
    const stale = this.cachedAttachments().filter((one) => one.network === list.name && !isValid(one));
    const deletions = stale.map((one) => () => {
      const what = `failed to delete stale attachment ${one.containerId} ${one.ifName}`;
      return explain(what, () => this.del(list, one, calls));
    });
    const collectors = isAtLeast(list.cniVersion, '1.1.0') ? list.plugins : [];
    const call = { list, attachment: NO_ATTACHMENT, caller: this.#caller(calls) };
    await tryAll([...deletions, ...collectors.map((plugin) => () => tell('GC', call, plugin, gcMembers(valid)))]);
  }

  /** Whether the network's plugins are ready for an ADD; the first that is not counts. Nothing below version 1.1.0. */
  async status(list: CniNetworkList, calls: CniCallOptions = {}): Promise<void> {
    if (!isAtLeast(list.cniVersion, '1.1.0')) return;
    const call = { list, attachment: NO_ATTACHMENT, caller: this.#caller(calls) };
    for (const plugin of list.plugins) await tell('STATUS', call, plugin);
  }

  /** The versions that each plugin of the network speaks. */
  async version(list: CniNetworkList, calls: CniCallOptions = {}): Promise<CniPluginVersions[]> {
    const versions: CniPluginVersions[] = [];
    for (const { type } of list.plugins) {
      const supportedVersions = await explain(`plugin type=${JSON.stringify(type)} failed (version)`, () =>
        askVersions(type, this.#caller(calls)),
      );
      versions.push({ type, supportedVersions });
    }
    return versions;
  }

  /**
   * Whether every plugin is there and speaks the network's version.
   *
   * @returns the capabilities that some plugin of it declares
   * @throws CniError with the texts of all that is wrong
   */
  async validate(list: CniNetworkList, calls: CniCallOptions = {}): Promise<string[]> {
    const steps = list.plugins.map(({ type }) => async () => {
      const versions = await explain(`plugin ${type}`, () => askVersions(type, this.#caller(calls)));
      if (versions.includes(list.cniVersion)) return;
      const message = `plugin ${type} does not support config version ${JSON.stringify(list.cniVersion)}`;
      throw new CniError(CNI_ERROR.incompatibleVersion, message);
    });
    await tryAll(steps);
    return [...new Set(list.plugins.flatMap(({ capabilities }) => capabilities))];
  }

  /** What ADD answered and nobody has deleted, undefined where nothing is known. @throws CniError 6 */
  async cachedResult(list: CniNetworkList, attachment: CniAttachment): Promise<CniResult | undefined> {
    return this.#cachedResult(this.#call('DEL', list, attachment));
  }

  /** The attachments that the cache knows, of all networks. @param containerId only those of this container */
  cachedAttachments(containerId?: string): CachedAttachment[] {
    return this.#cache.list(containerId);
  }

  /** A command, checked; what ADD was given is recalled for CHECK and DEL. */
  #call(command: CniCommand, list: CniNetworkList, options: CniAttachmentOptions, calls?: CniCallOptions): ChainCall {
    checkNetworkName(list.name);
    const given = checkAttachment(command, options, this.#path);
    const known = command === 'ADD' ? undefined : this.#cache.find({ network: list.name, ...given });
    const attachment: CheckedAttachment = {
      ...given,
      args: options.args === undefined ? (known?.args ?? []) : given.args,
      capabilityArgs: options.capabilityArgs ?? known?.capabilityArgs ?? {},
    };
    return { list, attachment, caller: this.#caller(calls) };
  }

  #caller({ signal }: CniCallOptions = {}): PluginCaller {
    const caller = { path: this.#path, env: this.#env, warn: this.#warn };
    return signal === undefined ? caller : { ...caller, signal };
  }

  #cachedResult(call: ChainCall): Promise<CniResult | undefined> {
    const { name, cniVersion } = call.list;
    const what = `failed to get network ${JSON.stringify(name)} cached result`;
    return explain(what, () => this.#cache.result(keyOf(call), cniVersion));
  }

  async #remember({ list, attachment }: ChainCall, result: CniResult): Promise<void> {
    await explain(`failed to set network ${JSON.stringify(list.name)} cached result`, () =>
      this.#cache.write({ ...attachment, network: list.name, config: list.text }, result, list.cniVersion),
    );
  }

  /** One that cannot be read is no reason to leave the interface where it is. */
  #resultForDel(call: ChainCall): CniResult | undefined {
    try {
      return this.#cache.result(keyOf(call), call.list.cniVersion);
    } catch (error) {
      const name = JSON.stringify(call.list.name);
      this.#warn(`ignoring the cached result of network ${name}: ${(error as Error).message}`);
      return undefined;
    }
  }
}

const keyOf = ({ list, attachment: { containerId, ifName } }: ChainCall): AttachmentKey => ({
  network: list.name,
  containerId,
  ifName,
});

/** `CNI_PATH` separates folders by colons. */
function checkFolder(folder: string): void {
  if (folder !== '' && !/[:\0]/.test(folder)) return;
  const action = `Cannot look for CNI plugins in "${folder}"`;
  throw new InvalidOptionError(`${action}: it is empty, or has a colon; give each folder by itself`);
}
