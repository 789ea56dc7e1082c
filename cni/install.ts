/**
 * Installs the plugins: executables that a container runtime finds by its plugin folder, independent of this package
 * afterwards.
 *
 *     DIR/bridge  DIR/host-local                loaders of the build, with this Node in the shebang
 *         .linkpoint/koffi-3.3.4.node           the addon that is loaded here, named by its version
 *                    bridge-0.1.0-HASH.cjs      the code, and what that Node has compiled of it: bin/loader.ts
 *                    bridge-0.1.0-HASH.cache
 *
 * The shebang names Node by its path, for runtimes call plugins with an environment of their own, often without a PATH.
 * Every file is written aside and renamed, the executables last: a runtime never sees half of one. The code of other
 * versions stays, for a plugin that has just been started reads it.
 */

import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { InvalidOptionError } from '../errors.ts';
import { requireKoffi } from '../native/koffi.ts';
import { addonPath, CODE_FOLDER, PLUGIN_NAMES, pluginVersion } from './plugin-file.ts';

/** How to install. */
export interface InstallOptions {
  /** Path of the Node that runs the plugins; the one that runs this by default. */
  readonly node?: string;
  /** Replace plugins of the same names that are not linkpoint's. */
  readonly force?: boolean;
}

const EXECUTABLE_MODE = 0o755;
const FILE_MODE = 0o644;
/** Whoever can write here decides what root runs: not what the umask says. */
const FOLDER_MODE = 0o755;
/** A plugin compiles nothing in the background: without V8's threads Node starts a tenth faster. */
const NODE_FLAG = '--v8-pool-size=0';
/** What kernels before 5.1 read of the first line, `#!` and newline included: BINPRM_BUF_SIZE of <linux/binfmts.h>. */
const SHEBANG_BYTES_MAX = 128;
/** Longest time that the compiler may take. */
const COMPILE_MILLISECONDS = 10_000;

/**
 * Writes the plugins and what they share into a folder, which is made if it is missing.
 *
 * @returns the paths of the files, the executables first
 * @throws InvalidOptionError, before anything is written: the path of Node does not fit a shebang, the folder is inside
 *   a package of ES modules, or a plugin of somebody else is there
 */
export function installCniPlugins(directory: string, options: InstallOptions = {}): string[] {
  const { node = process.execPath, force = false } = options;
  const folder = resolve(directory);
  checkNode(node);
  checkFolder(folder);
  const plugins = PLUGIN_NAMES.map((name) => ({ path: join(folder, name), text: readBundle(name, node) }));
  if (!force) for (const { path } of plugins) checkOwner(path);
  const { addon, version } = findAddon();
  const copy = join(folder, addonPath(version));
  mkdirSync(dirname(copy), { recursive: true, mode: FOLDER_MODE });
  replace(copy, FILE_MODE, (path) => copyFileSync(addon, path));
  const code = installCode(dirname(copy), node);
  const mode = EXECUTABLE_MODE;
  for (const { path, text } of plugins) replace(path, mode, (aside) => writeFileSync(aside, text, { mode }));
  return [...plugins.map(({ path }) => path), copy, ...code];
}

/** Copies the code, and has it compiled. @returns the paths of the files */
function installCode(folder: string, node: string): string[] {
  const from = bundlePath(CODE_FOLDER);
  return readdirSync(from).flatMap((name) => {
    const code = join(folder, name);
    replace(code, FILE_MODE, (aside) => copyFileSync(join(from, name), aside));
    const cache = code.replace(/\.cjs$/, '.cache');
    return compile(node, code, cache) ? [code, cache] : [code];
  });
}

/** What the Node of the plugins cannot compile now is compiled by every call: false. */
function compile(node: string, code: string, cache: string): boolean {
  const compiler = fileURLToPath(new URL('bin/compile.js', import.meta.url));
  const aside = asideOf(cache);
  const options = { env: {}, stdio: 'ignore', timeout: COMPILE_MILLISECONDS } as const;
  const isCompiled = spawnSync(node, [NODE_FLAG, compiler, code, aside], options).status === 0;
  if (isCompiled) finish(aside, cache, FILE_MODE);
  else rmSync(aside, { force: true });
  return isCompiled;
}

const bundlePath = (name: string): string => fileURLToPath(new URL(`bundle/${name}`, import.meta.url));

/** The loader of the build, with Node's path in its first line. Linux passes one argument of it. */
function readBundle(name: string, node: string): string {
  const path = bundlePath(`${name}.cjs`);
  if (!existsSync(path)) {
    throw new InvalidOptionError(`Cannot install CNI plugin "${name}": "${path}" is missing; build the package first`);
  }
  return readFileSync(path, 'utf8').replace(/^#!.*\n/, `${shebang(node)}\n`);
}

const shebang = (node: string): string => `#!${node} ${NODE_FLAG}`;

function checkNode(node: string): void {
  if (/^\/\S+$/.test(node) && Buffer.byteLength(shebang(node)) < SHEBANG_BYTES_MAX) return;
  const limit = SHEBANG_BYTES_MAX - 1 - shebang('').length;
  const expected = `an absolute path of at most ${limit} bytes without spaces is required`;
  throw new InvalidOptionError(`Cannot install CNI plugins for Node "${node}": it does not fit a shebang; ${expected}`);
}

/** A file without an extension is what the nearest package.json says; the bundles are CommonJS. */
function checkFolder(folder: string): void {
  for (let path = folder; ; path = dirname(path)) {
    const manifest = join(path, 'package.json');
    if (existsSync(manifest)) {
      const { type } = JSON.parse(readFileSync(manifest, 'utf8')) as { type?: unknown };
      if (type !== 'module') return;
      const remedy = 'choose a folder outside of it';
      throw new InvalidOptionError(
        `Cannot install CNI plugins into "${folder}": "${manifest}" has type "module"; ${remedy}`,
      );
    }
    if (path === dirname(path)) return;
  }
}

function checkOwner(path: string): void {
  if (!existsSync(path) || pluginVersion(path) !== null) return;
  const remedy = 'choose another folder, or force it';
  throw new InvalidOptionError(`Cannot install "${path}": there is a file that is not linkpoint's; ${remedy}`);
}

/** The file that koffi loaded: built for this machine and its C library. */
function findAddon(): { addon: string; version: string } {
  const { version } = requireKoffi('Cannot install CNI plugins');
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  const addon = loaded.find((path) => path.endsWith('koffi.node'));
  if (addon === undefined) {
    throw new InvalidOptionError('Cannot install CNI plugins: the addon of koffi is not among the loaded modules');
  }
  return { addon, version };
}

function replace(path: string, mode: number, write: (aside: string) => void): void {
  const aside = asideOf(path);
  write(aside);
  finish(aside, path, mode);
}

const asideOf = (path: string): string => `${path}.${process.pid}.new`;

function finish(aside: string, path: string, mode: number): void {
  chmodSync(aside, mode);
  renameSync(aside, path);
}
