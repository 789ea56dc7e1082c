/**
 * The skeleton of a plugin: the protocol between a runtime and a plugin, so that a plugin is only its functions.
 *
 *     environment ─► is it there? ─► stdin ─► name ─► id, ifname ─► version gate ─► add | check | del | gc | status
 *                         │            │       │          │              │                        │
 *                         └────────────┴───────┴──────────┴──────────────┴─── CniError ───────────┴─► JSON, status 1
 *
 * Nothing else ever goes to stdout. Source: CNI SPEC 1.1.0; order of the checks and texts are the reference's.
 */

import { type BigIntStats, statSync } from 'node:fs';

import { quoteList } from './args.ts';
import { checkAttachmentNames, checkNetworkName, requireVariables } from './environment.ts';
import { CNI_ERROR, CniError, toCniError } from './error.ts';
import { decodeJson, isJsonObject, type JsonObject, nameStruct, stringAt } from './json.ts';
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
  requireVariables(io.env);
  const command = io.env['CNI_COMMAND'] ?? '';
  if (command === 'VERSION') {
    return `${JSON.stringify({ cniVersion: CNI_CURRENT_VERSION, supportedVersions: plugin.versions })}\n`;
  }
  const raw = readStdin(io);
  const config = decodeConfig(raw);
  checkAttachmentNames(io.env);
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

/** `null` is an object without keys, as in the reference. @throws CniError 6; 7 for the name */
function decodeConfig(raw: string): JsonObject {
  const config = decoding('error unmarshall network config', () => {
    const value = decodeJson(raw) ?? {};
    if (!isJsonObject(value)) throw notAnObject(value);
    return nameStruct(value, '');
  });
  checkNetworkName(decoding('error unmarshall network config', () => stringAt(config, 'name')) ?? '');
  return config;
}

function notAnObject(value: unknown): TypeError {
  const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  const target = 'struct { Name string "json:\\"name\\"" }';
  return new TypeError(`json: cannot unmarshal ${kind} into Go value of type ${target}`);
}

/** Runs `read`; what it throws is a decoding failure (6). */
function decoding<T>(message: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new CniError(CNI_ERROR.decodingFailure, `${message}: ${(cause as Error).message}`, '', { cause });
  }
}

const isCommand = (command: string): command is CniCommand => COMMANDS.includes(command);

function makeContext(command: CniCommand, io: PluginIo, config: JsonObject, raw: string): PluginContext {
  const { env } = io;
  const version = decoding('decoding version from network config', () => stringAt(config, 'cniVersion')) ?? '';
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
  const theirs = statOrUndefined(netns);
  const ours = statSync('/proc/self/ns/net', { bigint: true });
  if (theirs === undefined || theirs.dev !== ours.dev || theirs.ino !== ours.ino) return;
  const message = "plugin's netns and netns from CNI_NETNS should not be the same";
  throw new CniError(CNI_ERROR.invalidNetns, message);
}

/** What cannot be looked at is not ours; why, the plugin says better. */
function statOrUndefined(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

const isOverridden = (env: PluginEnvironment): boolean => /^(?:TRUE|1)$/i.test(env['CNI_NETNS_OVERRIDE'] ?? '');
