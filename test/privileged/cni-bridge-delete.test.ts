/** DEL removes what ADD has made also when the container is gone, and nothing else (DESIGN.md, row 18). */

import test from 'ava';

import { hostLocal, network } from './cni-cases.ts';
import { type Config, type Container, DEBIAN_REMEDY, hasDebian, printed, Site } from './cni-site.ts';
import { filesOf, rulesOf, stateOf } from './cni-state.ts';

const V4 = { subnet: '198.51.100.0/24' };
const V6 = { subnet: '2001:db8:7::/64' };

const masquerading = (ipMasqBackend: string): Config =>
  network({ isDefaultGateway: true, ipMasq: true, ipMasqBackend, macspoofchk: true, ipam: hostLocal([V4, V6]) });

const leases = (site: Site): string[] =>
  Object.keys(filesOf(site.dataDir)).filter((name) => !/last_reserved_ip|lock/.test(name));

const add = (site: Site, config: Config, container: Container, ifName = 'eth0'): Config => {
  const outcome = site.call({ command: 'ADD', config, container, ifName });
  if (outcome.status !== 0) throw new Error(outcome.stdout);
  return printed(outcome);
};

for (const backend of ['iptables', 'nftables']) {
  for (const [what, netns] of [['missing', '/nonexistent/netns'], ['empty', '']] as const) {
    test.serial(`DEL with the netns ${what} removes the addresses and the rules of ${backend}`, (t) => {
      const site = new Site(t);
      const [container, other] = [site.container(), site.container()];
      const config = masquerading(backend);
      add(site, config, other);
      const before = { rules: rulesOf(site), leases: leases(site) };
      add(site, config, container);
      t.notDeepEqual({ rules: rulesOf(site), leases: leases(site) }, before);
      const outcome = site.call({ command: 'DEL', config, container, env: { CNI_NETNS: netns } });
      t.deepEqual([outcome.status, outcome.stdout, outcome.stderr], [0, '', '']);
      t.deepEqual({ rules: rulesOf(site), leases: leases(site) }, before, 'the other one keeps its own');
    });
  }
}

test.serial('DEL removes the port that the previous result names, while something holds the namespace', (t) => {
  const site = new Site(t);
  const container = site.container();
  const config = network({ ipam: {} });
  const prevResult = add(site, config, container);
  const path = { CNI_NETNS: '/nonexistent/netns' };
  const elsewhere = { ...config, bridge: 'other', prevResult };
  t.is(site.call({ command: 'DEL', config: elsewhere, container, env: path }).status, 0);
  t.is(site.rtnl.links.list({ kind: 'veth' }).length, 1, 'a port of another bridge is somebody else’s');
  t.is(site.call({ command: 'DEL', config: { ...config, prevResult }, container, env: path }).status, 0);
  t.deepEqual(site.rtnl.links.list({ kind: 'veth' }), []);
});

test.serial('DEL of a container that was never added succeeds, twice, and changes nothing', (t) => {
  const site = new Site(t);
  const container = site.container();
  const config = masquerading('iptables');
  const before = stateOf(site, [container]);
  for (const round of [1, 2]) {
    const outcome = site.call({ command: 'DEL', config, container });
    t.deepEqual([outcome.status, outcome.stdout, outcome.stderr], [0, '', ''], String(round));
  }
  const { files: _, ...after } = stateOf(site, [container]) as { files: unknown };
  const { files: __, ...rest } = before as { files: unknown };
  t.deepEqual(after, rest);
});

test.serial('DEL tries everything when IPAM fails, and says what IPAM said', (t) => {
  const site = new Site(t);
  const container = site.container();
  const config = masquerading('nftables');
  add(site, config, container);
  site.replacePlugin('host-local', 'echo \'{"code":123,"msg":"no address for you"}\'; exit 1');
  const outcome = site.call({ command: 'DEL', config, container });
  t.is(outcome.status, 1);
  t.deepEqual(printed(outcome), { code: 123, msg: 'no address for you' });
  t.notRegex(site.run('nft list ruleset'), /cni-br-iface|198\.51\.100/);
  t.deepEqual(site.rtnl.links.list({ kind: 'veth' }), []);
});

