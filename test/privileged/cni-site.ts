/**
 * What the tests of the CNI plugins share: a machine of one's own, a namespace that stands for the host, others that
 * stand for containers, and a folder of plugins to choose from.
 *
 *     | host (private) |  cni0 ═ veth… ═══ | eth0  container (private) |        dataDir: host-local's files
 *
 * Namespaces are descriptors of the test: a plugin, a child process, opens them below /proc, and no mount is needed.
 */

import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { ExecutionContext } from 'ava';

import { installCniPlugins } from '../../cni/install.ts';
import { bringLoopbackUp, closeFd, createNetworkNamespace, runInNamespace } from '../../native/index.ts';
import { Rtnl } from '../../sandbox/index.ts';

/** Where Debian's package has the reference. */
export const DEBIAN = '/usr/lib/cni';
/** Whether the reference is installed. */
export const hasDebian: boolean = existsSync(join(DEBIAN, 'bridge'));
/** What to do where it is not. */
export const DEBIAN_REMEDY = 'install containernetworking-plugins';

/** The system's programs, and not those of npm packages: one of these is called `nft`, too. */
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

/** A container: its namespace, and the path of it for a plugin. */
export interface Container {
  readonly id: string;
  readonly fd: number;
  readonly path: string;
}

/** A configuration; `DATA` in it stands for the folder of host-local. */
export type Config = Readonly<Record<string, unknown>>;

/** How to call a plugin. */
export interface Call {
  readonly command: 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS' | 'VERSION';
  readonly config: Config;
  readonly container?: Container | undefined;
  /** Whose executable. Default ours. */
  readonly whose?: 'ours' | 'debian';
  /** Whose IPAM it finds. Default the same. */
  readonly ipam?: 'ours' | 'debian';
  readonly ifName?: string;
  /** Another executable in the place of `bridge`. */
  readonly plugin?: string;
  /** Other variables of the environment, or others than the usual ones. */
  readonly env?: Readonly<Record<string, string>>;
  /** Our executable's arguments: those of `_cni-bridge-main.ts`. */
  readonly hooks?: readonly string[];
}

/** How a call ended. */
export interface Outcome {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Which executables are ours: with the hooks, the bundles as installed, or what the package names as its commands. */
export type Build = 'hooked' | 'installed' | 'bins';

const MAIN = fileURLToPath(new URL('./_cni-bridge-main.js', import.meta.url));
const HOST_LOCAL = fileURLToPath(new URL('../../cni/bin/host-local.js', import.meta.url));
const BRIDGE = fileURLToPath(new URL('../../cni/bin/bridge.js', import.meta.url));

/** A machine of one's own. */
export class Site {
  /** Namespace that stands for the host. */
  readonly host: number;
  /** Its rtnetlink. */
  readonly rtnl: Rtnl;
  readonly dataDir: string;
  readonly #folder: string;
  readonly #t: ExecutionContext;
  /** The plugins' PATH. */
  #path = PATH;
  #containers = 0;

  constructor(t: ExecutionContext, build: Build = 'hooked') {
    this.#t = t;
    this.host = createNetworkNamespace();
    t.teardown(() => closeFd(this.host));
    this.rtnl = Rtnl.open(this.host);
    t.teardown(() => this.rtnl.close());
    this.#folder = mkdtempSync(join(tmpdir(), 'linkpoint-cni-'));
    t.teardown(() => rmSync(this.#folder, { recursive: true, force: true }));
    this.dataDir = join(this.#folder, 'data');
    mkdirSync(join(this.#folder, 'bin'));
    this.#fillBin(build);
    runInNamespace(this.host, bringLoopbackUp);
  }

  /** Folder of our executables. */
  get bin(): string {
    return join(this.#folder, 'bin');
  }

  /** Makes a container. */
  container(id: string = `cont${++this.#containers}`): Container {
    const fd = createNetworkNamespace();
    this.#t.teardown(() => closeFd(fd));
    runInNamespace(fd, bringLoopbackUp);
    return { id, fd, path: `/proc/${process.pid}/fd/${fd}` };
  }

  /** Puts another executable in the place of a plugin: a shell script. */
  replacePlugin(name: string, script: string): void {
    const path = join(this.bin, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  }

  /** Calls a plugin and waits for it. */
  call(call: Call): Outcome {
    const { file, args, env, input } = this.#prepare(call);
    const { status, signal, stdout, stderr } = runInNamespace(this.host, () =>
      spawnSync(file, args, { env, input, encoding: 'utf8', timeout: 30_000, cwd: '/' }),
    );
    return { status, signal, stdout, stderr };
  }

  /** Starts a plugin. */
  start(call: Call): { outcome: Promise<Outcome>; pid: number | undefined } {
    const { file, args, env, input } = this.#prepare(call);
    const child = runInNamespace(this.host, () => spawn(file, args, { env, stdio: ['pipe', 'pipe', 'pipe'] }));
    this.#t.teardown(() => void child.kill('SIGKILL'));
    child.stdin.on('error', () => undefined).end(input);
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => (said[name] += text));
    }
    const outcome = new Promise<Outcome>((resolve) => {
      child.on('close', (status, signal) => resolve({ status, signal, ...said }));
    });
    return { outcome, pid: child.pid };
  }

  /** Runs a program in a namespace of the site, by default the host. */
  run(command: string, namespace: number = this.host): string {
    const [program = '', ...args] = command.split(' ');
    const { status, stdout, stderr } = runInNamespace(namespace, () =>
      spawnSync(program, args, { encoding: 'utf8', env: { PATH } }),
    );
    if (status !== 0) throw new Error(`${command}: ${stderr}`);
    return stdout;
  }

  #prepare(call: Call): { file: string; args: string[]; env: Record<string, string>; input: string } {
    const { command, config, container, whose = 'ours', ipam = whose, ifName = 'eth0', hooks = [] } = call;
    const folders = { ours: this.bin, debian: DEBIAN };
    const env = {
      PATH: this.#path,
      CNI_COMMAND: command,
      CNI_PATH: folders[ipam],
      ...(container && { CNI_CONTAINERID: container.id, CNI_NETNS: container.path, CNI_IFNAME: ifName }),
      ...call.env,
    };
    const input = JSON.stringify(config).replaceAll('"DATA"', JSON.stringify(this.dataDir));
    return { file: call.plugin ?? join(folders[whose], 'bridge'), args: [...hooks], env, input };
  }

  #fillBin(build: Build): void {
    if (build === 'installed') return void installCniPlugins(this.bin);
    if (build === 'hooked') {
      this.#writePlugin('bridge', MAIN);
      this.#writePlugin('host-local', HOST_LOCAL);
      return;
    }
    for (const [name, file] of [['bridge', BRIDGE], ['host-local', HOST_LOCAL]] as const) {
      chmodSync(file, 0o755);
      symlinkSync(file, join(this.bin, name));
    }
    symlinkSync(process.execPath, join(this.bin, 'node'));
    this.#path = `${this.bin}:${PATH}`;
  }

  #writePlugin(name: string, script: string): void {
    const path = join(this.bin, name);
    writeFileSync(path, `#!/bin/sh\nexec "${process.execPath}" "${script}" "$@"\n`);
    chmodSync(path, 0o755);
  }
}

/** The JSON that a plugin printed. */
export const printed = ({ stdout }: Outcome): Config => (stdout === '' ? {} : (JSON.parse(stdout) as Config));
