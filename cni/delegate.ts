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

import { fromNodeError } from '../native/errno.ts';
import { CniError } from './error.ts';
import { decodeJson, integerAt, isJsonObject, nameStruct, stringAt } from './json.ts';
import { isOurPluginFile } from './plugin-file.ts';
import { parseResult } from './result.ts';
import { runPlugin } from './skel.ts';
import { causeText } from './strerror.ts';
import type { CniCommand, CniPlugin, CniResult, PluginContext } from './types.ts';

/** Plugins of ours that others call, by file name; loaded when they are called. */
const IN_PROCESS: Readonly<Record<string, () => Promise<CniPlugin>>> = {
  'host-local': async () => (await import('./host-local/plugin.ts')).hostLocalPlugin,
};

/** Who calls: where plugins are, their environment, where warnings go. A plugin that calls another is one. */
export interface PluginCaller extends Pick<PluginContext, 'path' | 'env' | 'warn'> {
  /** Kills a plugin that runs as a process of its own. */
  readonly signal?: AbortSignal;
}

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
  const stdout = await execPlugin('ADD', name, context, config);
  return parseResult(stdout, context.cniVersion);
}

/** DEL of the plugin `name`. Parameters and errors as {@link execAdd}. */
export async function execDel(name: string, context: PluginContext, config: string = context.raw): Promise<void> {
  await execPlugin('DEL', name, context, config);
}

/** CHECK of the plugin `name`. Parameters and errors as {@link execAdd}. */
export async function execCheck(name: string, context: PluginContext, config: string = context.raw): Promise<void> {
  await execPlugin('CHECK', name, context, config);
}

/** GC of the plugin `name`. Parameters and errors as {@link execAdd}. */
export async function execGc(name: string, context: PluginContext, config: string = context.raw): Promise<void> {
  await execPlugin('GC', name, context, config);
}

/** STATUS of the plugin `name`. Parameters and errors as {@link execAdd}. */
export async function execStatus(name: string, context: PluginContext, config: string = context.raw): Promise<void> {
  await execPlugin('STATUS', name, context, config);
}

/**
 * Any command of the plugin `name`: what it printed on stdout. What it says on stderr goes to `caller.warn`.
 *
 * @throws CniError as the plugin reports it; Error when it is not found, or the signal ended it
 */
export async function execPlugin(
  command: CniCommand,
  name: string,
  caller: PluginCaller,
  config: string,
): Promise<string> {
  const file = findPlugin(name, caller.path);
  const load = Object.hasOwn(IN_PROCESS, name) && isOurPluginFile(file) ? IN_PROCESS[name] : undefined;
  const env = { ...caller.env, CNI_COMMAND: command };
  const outcome =
    load === undefined ? await runChild(file, env, config, caller.signal) : await runHere(await load(), env, config);
  if (outcome.status !== 0) throw failure(outcome);
  if (outcome.stderr !== '') caller.warn(outcome.stderr.trimEnd());
  return outcome.stdout;
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

async function runChild(
  file: string,
  env: PluginContext['env'],
  config: string,
  signal?: AbortSignal,
): Promise<Outcome> {
  const { startChild } = await import('./child.ts');
  const child = startChild(file, [], { env, signal });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => (said[stream] += text));
  }
  // A plugin may end without reading: its status tells why.
  child.stdin.on('error', () => undefined).end(config);
  const status = await new Promise<number | string>((resolve, reject) => {
    child.on('error', (error) => reject(signal?.aborted === true ? error : cannotStart(file, error)));
    child.on('close', (code, signal) => resolve(code ?? signal ?? ''));
  });
  return { status, ...said };
}

function cannotStart(file: string, error: Error): CniError {
  const reason = causeText(fromNodeError('execve', error, ''));
  return new CniError(0, `netplugin failed with no error message: fork/exec ${file}: ${reason}`, '', { cause: error });
}

/** Signals as Go names them. */
const SIGNALS: Readonly<Record<string, string>> = {
  SIGKILL: 'killed',
  SIGTERM: 'terminated',
  SIGSEGV: 'segmentation fault',
  SIGABRT: 'aborted',
  SIGINT: 'interrupt',
  SIGHUP: 'hangup',
  SIGPIPE: 'broken pipe',
};

/** The error that the plugin printed; where it printed none, what it said on stderr. */
function failure({ status, stdout, stderr }: Outcome): CniError {
  const reason = typeof status === 'number' ? `exit status ${status}` : `signal: ${SIGNALS[status] ?? status}`;
  if (stdout !== '') return parseError(stdout);
  if (stderr !== '') return new CniError(0, `netplugin failed: ${JSON.stringify(stderr)}`);
  return new CniError(0, `netplugin failed with no error message: ${reason}`);
}

function parseError(stdout: string): CniError {
  try {
    const value = decodeJson(stdout) ?? {};
    if (!isJsonObject(value)) throw new TypeError('it is no JSON object');
    nameStruct(value, 'Error');
    const [msg = '', details = ''] = ['msg', 'details'].map((key) => stringAt(value, key));
    return new CniError(integerAt(value, 'code', 'uint') ?? 0, msg, details);
  } catch (error) {
    const reason = (error as Error).message;
    return new CniError(
      0,
      `netplugin failed but error parsing its diagnostic message ${JSON.stringify(stdout)}: ${reason}`,
    );
  }
}
