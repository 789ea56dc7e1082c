/**
 * The values of the CNI protocol, as this package holds them: a result in the shape of version 1.1 whatever the
 * configuration's version is, a call of a plugin, and a plugin.
 *
 *     runtime ── environment, configuration on stdin ─► runPlugin ── PluginContext ─► CniPlugin.add
 *             ◄─ JSON in the configuration's version ── convertResult ◄── CniResult ──┘
 *
 * Addresses are text in the one form of RFC 5952: `192.0.2.2/24`, `2001:db8::2`. Source: CNI SPEC 1.1.0.
 */

import type { JsonObject } from './json.ts';

/** The commands of `CNI_COMMAND`. */
export type CniCommand = 'ADD' | 'CHECK' | 'DEL' | 'GC' | 'STATUS' | 'VERSION';

/** What a resolver needs; every member may be absent. */
export interface CniDns {
  readonly nameservers?: readonly string[];
  readonly domain?: string;
  readonly search?: readonly string[];
  readonly options?: readonly string[];
}

/** A link that the plugin made or uses. */
export interface CniInterface {
  readonly name: string;
  /** `02:00:5e:00:53:01` */
  readonly mac?: string;
  /** Since 1.1, bytes. */
  readonly mtu?: number;
  /** Path of the namespace that it is in; absent on the host. */
  readonly sandbox?: string;
  /** Since 1.1: socket of a vhost-user device. */
  readonly socketPath?: string;
  /** Since 1.1: address of a PCI device. */
  readonly pciID?: string;
}

/** An address and the link that has it. */
export interface CniIp {
  /** Index into `interfaces`; absent where an IPAM plugin does not know it. */
  readonly interface?: number;
  /** `192.0.2.2/24` */
  readonly address: string;
  /** `192.0.2.1` */
  readonly gateway?: string;
}

/** A route of the container. */
export interface CniRoute {
  /** `0.0.0.0/0` */
  readonly dst: string;
  readonly gw?: string;
  /** Since 1.1, as all that follow: bytes. */
  readonly mtu?: number;
  readonly advmss?: number;
  readonly priority?: number;
  readonly table?: number;
  readonly scope?: number;
}

/** What ADD made, in the shape of version 1.1. `convertResult` gives it the shape of any version. */
export interface CniResult {
  readonly interfaces: readonly CniInterface[];
  readonly ips: readonly CniIp[];
  readonly routes: readonly CniRoute[];
  readonly dns: CniDns;
}

/** An attachment: a container, and the interface in it. */
export interface CniAttachment {
  readonly containerId: string;
  readonly ifName: string;
}

/** One call of a plugin: environment and configuration, checked as far as the protocol says. */
export interface PluginContext {
  readonly command: CniCommand;
  /** Empty for GC and STATUS. */
  readonly containerId: string;
  /** Path of the container's namespace; may be empty on DEL. */
  readonly netns: string;
  readonly ifName: string;
  /** `CNI_ARGS` as it is: `K=V;K=V`. Read it with `parseCniArgs`. */
  readonly args: string;
  /** Folders to look for plugins in: `CNI_PATH`, taken apart. */
  readonly path: readonly string[];
  /** The configuration, decoded. */
  readonly config: JsonObject;
  /** The configuration as it came; this is what an IPAM plugin is given. */
  readonly raw: string;
  /** `cniVersion` of the configuration, 0.1.0 where it has none. */
  readonly cniVersion: string;
  /** The whole environment. */
  readonly env: PluginEnvironment;
  /** Prints a line of a warning on stderr. stdout is the protocol's. */
  readonly warn: (line: string) => void;
}

/** Environment variables by name. */
export type PluginEnvironment = Readonly<Record<string, string | undefined>>;

/** What a command comes to. */
export type MaybePromise<T> = T | Promise<T>;

/**
 * A plugin: one function per command. They throw; a `CniError` keeps its code, anything else becomes 999. What is
 * absent does nothing and succeeds.
 */
export interface CniPlugin {
  /** One line, printed where the plugin is called without a command. */
  readonly about: string;
  /** Versions of the specification, oldest first. */
  readonly versions: readonly string[];
  readonly add?: (context: PluginContext) => MaybePromise<CniResult>;
  readonly check?: (context: PluginContext) => MaybePromise<void>;
  readonly del: (context: PluginContext) => MaybePromise<void>;
  readonly gc?: (context: PluginContext) => MaybePromise<void>;
  readonly status?: (context: PluginContext) => MaybePromise<void>;
}

/** Where a plugin reads and writes. */
export interface PluginIo {
  readonly env: PluginEnvironment;
  /** The whole of stdin. What it throws is an I/O failure (5). */
  readonly stdin: () => string;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}
