/**
 * What a runtime gives to each plugin of a network: environment and stdin.
 *
 *     environment   CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME, CNI_ARGS, CNI_PATH    besides the runtime's own
 *     stdin         the plugin's configuration, with name, cniVersion, prevResult, runtimeConfig put into it
 *
 * `runtimeConfig` has those of the caller's capability arguments that the plugin declares. Source: CNI SPEC 1.1.0,
 * "Execution of Network Configurations"; libcni.
 */

import { checkAttachmentNames, requireVariables } from './environment.ts';
import { CNI_ERROR, CniError } from './error.ts';
import { marshal } from './go-json.ts';
import type { JsonObject } from './json.ts';
import type { CniNetworkList, CniPluginConfig } from './network-list.ts';
import type { CniArgs } from './result-cache.ts';
import { convertResult } from './result.ts';
import type { CniAttachment, CniCommand, CniResult, PluginEnvironment } from './types.ts';

/** A container, the interface that it gets, and what its plugins are to know. */
export interface CniAttachmentOptions extends CniAttachment {
  /** Path of the container's namespace; may be absent at DEL, when the container has gone. */
  readonly netns?: string;
  /** `CNI_ARGS` for every plugin. Default at CHECK and DEL: those of ADD, from the cache. */
  readonly args?: Readonly<Record<string, string>> | CniArgs;
  /** By capability, for those plugins that declare it: `{ portMappings: [ … ] }`. Default as that of `args`. */
  readonly capabilityArgs?: JsonObject;
}

/** An attachment, checked, with all of its members. */
export interface CheckedAttachment extends CniAttachment {
  readonly netns: string;
  readonly args: CniArgs;
  readonly capabilityArgs: JsonObject;
}

/** What GC and STATUS are called with: they are about no attachment. */
export const NO_ATTACHMENT: CheckedAttachment = {
  containerId: '',
  ifName: '',
  netns: '',
  args: [],
  capabilityArgs: {},
};

/**
 * Checks an attachment as a plugin would, before any is called.
 *
 * @throws CniError 4
 */
export function checkAttachment(
  command: CniCommand,
  options: CniAttachmentOptions,
  path: readonly string[],
): CheckedAttachment {
  const { containerId, ifName, netns = '', args = [], capabilityArgs = {} } = options;
  const attachment = { containerId, ifName, netns, args: pairsOf(args), capabilityArgs };
  const env = { CNI_COMMAND: command, ...callEnvironment(attachment, path) };
  requireVariables(env);
  checkAttachmentNames(env);
  return attachment;
}

/** The variables of a call, but for its command. */
export const callEnvironment = (attachment: CheckedAttachment, path: readonly string[]): PluginEnvironment => ({
  CNI_CONTAINERID: attachment.containerId,
  CNI_NETNS: attachment.netns,
  CNI_IFNAME: attachment.ifName,
  CNI_ARGS: attachment.args.map((pair) => pair.join('=')).join(';'),
  CNI_PATH: path.join(':'),
});

/** Stdin of a plugin in ADD, CHECK and DEL. @param previous what the plugins before have made */
export function pluginInput(
  list: CniNetworkList,
  plugin: CniPluginConfig,
  { capabilityArgs }: CheckedAttachment,
  previous?: CniResult,
): string {
  const wanted = plugin.capabilities.filter((name) => Object.hasOwn(capabilityArgs, name));
  return inject(list, plugin, {
    ...(previous === undefined ? {} : { prevResult: convertResult(previous, list.cniVersion) }),
    ...(wanted.length === 0
      ? {}
      : { runtimeConfig: Object.fromEntries(wanted.map((name) => [name, capabilityArgs[name]])) }),
  });
}

/** The plugin's configuration with the network's name and version, and with `members` in it. */
export const inject = ({ name, cniVersion }: CniNetworkList, plugin: CniPluginConfig, members: JsonObject): string =>
  marshal({ ...plugin.config, name, cniVersion, ...members });

/** Pairs, of which none can become two, or another one. */
function pairsOf(args: NonNullable<CniAttachmentOptions['args']>): CniArgs {
  const pairs = isPairs(args) ? args : Object.entries(args);
  for (const [key, value] of pairs) {
    if (key !== '' && !/[=;\0]/.test(`${key}${value}`)) continue;
    const pair = JSON.stringify(`${key}=${value}`);
    throw new CniError(CNI_ERROR.invalidEnvironment, `invalid CNI_ARGS pair ${pair}`, 'it may have no "=" and no ";"');
  }
  return pairs;
}

const isPairs = (args: NonNullable<CniAttachmentOptions['args']>): args is CniArgs => Array.isArray(args);
