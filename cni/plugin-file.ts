/**
 * Plugins as files: what is installed, and the head by which a plugin knows another one of the same version.
 *
 *     DIR/bridge  DIR/host-local                #!/usr/bin/node
 *         .linkpoint/koffi-3.3.4.node           // linkpoint CNI plugin host-local 0.1.0
 *                    bridge-0.1.0-HASH.cjs      code-cache.ts
 */

import { closeSync, openSync, readSync } from 'node:fs';

/** Replaced by the package's version when the plugins are bundled. */
declare const LINKPOINT_VERSION: string | undefined;

/** Longer than any head. */
const HEAD_BYTES = 512;

/** The executables, by the names that configurations know them by. */
export const PLUGIN_NAMES: readonly string[] = ['bridge', 'host-local'];

/** What the plugins share, from their folder. */
export const CODE_FOLDER = '.linkpoint';

/** The addon of the FFI, from the folder of the plugins. */
export const addonPath = (koffiVersion: string): string => `${CODE_FOLDER}/koffi-${koffiVersion}.node`;

/** The line that marks a plugin's file. */
export const pluginMark = (name: string, version: string): string => `// linkpoint CNI plugin ${name} ${version}`;

/** The version of the plugin that the file is; null for a file of anybody else. */
export function pluginVersion(path: string): string | null {
  const [, mark = ''] = readHead(path).split('\n');
  return /^\/\/ linkpoint CNI plugin [a-z-]+ (\S+)$/.exec(mark)?.[1] ?? null;
}

/** Whether the file is a plugin of this very version; never where this program is no bundle itself. */
export const isOurPluginFile = (path: string): boolean =>
  typeof LINKPOINT_VERSION === 'string' && pluginVersion(path) === LINKPOINT_VERSION;

function readHead(path: string): string {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    const head = Buffer.alloc(HEAD_BYTES);
    return head.toString('utf8', 0, readSync(fd, head));
  } catch {
    return '';
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
