/**
 * CNI: networks for containers, from both sides. A runtime's, which calls the plugins of a network, and a plugin's:
 * `bridge` and `host-local`, as executables to install and as functions, and the skeleton for plugins of one's own.
 *
 * @example
 * ```ts
 * import { CniClient, installCniPlugins } from 'linkpoint/cni';
 *
 * installCniPlugins('/opt/cni/bin');
 * const client = new CniClient({ path: ['/opt/cni/bin'] });
 * const attachment = { containerId: 'c1', netns: '/run/netns/c1', ifName: 'eth0' };
 * const { ips } = await client.add(client.loadNetwork('net1'), attachment);
 * ```
 *
 * @packageDocumentation
 */

export { CniClient } from './client.ts';
export type { CniCallOptions, CniClientOptions, CniPluginVersions } from './client.ts';
export type { CniAttachmentOptions } from './client-call.ts';
export { loadNetworkList, readNetworkFile } from './network-files.ts';
export { parseNetworkList } from './network-list.ts';
export type { CniNetworkList, CniPluginConfig } from './network-list.ts';
export { cniProvider } from './network-provider.ts';
export type { CniProviderOptions } from './network-provider.ts';
export type { CachedAttachment, CniArgs } from './result-cache.ts';

export { bridgePlugin } from './bridge/plugin.ts';
export { hostLocalPlugin } from './host-local/plugin.ts';
export { installCniPlugins } from './install.ts';
export type { InstallOptions } from './install.ts';
export { runPluginMain } from './main.ts';
export { runPlugin } from './skel.ts';
export { execAdd, execCheck, execDel, execGc, execStatus } from './delegate.ts';

export { parseCniArgs } from './args.ts';
export { CNI_ERROR, CniError } from './error.ts';
export type { JsonObject } from './json.ts';
export { convertResult, parsePrevResult, parseResult, printResult } from './result.ts';
export { CNI_CURRENT_VERSION, CNI_VERSIONS } from './version.ts';
export type {
  CniAttachment,
  CniCommand,
  CniDns,
  CniInterface,
  CniIp,
  CniPlugin,
  CniResult,
  CniRoute,
  MaybePromise,
  PluginContext,
  PluginEnvironment,
  PluginIo,
} from './types.ts';
