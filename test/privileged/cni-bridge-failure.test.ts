/**
 * An ADD that fails leaves nothing, whichever of its steps fails; one that is killed leaves nothing that DEL does not
 * remove (DESIGN.md, row 18). The steps and the hooks are those of `_cni-bridge-main.ts`.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { hostLocal, network } from './cni-cases.ts';
import { type Config, type Container, printed, Site } from './cni-site.ts';
import { leftOf, stateOf } from './cni-state.ts';

const V4 = { subnet: '198.51.100.0/24' };
const V6 = { subnet: '2001:db8:7::/64' };
/** Everything that can be asked for on this kernel. */
const EVERYTHING = network({
  isDefaultGateway: true,
  ipMasq: true,
  promiscMode: true,
  macspoofchk: true,
  portIsolation: true,
  mtu: 1400,
  ipam: hostLocal([V4, V6]),
});

/** The names of the steps of a successful ADD, which is undone. */
function stepsOf(site: Site, container: Container, config: Config): string[] {
  const file = join(site.bin, 'steps');
  const added = site.call({ command: 'ADD', config, container, hooks: ['steps', file] });
  if (added.status !== 0) throw new Error(added.stdout);
  site.call({ command: 'DEL', config, container });
  return readFileSync(file, 'utf8').trim().split('\n');
}

/** IPAM's own memory of the last address is no leftover. */
function withoutMemory(state: unknown): unknown {
  const { files, ...rest } = state as { files: Record<string, string> };
  const names = Object.keys(files).filter((name) => !/last_reserved_ip|lock/.test(name));
  return { ...rest, names };
}

interface Place {
  /** Makes it so again. */
  readonly reset: () => void;
  readonly site: Site;
  readonly container: Container;
  readonly steps: readonly string[];
  readonly state: () => unknown;
}

/** A machine as it was before its first ADD, but for empty tables of rules. */
function freshPlace(t: ExecutionContext, config: Config, before: readonly string[]): Place {
  const site = new Site(t);
  const container = site.container();
  for (const command of before) site.run(command);
  const steps = stepsOf(site, container, config);
  const reset = (): void => {
    if (site.rtnl.links.find('cni0') !== undefined) site.run('ip link del cni0');
    site.run('sysctl -q -w net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0');
    for (const command of before) site.run(command);
  };
  reset();
  return { reset, site, container, steps, state: () => withoutMemory(stateOf(site, [container])) };
}

function checkEveryFailure(t: ExecutionContext, config: Config, before: readonly string[] = []): void {
  const { site, container, steps, state } = freshPlace(t, config, before);
  const untouched = state();
  for (const [index, name] of steps.entries()) {
    const added = site.call({ command: 'ADD', config, container, hooks: ['fail', String(index + 1)] });
    t.regex(added.stdout, new RegExp(`step ${index + 1} `), name);
    t.is(added.stderr, '', name);
    t.deepEqual(state(), untouched, `after a failure of step ${index + 1}: ${name}`);
  }
  t.is(site.call({ command: 'ADD', config, container }).status, 0, 'and then it works');
}

test.serial('a failed ADD leaves nothing: a new bridge, both families, every option', (t) => {
  checkEveryFailure(t, EVERYTHING);
});

test.serial('a failed ADD leaves nothing: a bridge that was there, and an address in the way', (t) => {
  const bridge = 'ip link add cni0 address 02:00:00:00:00:01 type bridge';
  const config = network({ isGateway: true, forceAddress: true, promiscMode: true, ipam: hostLocal([V4]) });
  checkEveryFailure(t, config, [bridge, 'ip addr add 192.0.2.1/24 dev cni0']);
});

test.serial('a failed ADD leaves nothing: rules of nftables, layer 3 without a gateway', (t) => {
  checkEveryFailure(t, network({ ipMasq: true, ipMasqBackend: 'nftables', ipam: hostLocal([V4]) }));
});

test.serial('an ADD whose result does not fit its version leaves nothing', (t) => {
  const site = new Site(t);
  const container = site.container();
  const before = stateOf(site, [container]);
  const added = site.call({ command: 'ADD', config: { ...network({ ipam: {} }), cniVersion: '0.2.0' }, container });
  t.is(printed(added)['msg'], 'cannot convert: no valid IP addresses');
  t.deepEqual(stateOf(site, [container]), before);
});

for (const [what, answer, message] of [
  ['no addresses', '{"cniVersion":"1.0.0"}', /^IPAM plugin returned missing IP config$/],
  ['no JSON', 'nonsense', /^failed to unmarshal raw result: invalid character 'o'/],
] as const) {
  test.serial(`an IPAM plugin that answers ${what} is told to take it back`, (t) => {
    const site = new Site(t);
    const container = site.container();
    const log = `echo $CNI_COMMAND >> ${site.bin}/calls`;
    site.replacePlugin('host-local', `${log}; [ $CNI_COMMAND = DEL ] || echo '${answer}'`);
    const before = stateOf(site, [container]);
    const added = site.call({ command: 'ADD', config: network({ ipam: hostLocal([V4]) }), container });
    t.is(added.status, 1);
    t.regex(String(printed(added)['msg']), message);
    t.is(readFileSync(join(site.bin, 'calls'), 'utf8'), 'ADD\nDEL\n');
    t.deepEqual(stateOf(site, [container]), before);
  });
}

