/**
 * A real client: podman, by libcni, runs containers on our installed plugins, alone and in a chain with Debian's
 * portmap, tuning and firewall. It finds them by `cni_plugin_dirs`, as it would find the reference.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { testAsRealRoot } from './_rights.ts';
import { podmanRemedy, PodmanMachine } from './cni-podman-support.ts';

const remedy = podmanRemedy();

/** A test with podman, or a skip that says what to install. */
function testWithPodman(title: string, run: (t: ExecutionContext, machine: PodmanMachine) => void): void {
  if (remedy !== undefined) test.serial.skip(`${title} (skipped: ${remedy})`, () => undefined);
  else testAsRealRoot(title, async (t) => run(t, await PodmanMachine.start(t)));
}

const BRIDGE = {
  type: 'bridge',
  bridge: 'cni0',
  isDefaultGateway: true,
  ipMasq: true,
  hairpinMode: true,
  capabilities: { mac: true, ips: true },
  ipam: { type: 'host-local', ranges: [[{ subnet: '198.51.100.0/24' }], [{ subnet: '2001:db8:7::/64' }]] },
};
const PORTMAP = { type: 'portmap', capabilities: { portMappings: true } };
const TUNING = { type: 'tuning', sysctl: { 'net.ipv4.conf.eth0.accept_local': '1' } };

function writeNetwork(machine: PodmanMachine, name: string, plugins: readonly object[], cniVersion = '1.0.0'): void {
  const text = JSON.stringify({ cniVersion, name, plugins });
  writeFileSync(join(machine.configurations, `${name}.conflist`), text);
}

/** Names and rules of one container, or of none. */
interface Leftovers {
  readonly links: readonly string[];
  readonly rules: readonly string[];
  readonly leases: readonly string[];
  readonly results: readonly string[];
  readonly namespaces: string;
}

/** What a container leaves on the machine: the bridge, forwarding, empty chains and the last address stay. */
function leftovers(machine: PodmanMachine, network: string): Leftovers {
  const links = JSON.parse(machine.run('ip', '-j', 'link').stdout) as { ifname: string }[];
  const rules = ['iptables-save', 'ip6tables-save'].map((program) => machine.run(program, '-t', 'nat').stdout).join('');
  return {
    links: links.map(({ ifname }) => ifname).filter((name) => name !== 'lo' && !/^cni(?:0|-podman\d)$/.test(name)),
    rules: rules.split('\n').filter((line) => /CNI-(?:DN-)?[0-9a-f]{20}/.test(line)),
    leases: machine.cniFiles(`networks/${network}`).filter((name) => !/^(?:lock|last_reserved_ip\.\d)$/.test(name)),
    results: machine.cniFiles('results'),
    namespaces: machine.run('ls', '/run/netns').stdout.trim(),
  };
}

const NOTHING = { links: [], rules: [], leases: [], results: [], namespaces: '' };

const LIST_ROUTES = 'ip route; ip -6 route';
const HOLD = 'exec sleep 1000';

testWithPodman('podman: addresses, default routes, the gateway, tuning behind our bridge', (t, machine) => {
  writeNetwork(machine, 'net1', [BRIDGE, PORTMAP, TUNING]);
  const script = `ip addr show dev eth0; ${LIST_ROUTES}; cat /proc/sys/net/ipv4/conf/eth0/accept_local
    ping -c 1 -w 5 198.51.100.1; ping -6 -c 1 -w 5 2001:db8:7::1`;
  const seen = machine.container(['--rm', '--network', 'net1'], script);
  t.regex(seen, /inet 198\.51\.100\.2\/24 .*global eth0/);
  t.regex(seen, /inet6 2001:db8:7::2\/64 /);
  t.regex(seen, /^default via 198\.51\.100\.1 dev eth0/m);
  t.regex(seen, /^default via 2001:db8:7::1 dev eth0/m);
  t.regex(seen, /^1$/m);
  t.is(seen.match(/ 0% packet loss/g)?.length, 2, seen);
  t.deepEqual(leftovers(machine, 'net1'), NOTHING);
});

testWithPodman('podman: containers reach each other, a published port is reached, nothing is left', (t, machine) => {
  writeNetwork(machine, 'net1', [BRIDGE, PORTMAP, TUNING]);
  const server = ['-d', '--name', 'server', '--network', 'net1', '-p', '8080:80'];
  const id = machine.container(server, 'echo reached | nc -l -p 80; exec sleep 1000');
  const seen = machine.container(['--rm', '--network', 'net1'], 'ping -c 1 -w 5 198.51.100.2');
  t.regex(seen, / 0% packet loss/);
  const dialed = machine.run('busybox', 'nc', '-w', '5', '198.51.100.1', '8080');
  t.is(dialed.stdout, 'reached\n', dialed.stderr);
  const before = leftovers(machine, 'net1');
  t.deepEqual(before.leases, ['198.51.100.2', '2001:db8:7::2']);
  t.is(before.links.length, 1);
  t.true(before.rules.some((rule) => rule.includes('MASQUERADE') && rule.includes(id)), before.rules.join('\n'));
  t.deepEqual(before.results, [`net1-${id}-eth0`]);
  checkCache(t, JSON.parse(readFileSync(join(machine.varLib, 'cni/results', `net1-${id}-eth0`), 'utf8')), id);
  machine.podman('rm', '-f', '-t', '0', 'server');
  t.deepEqual(leftovers(machine, 'net1'), NOTHING);
});

