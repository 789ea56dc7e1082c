/**
 * The skeleton of a plugin: the protocol between a runtime and a plugin, so that a plugin is only its functions.
 *
 *     environment ─► checkEnvironment ─► stdin ─► name ─► version gate ─► add | check | del | gc | status
 *                          │               │       │          │                        │
 *                          └───────────────┴───────┴──────────┴── CniError ────────────┴─► JSON on stdout, status 1
 *
 * Nothing else ever goes to stdout. Source: CNI SPEC 1.1.0; order of the checks and texts are the reference's.
 */

import { statSync } from 'node:fs';

import { quoteList } from './args.ts';
import { checkEnvironment, checkNetworkName } from './environment.ts';
import { CNI_ERROR, CniError, toCniError } from './error.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import { printResult } from './result.ts';
import type { CniCommand, CniPlugin, PluginContext, PluginEnvironment, PluginIo } from './types.ts';
import { CNI_CURRENT_VERSION, CNI_DEFAULT_VERSION, isAtLeast } from './version.ts';

/** The first version that has the command. */
const SINCE: Readonly<Record<string, string>> = { CHECK: '0.4.0', GC: '1.1.0', STATUS: '1.1.0' };

const COMMANDS: readonly string[] = ['ADD', 'CHECK', 'DEL', 'GC', 'STATUS', 'VERSION'];

/**
 * Runs one command of a plugin.
 *
 * @returns the exit status: 0, or 1 with an error as JSON on stdout
 */
export async function runPlugin(plugin: CniPlugin, io: PluginIo): Promise<0 | 1> {
  if ((io.env['CNI_COMMAND'] ?? '') === '' && plugin.about !== '') {
    io.stderr(`${plugin.about}\nCNI protocol versions supported: ${plugin.versions.join(', ')}\n`);
    return 0;
  }
  try {
    io.stdout(await runCommand(plugin, io));
    return 0;
  } catch (thrown) {
    io.stdout(JSON.stringify(toCniError(thrown), null, 4));
    return 1;
  }
}

/** What the command prints. */
async function runCommand(plugin: CniPlugin, io: PluginIo): Promise<string> {
  checkEnvironment(io.env);
  const command = io.env['CNI_COMMAND'] ?? '';
  if (command === 'VERSION') {
    return `${JSON.stringify({ cniVersion: CNI_CURRENT_VERSION, supportedVersions: plugin.versions })}\n`;
  }
  const raw = readStdin(io);
  const config = decodeConfig(raw);
  if (!isCommand(command)) throw new CniError(CNI_ERROR.invalidEnvironment, `unknown CNI_COMMAND: ${command}`);
  const context = makeContext(command, io, config, raw);
  checkVersion(plugin, context);
  return dispatch(plugin, context);
}

async function dispatch(plugin: CniPlugin, context: PluginContext): Promise<string> {
  if (context.command === 'ADD') {
    // The reference looks after the fact and leaves the links in the wrong namespace; before it, nothing is changed.
    refuseOwnNetns(context);
    const result = await plugin.add?.(context);
    return result === undefined ? '' : printResult(result, context.cniVersion);
  }
  if (context.command === 'DEL') {
    await plugin.del(context);
    refuseOwnNetns(context);
  }
  if (context.command === 'CHECK') await plugin.check?.(context);
  if (context.command === 'GC') await plugin.gc?.(context);
  if (context.command === 'STATUS') await plugin.status?.(context);
  return '';
}

function readStdin(io: PluginIo): string {
  try {
    return io.stdin();
  } catch (cause) {
    const message = `error reading from stdin: ${(cause as Error).message}`;
    throw new CniError(CNI_ERROR.ioFailure, message, '', { cause });
  }
}

function decodeConfig(raw: string): JsonObject {
  const fail = (reason: string): never => {
    throw new CniError(CNI_ERROR.decodingFailure, `error unmarshall network config: ${reason}`);
  };
  const config = parseJson(raw, fail);
  if (!isJsonObject(config)) return fail('the configuration is no JSON object');
  for (const key of ['name', 'cniVersion']) {
    const value = config[key] ?? '';
    if (typeof value !== 'string') return fail(`key "${key}" is ${JSON.stringify(value)}; a string is expected`);
  }
  checkNetworkName((config['name'] ?? '') as string);
  return config;
}

function parseJson(raw: string, fail: (reason: string) => never): unknown {
  try {
    return JSON.parse(raw);
  } catch (error) {
    return fail((error as Error).message);
  }
}

const isCommand = (command: string): command is CniCommand => COMMANDS.includes(command);

function makeContext(command: CniCommand, io: PluginIo, config: JsonObject, raw: string): PluginContext {
  const { env } = io;
  const version = (config['cniVersion'] ?? '') as string;
  return {
    command,
    containerId: env['CNI_CONTAINERID'] ?? '',
    netns: env['CNI_NETNS'] ?? '',
    ifName: env['CNI_IFNAME'] ?? '',
    args: env['CNI_ARGS'] ?? '',
    path: splitPath(env['CNI_PATH'] ?? ''),
    config,
    raw,
    cniVersion: version === '' ? CNI_DEFAULT_VERSION : version,
    env,
    warn: (line) => io.stderr(`${line}\n`),
  };
}

/** The folders of `CNI_PATH`, as any PATH: separated by colons. */
const splitPath = (text: string): string[] => (text === '' ? [] : text.split(':'));

function checkVersion(plugin: CniPlugin, { command, cniVersion }: PluginContext): void {
  const since = SINCE[command];
  if (since !== undefined) {
    if (!decodeVersion(() => isAtLeast(cniVersion, since))) {
      throw new CniError(CNI_ERROR.incompatibleVersion, `config version does not allow ${command}`);
    }
    if (!plugin.versions.some((version) => isAtLeast(version, cniVersion))) {
      throw new CniError(CNI_ERROR.incompatibleVersion, `plugin version does not allow ${command}`);
    }
  }
  if (plugin.versions.includes(cniVersion)) return;
  const details = `config is ${JSON.stringify(cniVersion)}, plugin supports ${quoteList(plugin.versions)}`;
  throw new CniError(CNI_ERROR.incompatibleVersion, 'incompatible CNI versions', details);
}

function decodeVersion<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new CniError(CNI_ERROR.decodingFailure, (cause as Error).message, '', { cause });
  }
}

/** A container in the plugin's own namespace: its interface would be the host's. */
function refuseOwnNetns({ netns, env }: PluginContext): void {
  if (isOverridden(env) || netns === '') return;
  const theirs = statSync(netns, { bigint: true, throwIfNoEntry: false });
  const ours = statSync('/proc/self/ns/net', { bigint: true });
  if (theirs === undefined || theirs.dev !== ours.dev || theirs.ino !== ours.ino) return;
  const message = "plugin's netns and netns from CNI_NETNS should not be the same";
  throw new CniError(CNI_ERROR.invalidNetns, message);
}

const isOverridden = (env: PluginEnvironment): boolean => /^(?:TRUE|1)$/i.test(env['CNI_NETNS_OVERRIDE'] ?? '');
