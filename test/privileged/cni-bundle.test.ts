/**
 * The plugins as runtimes call them: the installed bundles, away from the package, and the package's own commands. The
 * working directory is `/`, the environment is the protocol's variables and a PATH.
 */

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

import test from 'ava';

import { runInNamespace } from '../../native/index.ts';
import { CASES, hostLocal, network, REFUSED } from './cni-cases.ts';
import { type Call, type Config, DEBIAN_REMEDY, hasDebian, printed, Site } from './cni-site.ts';
import { filesOf } from './cni-state.ts';
import { checkRefused, checkSame } from './cni-twin.ts';

const WORKING = [
  'the least that is allowed',
  'both families, default routes, masquerade',
  'three subnets',
  'layer 2',
  'spoof check',
  'an address of args wins over CNI_ARGS',
];
const REFUSALS = ['a link that is no bridge', 'unknown CNI_ARGS', 'a file that is no namespace', 'an unknown version'];

const register = hasDebian ? test.serial : test.serial.skip;
const title = (text: string): string => (hasDebian ? text : `${text} (skipped: ${DEBIAN_REMEDY})`);
const named = <T extends { name: string }>(all: readonly T[], names: readonly string[]): T[] =>
  names.map((name) => {
    const found = all.find((one) => one.name === name);
    if (found === undefined) throw new Error(`there is no case "${name}"`);
    return found;
  });

for (const one of named(CASES, WORKING)) {
  register(title(`the installed bundles, as the reference: ${one.name}`), (t) => checkSame(t, one, 'installed'));
}
for (const one of named(REFUSED, REFUSALS)) {
  const refuses = title(`the installed bundles refuse as the reference: ${one.name}`);
  register(refuses, (t) => checkRefused(t, one, 'installed'));
}
for (const one of named(CASES, WORKING.slice(1, 2))) {
  register(title(`the package's commands, as the reference: ${one.name}`), (t) => checkSame(t, one, 'bins'));
}

const CONFIG: Config = {
  ...network({ isDefaultGateway: true, ipMasq: true, ipam: hostLocal([{ subnet: '198.51.100.0/24' }]) }),
  cniVersion: '1.1.0',
};

for (const build of ['installed', 'bins'] as const) {
  test.serial(`${build}: every command prints JSON or nothing on stdout, and nothing on stderr`, (t) => {
    const site = new Site(t, build);
    const container = site.container();
    const call = (command: Call['command'], more: Config = {}): string => {
      const { status, stdout, stderr } = site.call({ command, config: { ...CONFIG, ...more }, container });
      t.deepEqual([status, stderr], [0, ''], `${command}: ${stdout}`);
      return stdout;
    };
    const version = JSON.parse(call('VERSION')) as { cniVersion: string; supportedVersions: string[] };
    t.is(version.supportedVersions.at(-1), '1.1.0');
    t.is(call('STATUS'), '');
    const prevResult: unknown = JSON.parse(call('ADD'));
    t.is(call('CHECK', { prevResult }), '');
    const kept = { 'cni.dev/valid-attachments': [{ containerID: container.id, ifname: 'eth0' }] };
    t.is(call('GC', kept), '');
    t.is(call('CHECK', { prevResult }), '', 'GC has kept what is valid');
    t.is(call('GC', { 'cni.dev/valid-attachments': [] }), '');
    t.deepEqual(Object.keys(filesOf(site.dataDir)), ['/net1/last_reserved_ip.0', '/net1/lock']);
    t.is(call('DEL', { prevResult }), '');
    const refused = site.call({ command: 'CHECK', config: { ...CONFIG, prevResult }, container });
    t.deepEqual([refused.status, refused.stderr], [1, '']);
    t.is(typeof printed(refused)['code'], 'number');
  });
}

/** What runtimes have been seen to do to a plugin: the shell's words before its call, and what CNI_PATH is. */
const SURROUNDINGS: readonly (readonly [what: string, before: string])[] = [
  ['a folder that is read-only', 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && ! touch "$1/x" 2>&- &&'],
  ['a working directory that is gone', 'mkdir "$1/gone" && cd "$1/gone" && rmdir "$1/gone" &&'],
  ['a small stack and few descriptors', 'ulimit -s 1024 && ulimit -n 64 &&'],
  ['stderr closed', 'exec 2>&- &&'],
  ['signals that are ignored', 'trap "" HUP INT TERM PIPE CHLD &&'],
];

for (const [what, before] of SURROUNDINGS) {
  test.serial(`an installed plugin works with ${what}`, (t) => {
    const site = new Site(t, 'installed');
    const container = site.container();
    const files = readdirSync(site.bin);
    for (const command of ['ADD', 'DEL', 'DEL']) {
      const env = {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        CNI_COMMAND: command,
        CNI_PATH: site.bin,
        CNI_CONTAINERID: container.id,
        CNI_NETNS: container.path,
        CNI_IFNAME: 'eth0',
      };
      const input = JSON.stringify(CONFIG).replaceAll('"DATA"', JSON.stringify(site.dataDir));
      const script = `${before} exec "$1/bridge"`;
      const { status, stdout, stderr } = runInNamespace(site.host, () =>
        spawnSync('unshare', ['--mount', 'sh', '-c', script, 'sh', site.bin], { env, input, encoding: 'utf8' }),
      );
      t.deepEqual([status, stderr], [0, ''], stdout);
      if (command === 'ADD') t.is((JSON.parse(stdout) as Config)['cniVersion'], '1.1.0');
      else t.is(stdout, '');
    }
    t.deepEqual(Object.keys(filesOf(site.dataDir)), ['/net1/last_reserved_ip.0', '/net1/lock']);
    t.deepEqual(readdirSync(site.bin), files, 'nothing is written beside the plugins');
  });
}
