/**
 * `kill -9` of the installed bridge in the middle of a command, then DEL: nothing is left, whatever it was about to do.
 *
 *     by strace     at the entry of its first, second, … system call of a kind: rtnetlink, leases, children, the result
 *     by a child    while a program that it has called works on, an orphan: DEL waits for that
 */

import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import test, { type ExecutionContext } from 'ava';

import { hostLocal, network } from './cni-cases.ts';
import { type Call, type Config, type Container, DEBIAN, DEBIAN_REMEDY, Site } from './cni-site.ts';
import { leftOf } from './cni-state.ts';

const STRACE = '/usr/bin/strace';
const RANGES = [{ subnet: '198.51.100.0/24' }, { subnet: '2001:db8:7::/64' }];
const NETWORK = network({ isDefaultGateway: true, ipMasq: true, ipam: hostLocal(RANGES) });
const NOTHING = { ports: [], inside: ['lo'], chains: [], files: [] };

/** A machine with the installed plugins, and a container. */
class Place {
  readonly site: Site;
  readonly container: Container;
  readonly #t: ExecutionContext;

  constructor(t: ExecutionContext) {
    this.#t = t;
    this.site = new Site(t, 'installed');
    this.container = this.site.container();
  }

  /** Runs a command as it should be run. */
  call(command: Call['command'], config: Config): void {
    const { status, stdout } = this.site.call({ command, config, container: this.container });
    this.#t.is(status, 0, `${command}: ${stdout}`);
  }

  /** The end: DEL as runtimes do it, and nothing is left. */
  checkDel(config: Config, when: string): void {
    this.call('DEL', config);
    this.#t.deepEqual(leftOf(this.site, this.container), NOTHING, when);
  }
}

/** Kills `command` of a plugin at every system call of the name; how often that was. */
function killAtEach(t: ExecutionContext, plugin: string, command: 'ADD' | 'DEL', calls: string): number {
  const place = new Place(t);
  const { site, container } = place;
  const traced = join(site.bin, 'traced');
  const config = NETWORK;
  for (let count = 1; ; count++) {
    if (command === 'DEL') place.call('ADD', config);
    const inject = `-e trace=${calls} -e inject=${calls}:signal=KILL:when=${count}`;
    site.replacePlugin('traced', `exec ${STRACE} -qqq -o /dev/null ${inject} "${join(site.bin, plugin)}"`);
    const { status, signal, stdout } = site.call({ command, config, container, plugin: traced });
    const isKilled = signal === 'SIGKILL' || status === 137;
    if (!isKilled) t.is(status, 0, stdout);
    place.checkDel(config, `killed at call ${count} of ${calls}`);
    if (!isKilled) return count - 1;
  }
}

const register = existsSync(STRACE) ? test.serial : test.serial.skip;
const title = (text: string): string => (existsSync(STRACE) ? text : `${text} (skipped: install strace)`);

for (const [plugin, command, calls, what, atLeast] of [
  ['bridge', 'ADD', 'sendto', 'rtnetlink request', 15],
  ['bridge', 'ADD', 'rename', 'lease', 2],
  ['bridge', 'ADD', 'write', 'file, pipe or result written', 10],
  ['bridge', 'ADD', 'clone', 'process and thread begun', 3],
  ['bridge', 'DEL', 'sendto', 'rtnetlink request', 2],
  ['bridge', 'DEL', 'unlink', 'lease given up', 2],
  ['host-local', 'ADD', 'write', 'file or result written', 4],
  ['host-local', 'ADD', 'rename', 'lease', 2],
] as const) {
  register(title(`${command} of ${plugin} is killed before each ${what}, and DEL leaves nothing`), (t) => {
    const count = killAtEach(t, plugin, command, calls);
    t.log(`${count} times`);
    t.true(count >= atLeast, `${count} calls of ${calls}`);
  });
}

/** Programs and plugins that bridge calls, each slow; the network that makes it call them. */
const CALLED: readonly (readonly [what: string, name: string, real: string, config: Config])[] = [
  ['iptables-restore', 'iptables-restore', '/usr/sbin/iptables-restore', NETWORK],
  ['nft', 'nft', '/usr/sbin/nft', { ...NETWORK, ipMasqBackend: 'nftables' }],
  ["Debian's host-local", 'host-local', join(DEBIAN, 'host-local'), NETWORK],
];

for (const [what, name, real, config] of CALLED) {
  const isThere = existsSync(real);
  const registerThis = isThere ? test.serial : test.serial.skip;
  const suffix = isThere ? '' : ` (skipped: ${real} is missing; ${DEBIAN_REMEDY}, or run scripts/setup)`;
  registerThis(`ADD is killed while ${what} works: DEL waits for that, and nothing is left${suffix}`, async (t) => {
    const place = new Place(t);
    const { site, container } = place;
    const [begun, done] = [join(site.dataDir, '..', 'begun'), join(site.dataDir, '..', 'done')];
    // Slow for ADD, and once: what it was told is written when bridge is long dead.
    const script = `[ -e ${begun} ] && exec ${real} "$@"
      cat > ${begun}.input; : > ${begun}; sleep 0.7; ${real} "$@" < ${begun}.input; : > ${done}`;
    site.replacePlugin(name, script);
    const env = { PATH: `${site.bin}:/usr/sbin:/usr/bin:/sbin:/bin` };
    const { pid, outcome } = site.start({ command: 'ADD', config, container, env });
    while (!existsSync(begun)) await sleep(5);
    process.kill(pid ?? 0, 'SIGKILL');
    t.is((await outcome).signal, 'SIGKILL');
    t.false(existsSync(done));
    place.call('DEL', config);
    t.true(existsSync(done), 'DEL has waited');
    t.deepEqual(leftOf(site, container), NOTHING);
    place.call('ADD', config);
    place.checkDel(config, 'and then it works');
  });
}

test.serial('a bridge that a killed ADD has left without a port and so without a link address serves the next', (t) => {
  const place = new Place(t);
  const { site } = place;
  for (const command of ['add cni0 type bridge', 'add port0 master cni0 type ifb', 'del port0']) {
    site.run(`ip link ${command}`);
  }
  t.is(site.rtnl.links.get('cni0').address, '00:00:00:00:00:00');
  place.call('ADD', NETWORK);
  const { address } = site.rtnl.links.get('cni0');
  t.not(address, '00:00:00:00:00:00');
  place.checkDel(NETWORK, 'as always');
  t.is(site.rtnl.links.get('cni0').address, address, 'the address of a gateway stays');
});

test.serial('files that a killed host-local of the reference leaves without an owner go with GC', (t) => {
  const place = new Place(t);
  const { site, container } = place;
  const config = { ...NETWORK, cniVersion: '1.1.0' };
  place.call('ADD', config);
  const folder = join(site.dataDir, 'net1');
  for (const name of ['198.51.100.9', '2001:db8:7::9', '.reserving']) writeFileSync(join(folder, name), '');
  place.call('GC', { ...config, 'cni.dev/valid-attachments': [{ containerID: container.id, ifname: 'eth0' }] });
  t.deepEqual(readdirSync(folder).filter((name) => !/lock|last/.test(name)).sort(), ['198.51.100.2', '2001:db8:7::2']);
  place.checkDel(config, 'an address without an owner is in nobody’s way');
});
