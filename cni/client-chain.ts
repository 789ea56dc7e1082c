/**
 * The plugins of a network, called one at a time: input, call, answer, and whose error it was.
 *
 * Errors keep the code of the plugin; their text begins as libcni's: `plugin type="bridge" failed (add): …`.
 */

import { type CheckedAttachment, callEnvironment, inject, pluginInput } from './client-call.ts';
import { execPlugin, type PluginCaller } from './delegate.ts';
import { CNI_ERROR, CniError, toCniError } from './error.ts';
import type { JsonObject } from './json.ts';
import type { CniNetworkList, CniPluginConfig } from './network-list.ts';
import { parseResult } from './result.ts';
import type { CniCommand, CniResult } from './types.ts';
import { isAtLeast } from './version.ts';

/** What the calls of one command share. */
export interface ChainCall {
  readonly list: CniNetworkList;
  readonly attachment: CheckedAttachment;
  /** Its environment has the runtime's own variables; those of the attachment are added. */
  readonly caller: PluginCaller;
}

/** ADD of one plugin. @param previous the result of the plugin before @returns its own */
export async function addWith(call: ChainCall, plugin: CniPluginConfig, previous?: CniResult): Promise<CniResult> {
  return explain(`${describe(plugin)} failed (add)`, async () => {
    const input = pluginInput(call.list, plugin, call.attachment, previous);
    return readResult(await exec('ADD', call, plugin, input), call.list.cniVersion);
  });
}

/** CHECK of one plugin. @param result what the last plugin answered at ADD */
export async function checkWith(call: ChainCall, plugin: CniPluginConfig, result?: CniResult): Promise<void> {
  await explain(`${describe(plugin)} failed (check)`, () =>
    exec('CHECK', call, plugin, pluginInput(call.list, plugin, call.attachment, result)),
  );
}

/** DEL of one plugin, which is told the result since version 0.4.0. */
export async function delWith(call: ChainCall, plugin: CniPluginConfig, result?: CniResult): Promise<void> {
  const previous = hasResultAtDel(call.list) ? result : undefined;
  await explain(`${describe(plugin)} failed (delete)`, () =>
    exec('DEL', call, plugin, pluginInput(call.list, plugin, call.attachment, previous)),
  );
}

/** GC or STATUS of one plugin. @param members what it is told besides its configuration */
export async function tell(
  command: 'GC' | 'STATUS',
  call: ChainCall,
  plugin: CniPluginConfig,
  members: JsonObject = {},
): Promise<void> {
  await explain(`${describe(plugin)} failed (${command.toLowerCase()})`, () =>
    exec(command, call, plugin, inject(call.list, plugin, members)),
  );
}

/** Takes an ADD back: DEL of all that were begun, whatever fails; what does is warned of. */
export async function takeBack(call: ChainCall, begun: readonly CniPluginConfig[], result?: CniResult): Promise<void> {
  for (const plugin of begun) {
    try {
      await delWith(call, plugin, result);
    } catch (error) {
      call.caller.warn(`while taking back a failed ADD: ${(error as Error).message}`);
    }
  }
}

/** Whether DEL has a `prevResult`. */
const hasResultAtDel = ({ cniVersion }: CniNetworkList): boolean => isAtLeast(cniVersion, '0.4.0');

/** Runs `run`; what it throws becomes a CniError of the same code that begins with `what`. */
export async function explain<T>(what: string, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    const { code, msg, details } = toCniError(cause);
    throw new CniError(code, `${what}: ${msg}`, details, { cause });
  }
}

/** Runs all, one after another, whatever fails. @throws CniError with the code of the first and the texts of all */
export async function tryAll(steps: readonly (() => Promise<void>)[]): Promise<void> {
  const errors: CniError[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      errors.push(toCniError(error));
    }
  }
  const [first, ...others] = errors;
  if (first === undefined) return;
  if (others.length === 0) throw first;
  const text = errors.map(({ message }) => message).join('\n');
  throw new CniError(first.code, text, '', { cause: new AggregateError(errors, text) });
}

const exec = (command: CniCommand, call: ChainCall, plugin: CniPluginConfig, input: string): Promise<string> => {
  const { attachment, caller } = call;
  const env = { ...caller.env, ...callEnvironment(attachment, caller.path) };
  return execPlugin(command, plugin.type, { ...caller, env }, input);
};

function readResult(stdout: string, version: string): CniResult {
  try {
    return parseResult(stdout, version);
  } catch (cause) {
    const message = `failed to read the result: ${(cause as Error).message}`;
    throw new CniError(CNI_ERROR.decodingFailure, message, '', { cause });
  }
}

/** `plugin type="bridge"`, and its name where it has one of its own. */
function describe({ type, config }: CniPluginConfig): string {
  const { name } = config;
  const ownName = typeof name === 'string' && name !== '' ? ` name=${JSON.stringify(name)}` : '';
  return `plugin type=${JSON.stringify(type)}${ownName}`;
}