/** libcni has kept our result as the chain has passed it on. */
function checkCache(t: ExecutionContext, cache: Record<string, unknown>, id: string): void {
  t.is(cache['kind'], 'cniCacheV1');
  t.is(cache['containerId'], id);
  const result = cache['result'] as { ips: { address: string; interface: number }[]; interfaces: { name: string }[] };
  t.deepEqual(result.ips.map(({ address }) => address), ['198.51.100.2/24', '2001:db8:7::2/64']);
  t.deepEqual(result.interfaces.map(({ name }) => name.replace(/^veth[0-9a-f]{8}$/, 'veth')), ['cni0', 'veth', 'eth0']);
  t.true(result.ips.every((ip) => ip.interface === 2));
}

testWithPodman("podman: a network that it creates itself, with Debian's firewall, of both families", (t, machine) => {
  const subnets = ['--subnet', '192.0.2.0/24', '--subnet', '2001:db8:9::/64', '--ipv6'];
  machine.podman('network', 'create', ...subnets, 'made');
  const list = JSON.parse(readFileSync(join(machine.configurations, 'made.conflist'), 'utf8')) as {
    plugins: { type: string }[];
  };
  t.deepEqual(list.plugins.map(({ type }) => type), ['bridge', 'portmap', 'firewall', 'tuning']);
  const fixed = ['--ip', '192.0.2.77', '--mac-address', '02:00:00:00:00:77'];
  const seen = machine.container(['--rm', '--network', 'made', ...fixed], `ip addr show dev eth0; ${LIST_ROUTES}`);
  t.regex(seen, /link\/ether 02:00:00:00:00:77/);
  t.regex(seen, /inet 192\.0\.2\.77\/24/);
  t.regex(seen, /inet6 2001:db8:9::2\/64/);
  t.regex(seen, /^default via 192\.0\.2\.1 dev eth0/m);
  t.deepEqual(leftovers(machine, 'made'), NOTHING);
});

testWithPodman('podman: two networks of a container, of versions 0.3.1 and 1.0.0', (t, machine) => {
  const other = { ...BRIDGE, bridge: 'cni-podman9', isDefaultGateway: false, isGateway: true };
  const ipam = { type: 'host-local', ranges: [[{ subnet: '192.0.2.0/24' }]] };
  writeNetwork(machine, 'net1', [BRIDGE, PORTMAP]);
  writeNetwork(machine, 'net2', [{ ...other, ipam }], '0.3.1');
  const seen = machine.container(['--rm', '--network', 'net1,net2'], `ip addr; ${LIST_ROUTES}`);
  t.regex(seen, /inet 198\.51\.100\.2\/24 .*eth\d/);
  t.regex(seen, /inet 192\.0\.2\.2\/24 .*eth\d/);
  t.deepEqual(seen.match(/^default via \S+/gm), ['default via 198.51.100.1', 'default via 2001:db8:7::1']);
  for (const name of ['net1', 'net2']) t.deepEqual(leftovers(machine, name), NOTHING, name);
});

testWithPodman('podman: a reload, DEL and ADD, brings back the rules and the same address', (t, machine) => {
  writeNetwork(machine, 'net1', [BRIDGE, PORTMAP]);
  machine.container(['-d', '--name', 'first', '--network', 'net1'], HOLD);
  const before = leftovers(machine, 'net1');
  t.true(before.rules.length > 0);
  machine.run('nft', 'flush', 'ruleset');
  machine.podman('network', 'reload', 'first');
  const after = leftovers(machine, 'net1');
  t.deepEqual([after.rules, after.leases], [before.rules, before.leases]);
  machine.podman('rm', '-f', '-t', '0', 'first');
  t.deepEqual(leftovers(machine, 'net1'), NOTHING);
});

testWithPodman('podman: an ADD that fails, ours or that of a plugin behind it, leaves nothing', (t, machine) => {
  const taken = { type: 'host-local', ranges: [[{ subnet: '198.51.100.0/30', rangeEnd: '198.51.100.2' }]] };
  writeNetwork(machine, 'full', [{ ...BRIDGE, ipam: taken }, PORTMAP]);
  machine.container(['-d', '--name', 'first', '--network', 'full'], HOLD);
  const refused = machine.tryContainer(['--rm', '--network', 'full'], 'true');
  t.not(refused.status, 0);
  t.regex(refused.stderr, /no IP addresses available in range set: 198\.51\.100\.1-198\.51\.100\.2/);
  machine.podman('rm', '-f', '-t', '0', 'first');
  const broken = { type: 'tuning', sysctl: { 'net.ipv4.conf.eth0.nonsense': '1' } };
  writeNetwork(machine, 'broken', [BRIDGE, broken]);
  t.not(machine.tryContainer(['--rm', '--network', 'broken'], 'true').status, 0);
  for (const name of ['full', 'broken']) t.deepEqual(leftovers(machine, name), NOTHING, name);
});
