/**
 * Calling another plugin, an IPAM plugin most of all: it is found in the folders of `CNI_PATH` and run with the same
 * environment and configuration.
 *
 *     execAdd('host-local') ─► findPlugin ─► a file of this package and version?  yes ─► runPlugin in this process
 *                                                                                 no  ─► child process
 *
 * In-process saves the start of a second Node; everything but the process is the same. Which file is ours, its second
 * line tells (plugin-file.ts). Source: CNI SPEC 1.1.0, "Plugin Delegation"; the texts are the reference's.
 */

import { statSync } from 'node:fs';
import { join } from 'node:path';

import { CniError } from './error.ts';
import { isJsonObject } from './json.ts';
import { isOurPluginFile } from './plugin-file.ts';
import { parseResult } from './result.ts';
import { runPlugin } from './skel.ts';
import type { CniCommand, CniPlugin, CniResult, PluginContext } from './types.ts';

/** Plugins of ours that others call, by file name; loaded when they are called. */
const IN_PROCESS: Readonly<Record<string, () => Promise<CniPlugin>>> = {
  'host-local': async () => (await import('./host-local/plugin.ts')).hostLocalPlugin,
};

/** What a plugin printed, and how it ended. */
interface Outcome {
  /** 0, another status, or the name of the signal that ended it. */
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * ADD of the plugin `name`.
 *
 * @param config what it reads on stdin; the caller's own configuration unless said otherwise
 * @returns its result, whatever version it is printed in
 * @throws CniError as the plugin reports it; Error when it is not found or prints no result
 */
export async function execAdd(name: string, context: PluginContext, config: string = context.raw): Promise<CniResult> {
  const stdout = await exec('ADD', name, context, config);
  return parseResult(stdout, context.cniVersion);
}

/** DEL of the plugin `name`. Parameters and errors as {@link execAdd}. */
export async function execDel(name: string, context: PluginContext, config: string = context.raw): Promise<void> {
  await exec('DEL', name, context, config);
}

/** CHECK of the plugin `name`. Parameters and errors as {@link execAdd}. */
export async function execCheck(name: string, context: PluginContext, config: string = context.raw): Promise<void> {
  await exec('CHECK', name, context, config);
}

/** GC of the plugin `name`. Parameters and errors as {@link execAdd}. */
export async function execGc(name: string, context: PluginContext, config: string = context.raw): Promise<void> {
  await exec('GC', name, context, config);
}

/** STATUS of the plugin `name`. Parameters and errors as {@link execAdd}. */
export async function execStatus(name: string, context: PluginContext, config: string = context.raw): Promise<void> {
  await exec('STATUS', name, context, config);
}

/**
 * The file of a plugin in the first folder that has it.
 *
 * @throws Error with the reference's words; a name with a slash is refused, for it comes from the configuration
 */
export function findPlugin(name: string, folders: readonly string[]): string {
  if (name === '') throw new Error('no plugin name provided');
  if (name.includes('/')) throw new Error(`invalid plugin name: ${name}`);
  if (folders.length === 0) throw new Error('no paths provided');
  const found = folders.map((folder) => join(folder, name)).find(isFile);
  if (found === undefined) {
    throw new Error(`failed to find plugin ${JSON.stringify(name)} in path [${folders.join(' ')}]`);
  }
  return found;
}

function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  } catch {
    return false;
  }
}

async function exec(command: CniCommand, name: string, context: PluginContext, config: string): Promise<string> {
  const file = findPlugin(name, context.path);
  const load = Object.hasOwn(IN_PROCESS, name) && isOurPluginFile(file) ? IN_PROCESS[name] : undefined;
  const env = { ...context.env, CNI_COMMAND: command };
  const outcome = load === undefined ? await runChild(file, env, config) : await runHere(await load(), env, config);
  if (outcome.status !== 0) throw failure(outcome);
  if (outcome.stderr !== '') context.warn(outcome.stderr.trimEnd());
  return outcome.stdout;
}

async function runHere(plugin: CniPlugin, env: PluginContext['env'], config: string): Promise<Outcome> {
  const said = { stdout: '', stderr: '' };
  const status = await runPlugin(plugin, {
    env,
    stdin: () => config,
    stdout: (text) => (said.stdout += text),
    stderr: (text) => (said.stderr += text),
  });
  return { status, ...said };
}

async function runChild(file: string, env: PluginContext['env'], config: string): Promise<Outcome> {
  const { spawn } = await import('node:child_process');
  const child = spawn(file, [], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => (said[stream] += text));
  }
  // A plugin may end without reading: its status tells why.
  child.stdin.on('error', () => undefined).end(config);
  const status = await new Promise<number | string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? signal ?? ''));
  });
  return { status, ...said };
}

/** The error that the plugin printed; where it printed none, what it said on stderr. */
function failure({ status, stdout, stderr }: Outcome): CniError {
  const reason = typeof status === 'number' ? `exit status ${status}` : `signal: ${status}`;
  if (stdout !== '') return parseError(stdout);
  if (stderr !== '') return new CniError(0, `netplugin failed: ${JSON.stringify(stderr)}`);
  return new CniError(0, `netplugin failed with no error message: ${reason}`);
}

function parseError(stdout: string): CniError {
  try {
    const value: unknown = JSON.parse(stdout);
    if (!isJsonObject(value)) throw new TypeError('it is no JSON object');
    const { code = 0, msg = '', details = '' } = value;
    return new CniError(Number(code), String(msg), String(details));
  } catch (error) {
    const reason = (error as Error).message;
    return new CniError(
      0,
      `netplugin failed but error parsing its diagnostic message ${JSON.stringify(stdout)}: ${reason}`,
    );
  }
}
