/**
 * `ipMasq` where iptables(8) is the legacy one: the kernel's x_tables instead of nf_tables, with one lock for all. A PATH
 * has it first; the machine's own choice is left alone.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { hostLocal, network } from './cni-cases.ts';
import { type Call, type Container, DEBIAN_REMEDY, hasDebian, type Outcome, Site } from './cni-site.ts';
import { filesOf } from './cni-state.ts';

const LEGACY = '/usr/sbin/xtables-legacy-multi';
const PROGRAMS = ['iptables', 'ip6tables', 'iptables-save', 'ip6tables-save', 'iptables-restore', 'ip6tables-restore'];
const CONFIG = network({
  isDefaultGateway: true,
  ipMasq: true,
  ipam: hostLocal([{ subnet: '198.51.100.0/24' }, { subnet: '2001:db8:7::/64' }]),
});

/** A machine whose iptables(8) is the legacy one. */
class LegacySite {
  readonly site: Site;
  readonly #env: Readonly<Record<string, string>>;

  constructor(t: ExecutionContext) {
    this.site = new Site(t, 'installed');
    const folder = join(this.site.bin, 'legacy');
    mkdirSync(folder);
    for (const name of PROGRAMS) symlinkSync(LEGACY, join(folder, name));
    this.#env = { PATH: `${folder}:/usr/sbin:/usr/bin:/sbin:/bin` };
  }

  call(command: Call['command'], container: Container, more: Partial<Call> = {}): Outcome {
    const env = { ...this.#env, ...more.env };
    return this.site.call({ command, config: CONFIG, container, ...more, env });
  }

  start(command: Call['command'], container: Container): Promise<Outcome> {
    return this.site.start({ command, config: CONFIG, container, env: this.#env }).outcome;
  }

  /** The lines of the tables nat, both families. */
  rules(): string[] {
    return ['iptables', 'ip6tables'].flatMap((name) =>
      this.site.run(`${LEGACY} ${name} -t nat -w -S`).trim().split('\n'),
    );
  }

  leases(): string[] {
    return Object.keys(filesOf(this.site.dataDir)).filter((name) => !/last_reserved_ip|lock/.test(name));
  }
}

/** Why the tests cannot run; undefined where they can. */
const missing = ((): string | undefined => {
  if (!existsSync(LEGACY)) return 'skipped: install iptables';
  if (!hasDebian) return `skipped: ${DEBIAN_REMEDY}`;
  const list = ['--net', LEGACY, 'iptables', '-t', 'nat', '-S'];
  const { status, stderr } = spawnSync('unshare', list, { encoding: 'utf8' });
  if (status === 0) return undefined;
  return `${/does not exist/.test(stderr) ? 'this kernel lacks' : 'skipped: no right to'} the table nat of x_tables`;
})();

function testLegacy(title: string, run: (t: ExecutionContext) => Promise<void> | void): void {
  if (missing === undefined) test.serial(`legacy iptables: ${title}`, run);
  else test.serial.skip(`legacy iptables: ${title} (${missing})`, run);
}

for (const [what, env] of [['is there', {}], ['is gone', { CNI_NETNS: '/nonexistent/netns' }]] as const) {
  testLegacy(`DEL leaves no rule when the netns ${what}`, (t) => {
    const legacy = new LegacySite(t);
    const container = legacy.site.container();
    const before = legacy.rules();
    const added = legacy.call('ADD', container);
    t.deepEqual([added.status, added.stderr], [0, ''], added.stdout);
    const chains = legacy.rules().filter((line) => line.startsWith('-N CNI-'));
    t.is(chains.length, 2, 'a chain of each family');
    t.notRegex(legacy.site.run('nft list ruleset'), /CNI-/, 'nothing in nf_tables');
    const deleted = legacy.call('DEL', container, { env });
    t.deepEqual([deleted.status, deleted.stdout, deleted.stderr], [0, '', '']);
    t.deepEqual(legacy.rules(), before);
    t.deepEqual(legacy.leases(), []);
  });
}

testLegacy('the rules are those of the reference, and either deletes what the other has added', (t) => {
  const legacy = new LegacySite(t);
  const container = legacy.site.container();
  const before = legacy.rules();
  const seen: string[][] = [];
  for (const [adds, deletes] of [['debian', 'ours'], ['ours', 'debian']] as const) {
    const added = legacy.call('ADD', container, { whose: adds, ipam: 'ours' });
    t.is(added.status, 0, added.stdout);
    seen.push(legacy.rules().map((line) => line.replace(/(198\.51\.100|2001:db8:7:):?\.?\d+\/(32|128)/, '$1.x')));
    t.is(legacy.call('DEL', container, { whose: deletes, ipam: 'ours' }).status, 0);
    t.deepEqual(legacy.rules(), before, `${adds}, then ${deletes}`);
  }
  t.deepEqual(seen[0], seen[1]);
});

testLegacy('six ADDs at once share the lock and lose no rule', async (t) => {
  const legacy = new LegacySite(t);
  const containers = Array.from({ length: 6 }, () => legacy.site.container());
  const before = legacy.rules();
  for (const { status, stdout } of await Promise.all(containers.map((one) => legacy.start('ADD', one)))) {
    t.is(status, 0, stdout);
  }
  t.is(legacy.rules().filter((line) => line.includes('MASQUERADE')).length, 12);
  for (const { status, stdout } of await Promise.all(containers.map((one) => legacy.start('DEL', one)))) {
    t.is(status, 0, stdout);
  }
  t.deepEqual(legacy.rules(), before);
});