test.serial('a failed ADD leaves the bridge to a container that joined meanwhile', (t) => {
  const site = new Site(t);
  const [first, second] = [site.container(), site.container()];
  const config = network({ isDefaultGateway: true, ipam: hostLocal([V4]) });
  // The IPAM plugin of the first joins the second, and fails.
  site.replacePlugin('flaky', `[ $CNI_COMMAND = ADD ] || exit 0
    export CNI_CONTAINERID=${second.id} CNI_NETNS=${second.path}
    ${site.bin}/bridge < ${site.bin}/second > ${site.bin}/out || exit 2
    exit 1`);
  const joined = JSON.stringify(config).replaceAll('"DATA"', JSON.stringify(site.dataDir));
  writeFileSync(join(site.bin, 'second'), joined);
  const flaky = network({ isDefaultGateway: true, ipam: { type: 'flaky' } });
  const added = site.call({ command: 'ADD', config: flaky, container: first });
  t.is(added.status, 1);
  t.is(site.rtnl.links.list({ kind: 'bridge' }).length, 1);
  t.is(site.rtnl.addresses.list({ link: 'cni0', family: 'inet' })[0]?.address, '198.51.100.1');
  const prevResult: unknown = JSON.parse(readFileSync(join(site.bin, 'out'), 'utf8'));
  t.is(site.call({ command: 'CHECK', config: { ...config, prevResult }, container: second }).stdout, '');
});

test.serial('killed before any step of ADD, DEL leaves nothing', (t) => {
  const { reset, site, container, steps } = freshPlace(t, EVERYTHING, []);
  const done = new Set<string>();
  for (const [index, name] of steps.entries()) {
    const killed = site.call({ command: 'ADD', config: EVERYTHING, container, hooks: ['kill', String(index + 1)] });
    t.true(killed.signal === 'SIGKILL' || killed.status === 137, name);
    t.is(site.call({ command: 'DEL', config: EVERYTHING, container }).stdout, '', name);
    const left = leftOf(site, container);
    t.deepEqual(left, { ports: [], inside: ['lo'], chains: [], files: [] }, `killed before step ${index + 1}: ${name}`);
    done.add(name);
    reset();
  }
  t.true(done.has('IPAM') && done.has('masquerade') && done.has('veth'), [...done].join());
  t.is(site.call({ command: 'ADD', config: EVERYTHING, container }).status, 0, 'and then it works');
});

test.serial('rules that cannot be written fail the ADD with what the program said, and leave nothing', (t) => {
  const { site, container, state } = freshPlace(t, network({ ipMasq: true, ipam: hostLocal([V4]) }), []);
  const before = state();
  site.replacePlugin('iptables-restore', 'echo no such luck >&2; exit 3');
  const words = /^running \[iptables-restore --noflush -w\]: exit status 3: no such luck$/;
  for (const [path, backend, expected] of [
    [`${site.bin}:/usr/sbin:/usr/bin`, 'iptables', words],
    ['/nonexistent', 'iptables', /^failed to locate iptables: exec: "iptables": executable file not found in \$PATH$/],
    ['/nonexistent', 'nftables', /^exec: "nft": executable file not found in \$PATH$/],
  ] as const) {
    const config = network({ ipMasq: true, ipMasqBackend: backend, ipam: hostLocal([V4]) });
    const added = site.call({ command: 'ADD', config, container, env: { PATH: path } });
    t.regex(String(printed(added)['msg']), expected);
    t.deepEqual(state(), before);
  }
});

test.serial('without a word about the backend, rules are those of nftables only where iptables does not work', (t) => {
  const config = network({ ipMasq: true, ipam: hostLocal([V4]) });
  for (const [isBroken, table] of [[false, 'ip nat'], [true, 'inet cni_plugins_masquerade']] as const) {
    const site = new Site(t);
    if (isBroken) site.replacePlugin('iptables', 'exit 1');
    const env = { PATH: `${site.bin}:/usr/sbin:/usr/bin` };
    const added = site.call({ command: 'ADD', config, container: site.container(), env });
    t.is(added.status, 0, added.stdout);
    t.regex(site.run(`nft list table ${table}`), /saddr 198\.51\.100\.2/);
  }
});

for (const [title, add, said] of [
  ['had given an address is news', 'echo \'{"cniVersion":"1.0.0"}\'', 'failed to undo: no way back\n'],
  ['had given nothing is none', 'exit 1', ''],
] as const) {
  test.serial(`a failing DEL of an IPAM plugin that ${title}`, (t) => {
    const site = new Site(t);
    const refuse = 'echo \'{"code":123,"msg":"no way back"}\'; exit 1';
    site.replacePlugin('host-local', `[ $CNI_COMMAND = DEL ] || { ${add}; exit 0; }; ${refuse}`);
    const added = site.call({ command: 'ADD', config: network({ ipam: hostLocal([V4]) }), container: site.container() });
    t.deepEqual([added.status, added.stderr], [1, said]);
  });
}