test.serial('DEL with a previous result that nobody can read works all the same', (t) => {
  const site = new Site(t);
  const container = site.container();
  const config = masquerading('iptables');
  add(site, config, container);
  const prevResult = { cniVersion: '1.0.0', ips: 7 };
  const outcome = site.call({ command: 'DEL', config: { ...config, prevResult }, container });
  t.is(outcome.status, 0, outcome.stdout);
  t.regex(outcome.stderr, /could not parse prevResult/);
  t.deepEqual(leases(site), []);
  t.notRegex(site.run('nft list ruleset'), /CNI-/);
});

test.serial('two interfaces of a container in one network keep their rules until each of them goes', (t) => {
  const site = new Site(t);
  const container = site.container();
  const config = network({ isDefaultGateway: false, isGateway: true, ipMasq: true, ipam: hostLocal([V4]) });
  const sources = (): string[] => site.run('iptables -t nat -S POSTROUTING').match(/198\.51\.100\.\d+\/32/g) ?? [];
  const first = add(site, config, container, 'eth0');
  const second = add(site, config, container, 'eth1');
  t.deepEqual(sources(), ['198.51.100.2/32', '198.51.100.3/32']);
  t.is(site.call({ command: 'DEL', config: { ...config, prevResult: first }, container, ifName: 'eth0' }).stdout, '');
  t.deepEqual(sources(), ['198.51.100.3/32']);
  t.regex(site.run('iptables -t nat -S'), /-N CNI-/);
  t.is(site.call({ command: 'DEL', config: { ...config, prevResult: second }, container, ifName: 'eth1' }).stdout, '');
  t.notRegex(site.run('iptables -t nat -S'), /CNI-/);
});

test.serial('DEL in the plugin’s own namespace leaves its interfaces alone', (t) => {
  const site = new Site(t);
  site.run('ip link add eth0 type ifb');
  const container = { ...site.container(), path: `/proc/${process.pid}/fd/${site.host}` };
  const outcome = site.call({ command: 'DEL', config: network({ ipam: {} }), container });
  t.is(printed(outcome)['code'], 8);
  t.true(site.rtnl.links.find('eth0') !== undefined);
});

const register = hasDebian ? test.serial : test.serial.skip;

for (const [whose, other] of [['ours', 'debian'], ['debian', 'ours']] as const) {
  const skipped = hasDebian ? '' : ` (skipped: ${DEBIAN_REMEDY})`;
  register(`ADD of ${whose}, CHECK and DEL of ${other}: nothing is left${skipped}`, (t) => {
    const site = new Site(t);
    const container = site.container();
    const config = network({ isDefaultGateway: true, ipMasq: true, macspoofchk: true, ipam: hostLocal([V4, V6]) });
    site.call({ command: 'ADD', config, container, whose });
    site.call({ command: 'DEL', config, container, whose });
    const before = stateOf(site, [container]);
    const added = site.call({ command: 'ADD', config, container, whose });
    t.is(added.status, 0, added.stdout);
    const checked = { ...config, prevResult: printed(added) };
    t.is(site.call({ command: 'CHECK', config: checked, container, whose: other }).stdout, '');
    t.is(site.call({ command: 'DEL', config, container, whose: other }).stdout, '');
    t.deepEqual(withoutMemory(stateOf(site, [container])), withoutMemory(before));
  });

  register(`bridge of ${whose} with host-local of ${other}${skipped}`, (t) => {
    const site = new Site(t);
    const container = site.container();
    const config = network({ isDefaultGateway: true, ipam: hostLocal([V4, V6]) });
    const added = site.call({ command: 'ADD', config, container, whose, ipam: other });
    t.is(added.status, 0, added.stdout);
    const checked = { ...config, prevResult: printed(added) };
    t.is(site.call({ command: 'CHECK', config: checked, container, whose, ipam: other }).stdout, '');
    t.is(site.call({ command: 'DEL', config, container, whose, ipam: other }).stdout, '');
    t.deepEqual(leases(site), []);
  });
}

/** IPAM's memory of the last address moves on. */
const withoutMemory = (state: unknown): unknown => ({ ...(state as object), files: undefined });
