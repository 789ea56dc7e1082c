/**
 * Where CNI plugins are called: one container, one bridge, one folder of leases for all contestants, who leave as they
 * came. This process is in a namespace of its own, which is the host.
 *
 *     | host (this process) |  cni0 ═ veth… ═══ | eth0  container |      folder/bin, folder/bare, folder/data
 */

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installCniPlugins } from '../cni/install.ts';
import { childrenCpuTimes, closeFd, createNetworkNamespace } from '../native/index.ts';

/** Where Debian's containernetworking-plugins are. */
export const DEBIAN_FOLDER = '/usr/lib/cni';

/** Folders of plugins: Debian's, ours as installed, and ours without what was compiled when they were installed. */
export type PluginFolder = 'debian' | 'ours' | 'uncompiled';

/** One call of a plugin. */
export interface PluginCall {
  readonly plugin: string;
  readonly folder: PluginFolder;
  /** Where the plugin finds others. */
  readonly path: PluginFolder;
  readonly command: string;
  /** `DATA` in it stands for the folder of leases. */
  readonly config: object;
}

/** What a call took. */
export interface CallCost {
  readonly wallMs: number;
  /** User and system time of the process and those that it has waited for. */
  readonly cpuMs: number;
}

/** The system's programs, and not those of npm packages: one of these is called `nft`, too. */
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

/** Plugins, a container, and a folder; all gone with it. */
export class CniSite implements Disposable {
  readonly #folder: string;
  readonly #container: number;
  readonly #folders: Readonly<Record<PluginFolder, string>>;

  constructor() {
    this.#container = createNetworkNamespace();
    this.#folder = mkdtempSync(join(tmpdir(), 'linkpoint-bench-'));
    const ours = join(this.#folder, 'bin');
    const uncompiled = join(this.#folder, 'bare');
    this.#folders = { debian: DEBIAN_FOLDER, ours, uncompiled };
    installCniPlugins(ours);
    cpSync(ours, uncompiled, { recursive: true });
    for (const name of readdirSync(uncompiled, { recursive: true, encoding: 'utf8' })) {
      if (name.endsWith('.cache')) rmSync(join(uncompiled, name));
    }
  }

  /** The plugins of this folder are installed. */
  has(folder: PluginFolder): boolean {
    return existsSync(join(this.#folders[folder], 'bridge'));
  }

  /** Calls a plugin and waits for it. @throws Error with what it said, unless it succeeds */
  call({ plugin, folder, path, command, config }: PluginCall): CallCost {
    const env = {
      PATH,
      CNI_COMMAND: command,
      CNI_PATH: this.#folders[path],
      CNI_CONTAINERID: 'bench',
      CNI_NETNS: `/proc/${process.pid}/fd/${this.#container}`,
      CNI_IFNAME: 'eth0',
    };
    const input = JSON.stringify(config).replaceAll('DATA', join(this.#folder, 'data'));
    return timed([join(this.#folders[folder], plugin)], env, input);
  }

  [Symbol.dispose](): void {
    closeFd(this.#container);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** What a program takes from being started to having been waited for. @throws Error with what it said */
export function timed(command: readonly string[], env: Readonly<Record<string, string>>, input: string): CallCost {
  const [program = '', ...args] = command;
  const [cpuBefore, before] = [childrenCpuMs(), performance.now()];
  const { status, stdout, stderr } = spawnSync(program, args, { env, input, encoding: 'utf8' });
  const cost = { wallMs: performance.now() - before, cpuMs: childrenCpuMs() - cpuBefore };
  if (status === 0) return cost;
  throw new Error(`${command.join(' ')} ended with ${status}: ${stdout}${stderr}`);
}

function childrenCpuMs(): number {
  const { userMicroseconds, systemMicroseconds } = childrenCpuTimes();
  return (userMicroseconds + systemMicroseconds) / 1e3;
}
