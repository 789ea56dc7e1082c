/**
 * Networks in files: the folder that a runtime's administrator fills.
 *
 *     /etc/cni/net.d/10-net1.conflist        lists, in the order of their file names
 *                    20-old.conf, .json      single plugins, when no list has the name
 *                    net1/*.conf             plugins of the list net1 besides those in it, unless
 *                                            `loadOnlyInlinedPlugins`
 *
 * Order and texts are libcni's: a file that cannot be read on the way to the right one is an error, for it may have
 * been meant.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { CNI_ERROR, CniError, toCniError } from './error.ts';
import {
  type CniNetworkList,
  type CniPluginConfig,
  readNetworkList,
  readPluginConfig,
  requirePlugins,
  wrapPlugin,
} from './network-list.ts';
import { causeText } from './strerror.ts';

/** Where runtimes look for networks. */
export const DEFAULT_CONF_DIR = '/etc/cni/net.d';

/**
 * The network of this name, from the first file that has it.
 *
 * @throws CniError 7 where no file has it; 5, 6, 7 for a file that comes before and cannot be read, with its path
 */
export function loadNetworkList(directory: string, name: string): CniNetworkList {
  const lists = filesIn(directory, ['.conflist']);
  for (const file of lists) {
    const list = readNetworkFile(file);
    if (list.name === name) return list;
  }
  const singles = filesIn(directory, ['.conf', '.json']);
  for (const file of singles) {
    const list = inFile(file, (text) => (readPluginConfig(text).config['name'] === name ? wrapPlugin(text) : null));
    if (list !== null) return list;
  }
  const isEmpty = lists.length === 0 && singles.length === 0;
  const what = isEmpty
    ? `no net configurations found in ${directory}`
    : `no net configuration with name ${JSON.stringify(name)} in ${directory}`;
  throw new CniError(CNI_ERROR.invalidNetworkConfig, what);
}

/** The list of one file and of the folder beside it. @throws CniError 5, 6, 7, with the file's path */
export function readNetworkFile(path: string): CniNetworkList {
  const list = inFile(path, readNetworkList);
  if (list.loadOnlyInlinedPlugins) return list;
  const plugins = [...list.plugins, ...readPluginFolder(join(dirname(path), list.name))];
  return named(path, () => requirePlugins({ ...list, plugins }));
}

function readPluginFolder(folder: string): CniPluginConfig[] {
  return filesIn(folder, ['.conf']).map((file) => inFile(file, readPluginConfig));
}

/** What `read` makes of a file's text; its errors name the file. */
function inFile<T>(path: string, read: (text: string) => T): T {
  const text = readText(path);
  return named(path, () => read(text));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CniError(CNI_ERROR.ioFailure, `error reading ${path}: ${causeText(cause)}`, '', { cause });
  }
}

/** Runs `read`; its errors name the file. */
function named<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const { code, msg, details } = toCniError(cause);
    throw new CniError(code, `error reading ${path}: ${msg}`, details, { cause });
  }
}

/** Files of a folder with one of the extensions, sorted; none where there is no folder. */
function filesIn(directory: string, extensions: readonly string[]): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
    const names = entries.map(({ name }) => name).filter((name) => extensions.includes(extensionOf(name)));
    return names.sort().map((name) => join(directory, name));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    const what = `error reading ${directory}: ${causeText(cause)}`;
    throw new CniError(CNI_ERROR.ioFailure, what, '', { cause });
  }
}

/** As Go has it: also of a name that is nothing else. */
const extensionOf = (name: string): string => (name.includes('.') ? name.slice(name.lastIndexOf('.')) : '');
