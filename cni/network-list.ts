/**
 * A network as a runtime configures it: a list of plugins that are called one after another.
 *
 *     { "cniVersion": "1.0.0", "name": "net1", "plugins": [{ "type": "bridge", … }, { "type": "portmap", … }] }
 *
 * A single plugin's configuration, `{ "name": "net1", "type": "bridge", … }`, is a list of one. Source: CNI SPEC 1.1.0,
 * "Configuration format"; the checks, their order and their texts are libcni's.
 */

import { checkNetworkName } from './environment.ts';
import { CNI_ERROR, CniError } from './error.ts';
import { marshal } from './go-json.ts';
import { booleanAt, isJsonObject, type JsonObject, objectAt, objectsAt, stringAt, stringsAt } from './json.ts';
import { CNI_CURRENT_VERSION, CNI_DEFAULT_VERSION, isAtLeast, parseVersion } from './version.ts';

/** One plugin of a network. */
export interface CniPluginConfig {
  /** File name of its executable. */
  readonly type: string;
  /** What it declares true in `capabilities`: these of a caller's capability arguments it is given. */
  readonly capabilities: readonly string[];
  /** The configuration, as it is. */
  readonly config: JsonObject;
}

/** A network. Made by `parseNetworkList` and `CniClient.loadNetwork`. */
export interface CniNetworkList {
  readonly name: string;
  /** 0.1.0 where the configuration says none; of several, the newest that this package speaks. */
  readonly cniVersion: string;
  /** CHECK does nothing. */
  readonly disableCheck: boolean;
  /** GC does nothing. */
  readonly disableGC: boolean;
  /** Plugins are only those of the list, not also those in files of a folder of the network's name. */
  readonly loadOnlyInlinedPlugins: boolean;
  /** In the order of ADD; never empty. */
  readonly plugins: readonly CniPluginConfig[];
  /** The configuration as it was read; the cache keeps it. */
  readonly text: string;
}

/**
 * Reads a network, or a single plugin's configuration.
 *
 * @param source JSON, or the decoded object
 * @throws CniError 6 for what is no JSON; 7 for what is no network: the text says which key, and what is expected
 */
export function parseNetworkList(source: string | JsonObject): CniNetworkList {
  const text = typeof source === 'string' ? source : JSON.stringify(source);
  const value = decodeNetwork(text);
  const isSingle = !('plugins' in value) && 'type' in value;
  return requirePlugins(isSingle ? wrapPlugin(text) : readNetworkList(text));
}

/** As {@link parseNetworkList}, for a list whose plugins may all be in files of their own. */
export function readNetworkList(text: string): CniNetworkList {
  const value = decodeNetwork(text);
  return explain('error parsing configuration list', () => {
    const name = stringAt(value, 'name');
    if (name === undefined) throw new TypeError('no name');
    checkNetworkName(name);
    const list = {
      name,
      cniVersion: chooseVersion(value),
      disableCheck: truthAt(value, 'disableCheck'),
      disableGC: truthAt(value, 'disableGC'),
      loadOnlyInlinedPlugins: truthAt(value, 'loadOnlyInlinedPlugins'),
      text,
    };
    return { ...list, plugins: readPlugins(value, list.loadOnlyInlinedPlugins) };
  });
}

/** One plugin's configuration. @throws CniError 6, 7 */
export function readPluginConfig(text: string): CniPluginConfig {
  return readPlugin(decodeNetwork(text));
}

/** A list of the one plugin, which has the network's name and version. @throws CniError 6, 7 */
export function wrapPlugin(text: string): CniNetworkList {
  const { config } = readPluginConfig(text);
  const { name = '', cniVersion = '' } = config;
  return readNetworkList(marshal({ name, cniVersion, plugins: [config] }));
}

/** Refuses a list without plugins. @throws CniError 7 */
export function requirePlugins(list: CniNetworkList): CniNetworkList {
  if (list.plugins.length > 0) return list;
  throw new CniError(CNI_ERROR.invalidNetworkConfig, 'no plugin configs found');
}

/** Runs `read`; what it throws becomes a CniError 7, unless it is one. */
function explain<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof CniError) throw cause;
    throw new CniError(CNI_ERROR.invalidNetworkConfig, `${what}: ${(cause as Error).message}`, '', { cause });
  }
}

function decodeNetwork(text: string): JsonObject {
  const fail = (reason: string, cause?: unknown): never => {
    throw new CniError(CNI_ERROR.decodingFailure, `error parsing configuration list: ${reason}`, '', { cause });
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return fail((error as Error).message, error);
  }
  return isJsonObject(value) ? value : fail('it is no JSON object');
}

function readPlugins(value: JsonObject, isRequired: boolean): CniPluginConfig[] {
  if (!('plugins' in value)) {
    if (isRequired) throw new TypeError("`loadOnlyInlinedPlugins` is true, and no 'plugins' key");
    return [];
  }
  const plugins = objectsAt(value, 'plugins').map(readPlugin);
  if (plugins.length === 0) throw new TypeError('no plugins in list');
  return plugins;
}

function readPlugin(config: JsonObject): CniPluginConfig {
  return explain('error parsing configuration', () => {
    const type = stringAt(config, 'type') ?? '';
    if (type === '') throw new TypeError("missing 'type'");
    if (/[/\0]/.test(type)) throw new TypeError(`invalid plugin name: ${type}`);
    const declared = objectAt(config, 'capabilities') ?? {};
    const capabilities = Object.keys(declared).filter((name) => booleanAt(declared, name));
    return { type, capabilities, config };
  });
}

/** Of `cniVersions` and `cniVersion` the newest that is known; without `cniVersions`, `cniVersion` as it is. */
function chooseVersion(value: JsonObject): string {
  const single = stringAt(value, 'cniVersion') ?? '';
  const fallback = single === '' ? CNI_DEFAULT_VERSION : single;
  parseVersion(fallback);
  if (!('cniVersions' in value)) return fallback;
  const known = [...stringsAt(value, 'cniVersions'), ...(single === '' ? [] : [single])].filter((version) =>
    isAtLeast(CNI_CURRENT_VERSION, version),
  );
  const [first, ...others] = known;
  if (first === undefined) return fallback;
  return others.reduce((newest, each) => (isAtLeast(newest, each) ? newest : each), first);
}

/** A truth value, which some write as a string. */
function truthAt(value: JsonObject, key: string): boolean {
  const text = value[key];
  if (typeof text !== 'string') return booleanAt(value, key) ?? false;
  if (/^(?:true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  throw new TypeError(`invalid value ${JSON.stringify(text)} for ${key}; true or false is expected`);
}
