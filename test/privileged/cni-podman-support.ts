/**
 * podman with the CNI backend on a machine of its own, whose plugins are our installed bundles and Debian's others.
 *
 *     unshare: network, mounts, processes     /run, /sys/fs/cgroup, /var/lib are its own; ends with this process
 *       └ podman ─► libcni ─► bridge, host-local (ours) ─► portmap, tuning, firewall (Debian's)
 *           └ conmon ─► crun ─► busybox in a folder, no image
 *
 * All processes live in one PID namespace: when its first ends, the kernel ends the rest, and with them go the mounts.
 */

import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ExecutionContext } from 'ava';

import { installCniPlugins } from '../../cni/install.ts';
import { DEBIAN } from './cni-site.ts';

const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
const BUSYBOX = '/bin/busybox';
/** What the containers call. */
const APPLETS = ['sh', 'ip', 'ping', 'nc', 'cat', 'sleep'];
/** Debian's, chained after ours. */
const CHAINED = ['portmap', 'tuning', 'firewall'];
/** This may be a machine without cgroups for us, and one that does not let limits be raised. */
const RUN_FLAGS = ['--cgroups=disabled', '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'];

/** Programs and files that are needed, each with Debian's package. */
const NEEDED: readonly (readonly [path: string, debianPackage: string])[] = [
  ['/usr/bin/podman', 'podman'],
  ['/usr/bin/crun', 'crun'],
  ['/usr/bin/conmon', 'conmon'],
  [BUSYBOX, 'busybox-static'],
  ...CHAINED.map((name) => [join(DEBIAN, name), 'containernetworking-plugins'] as const),
];

/** What to install before podman can be tested; undefined where all is there. */
export function podmanRemedy(): string | undefined {
  const missing = NEEDED.filter(([path]) => !existsSync(path)).map(([, name]) => name);
  // A busybox that needs libraries finds none in an empty folder.
  if (missing.length === 0 && spawnSync('ldd', [BUSYBOX]).status === 0) missing.push('busybox-static');
  return missing.length === 0 ? undefined : `install ${[...new Set(missing)].join(' ')}, or run scripts/setup`;
}

/** The first process: makes the mounts, says so, and waits for the end of its stdin, reaping orphans. */
const FIRST = `set -e
ip link set lo up
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mount --bind "$1" /var/lib
mount -t tmpfs tmpfs /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
exec 3<&0
echo ready
cat <&3 >/dev/null & wait`;

/** How a program ended. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A machine with podman. */
export class PodmanMachine {
  /** Folder of the network configurations, `NAME.conflist`. */
  readonly configurations: string;
  /** What containers see as `/`. */
  readonly rootfs: string;
  /** The machine's /var/lib, with libcni's cache and host-local's leases below `cni`. */
  readonly varLib: string;
  readonly #folder: string;
  readonly #first: ChildProcessWithoutNullStreams;

  private constructor(folder: string) {
    this.#folder = folder;
    this.varLib = join(folder, 'lib');
    this.configurations = join(folder, 'net.d');
    this.rootfs = join(folder, 'rootfs');
    for (const made of [this.varLib, this.configurations]) mkdirSync(made);
    this.#fillRootfs();
    this.#installPlugins();
    const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private'];
    this.#first = spawn('unshare', [...namespaces, 'sh', '-c', FIRST, 'sh', this.varLib], { env: { PATH } });
  }

  /** Makes a machine; the test's end ends it. */
  static async start(t: ExecutionContext): Promise<PodmanMachine> {
    const folder = mkdtempSync(join(tmpdir(), 'linkpoint-podman-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const machine = new PodmanMachine(folder);
    t.teardown(() => machine.#stop());
    await machine.#ready();
    return machine;
  }

  /** Runs a program on the machine, with the environment that a service has. */
  run(program: string, ...args: readonly string[]): Ended {
    const entrance = ['net', 'mnt', 'pid_for_children'].map((name) => `/proc/${this.#first.pid}/ns/${name}`);
    const [net, mount, pid] = entrance;
    const env = { PATH, CONTAINERS_CONF: join(this.#folder, 'containers.conf') };
    const command = [`--net=${net}`, `--mount=${mount}`, `--pid=${pid}`, '--', program, ...args];
    const { status, stdout, stderr } = spawnSync('nsenter', command, { env, encoding: 'utf8', timeout: 20_000 });
    return { status, stdout, stderr };
  }

  /** Runs podman; what it printed. @throws Error when it fails, with its words */
  podman(...args: readonly string[]): string {
    const { status, stdout, stderr } = this.tryPodman(...args);
    if (status !== 0) throw new Error(`podman ${args.join(' ')}: status ${status}: ${stderr}`);
    return stdout.trim();
  }

  /** Runs podman, which may fail. */
  tryPodman(...args: readonly string[]): Ended {
    const storage = ['--storage-driver', 'vfs', '--root', join(this.#folder, 'storage')];
    return this.run('podman', ...storage, '--runroot', '/run/containers', '--tmpdir', '/run/libpod', ...args);
  }

  /** `podman run` of a script: in the foreground it gives what that printed, with `-d` the container's id. */
  container(options: readonly string[], script: string): string {
    return this.podman('run', ...RUN_FLAGS, ...options, '--rootfs', this.rootfs, 'sh', '-c', script);
  }

  /** As {@link container}, which may fail. */
  tryContainer(options: readonly string[], script: string): Ended {
    return this.tryPodman('run', ...RUN_FLAGS, ...options, '--rootfs', this.rootfs, 'sh', '-c', script);
  }

  /** Names of the files below a folder of /var/lib/cni; none where there is no such folder. */
  cniFiles(name: string): string[] {
    const folder = join(this.varLib, 'cni', name);
    return existsSync(folder) ? readdirSync(folder).sort() : [];
  }

  #fillRootfs(): void {
    const folders = ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp'];
    for (const name of folders) mkdirSync(join(this.rootfs, name), { recursive: true });
    copyFileSync(BUSYBOX, join(this.rootfs, 'bin/busybox'));
    for (const name of APPLETS) symlinkSync('busybox', join(this.rootfs, 'bin', name));
  }

  #installPlugins(): void {
    const plugins = join(this.#folder, 'plugins');
    installCniPlugins(plugins);
    for (const name of CHAINED) copyFileSync(join(DEBIAN, name), join(plugins, name));
    const lines = [
      '[network]',
      'network_backend = "cni"',
      `cni_plugin_dirs = ["${plugins}"]`,
      `network_config_dir = "${this.configurations}"`,
      '[engine]',
      'cgroup_manager = "cgroupfs"',
      'events_logger = "none"',
      '[containers]',
      'log_driver = "none"',
    ];
    writeFileSync(join(this.#folder, 'containers.conf'), `${lines.join('\n')}\n`);
  }

  async #ready(): Promise<void> {
    let said = '';
    this.#first.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    await new Promise<void>((resolve, reject) => {
      this.#first.on('error', reject);
      this.#first.on('close', (status) => reject(new Error(`the machine ended with status ${status}: ${said}`)));
      this.#first.stdout.once('data', () => resolve());
    });
  }

  /** Ends the first process; the others and the mounts are gone when it is. */
  async #stop(): Promise<void> {
    const { exitCode, signalCode } = this.#first;
    if (exitCode !== null || signalCode !== null) return;
    const ended = new Promise((resolve) => this.#first.once('close', resolve));
    this.#first.stdin.end();
    await ended;
  }
}
