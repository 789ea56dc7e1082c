/** What Debian's version of the reference does not have yet, or has wrong: isolation, nftables, GC, STATUS, CHECK. */

import test from 'ava';

import { hostLocal, network } from './cni-cases.ts';
import { type Config, type Container, printed, Site } from './cni-site.ts';
import { filesOf } from './cni-state.ts';

const V4 = { subnet: '198.51.100.0/24' };
const V6 = { subnet: '2001:db8:7::/64' };
/** SHA-512 of "net1", and of "eth0:cont1" and "eth0:cont2": 16 digits each. */
const HASHES = ['8e48f37d5de60467-f37378035343678b', '8e48f37d5de60467-122f9bab09c914f7'];
const newest = (options: Config = {}): Config => ({ ...network(options), cniVersion: '1.1.0' });

const add = (site: Site, config: Config, container: Container, ifName = 'eth0'): Config => {
  const outcome = site.call({ command: 'ADD', config, container, ifName });
  if (outcome.status !== 0) throw new Error(outcome.stdout);
  return printed(outcome);
};

const message = (site: Site, config: Config, container: Container, command: 'ADD' | 'CHECK' = 'ADD'): unknown =>
  printed(site.call({ command, config, container }))['msg'];

for (const portIsolation of [false, true]) {
  test.serial(`portIsolation ${portIsolation}: the port is ${portIsolation ? '' : 'not '}isolated`, (t) => {
    const site = new Site(t);
    add(site, newest({ portIsolation, ipam: {} }), site.container());
    t.is(site.rtnl.bridgePorts.list()[0]?.isolated, portIsolation);
  });
}

test.serial('disableContainerInterface leaves the container’s interface down and does not wait for the port', (t) => {
  const site = new Site(t);
  const container = site.container();
  const config = newest({ disableContainerInterface: true, ipam: {} });
  const prevResult = add(site, config, container);
  const [link] = JSON.parse(site.run('ip -j link show eth0', container.fd)) as { flags: string[] }[];
  t.false(link?.flags.includes('UP'));
  t.not(site.rtnl.links.list({ kind: 'veth' })[0]?.operationalState, 'UP');
  t.is(site.call({ command: 'CHECK', config: { ...config, prevResult }, container }).stdout, '');
});

test.serial('disableContainerInterface with IPAM is refused', (t) => {
  const site = new Site(t);
  const config = newest({ disableContainerInterface: true, ipam: hostLocal([V4]) });
  t.is(message(site, config, site.container()), 'cannot use IPAM when DisableContainerInterface flag is set');
});

test.serial('an unknown backend of masquerading is refused, and nothing is left', (t) => {
  const site = new Site(t);
  const config = newest({ ipMasq: true, ipMasqBackend: 'abacus', ipam: hostLocal([V4]) });
  t.is(message(site, config, site.container()), 'unknown ipmasq backend "abacus"');
  t.deepEqual(site.rtnl.links.list().map(({ name }) => name), ['lo']);
});

test.serial('the rules of nftables are those of the reference, one per address', (t) => {
  const site = new Site(t);
  const config = newest({ ipMasq: true, ipMasqBackend: 'nftables', ipam: hostLocal([V4, V6]) });
  add(site, config, site.container('cont1'));
  add(site, config, site.container('cont2'));
  const comments = [1, 2].map((n) => [HASHES[n - 1], `net: net1, if: eth0, id: cont${n}`].join(', '));
  const rule = (ip: string, host: string, net: string, n: number): string =>
    `\t\t${ip} saddr ${host} ${ip} daddr != ${net} masquerade comment "${comments[n - 1]}"`;
  t.deepEqual(site.run('nft list table inet cni_plugins_masquerade').trimEnd().split('\n'), [
    'table inet cni_plugins_masquerade {',
    '\tcomment "Masquerading for plugins from github.com/containernetworking/plugins"',
    '\tchain masq_checks {',
    '\t\tcomment "Masquerade traffic from certain IPs to any (non-multicast) IP outside their subnet"',
    rule('ip', '198.51.100.2', '198.51.100.0/24', 1),
    rule('ip6', '2001:db8:7::2', '2001:db8:7::/64', 1),
    rule('ip', '198.51.100.3', '198.51.100.0/24', 2),
    rule('ip6', '2001:db8:7::3', '2001:db8:7::/64', 2),
    '\t}',
    '',
    '\tchain postrouting {',
    '\t\ttype nat hook postrouting priority srcnat; policy accept;',
    '\t\tip daddr 224.0.0.0/4 return',
    '\t\tip6 daddr ff00::/8 return',
    '\t\tgoto masq_checks',
    '\t}',
    '}',
  ]);
});

test.serial('of a reused address only the rule of the container that is deleted goes', (t) => {
  const site = new Site(t);
  const [first, second] = [site.container(), site.container()];
  const ipam = hostLocal([{ ...V4, rangeEnd: '198.51.100.2' }]);
  const config = newest({ ipMasq: true, ipMasqBackend: 'nftables', ipam });
  const prevResult = add(site, config, first);
  site.run(`rm ${site.dataDir}/net1/198.51.100.2`);
  add(site, config, second);
  site.call({ command: 'DEL', config: { ...config, prevResult }, container: first });
  const rules = site.run('nft list chain inet cni_plugins_masquerade masq_checks').match(/saddr .*/g) ?? [];
  t.is(rules.length, 1);
  t.regex(String(rules[0]), /198\.51\.100\.2 .*id: cont2/);
});

for (const backend of ['iptables', 'nftables']) {
  test.serial(`GC keeps the valid attachments and removes the addresses and rules of the others: ${backend}`, (t) => {
    const site = new Site(t);
    const options = { ipMasq: true, ipMasqBackend: backend, macspoofchk: true };
    const config = newest({ isGateway: true, ...options, ipam: hostLocal([V4]) });
    const elsewhere = { ...config, name: 'net2', bridge: 'cni2', ipam: hostLocal([{ subnet: '192.0.2.0/24' }]) };
    const [kept, gone] = [site.container('kept'), site.container('gone')];
    add(site, config, kept);
    add(site, config, gone);
    add(site, elsewhere, site.container('other'));
    site.run('ip link del eth0', gone.fd); // as the namespace's end would
    const valid = [{ containerID: 'kept', ifname: 'eth0' }];
    const collected = site.call({ command: 'GC', config: { ...config, 'cni.dev/valid-attachments': valid } });
    t.deepEqual([collected.status, collected.stdout, collected.stderr], [0, '', '']);
    const rules = site.run('nft list ruleset') + site.run('iptables-save -t nat');
    t.deepEqual(['kept', 'gone', 'other'].map((id) => rules.includes(`-${id}-eth0`)), [true, false, true], rules);
    const masqueraded = ['198.51.100.2', '198.51.100.3', '192.0.2.2'].map((ip) => rules.includes(`saddr ${ip} `));
    t.deepEqual(masqueraded, [true, false, true], rules);
    const leases = Object.keys(filesOf(site.dataDir)).filter((name) => /\d$/.test(name) && !name.includes('last'));
    t.deepEqual(leases, ['/net1/198.51.100.2', '/net2/192.0.2.2']);
  });
}

test.serial('GC without a list of attachments removes nothing', (t) => {
  const site = new Site(t);
  const config = newest({ ipMasq: true, ipam: hostLocal([V4]) });
  add(site, config, site.container());
  t.is(printed(site.call({ command: 'GC', config }))['code'], 7);
  t.true(Object.keys(filesOf(site.dataDir)).includes('/net1/198.51.100.2'));
});

test.serial('STATUS is IPAM’s', (t) => {
  const site = new Site(t);
  t.is(site.call({ command: 'STATUS', config: newest({ ipam: {} }) }).stdout, '');
  t.is(site.call({ command: 'STATUS', config: newest({ ipam: hostLocal([V4]) }) }).stdout, '');
  site.replacePlugin('host-local', '[ $CNI_COMMAND = STATUS ] && echo \'{"code":50,"msg":"no"}\'; exit 1');
  const outcome = site.call({ command: 'STATUS', config: newest({ ipam: hostLocal([V4]) }) });
  t.deepEqual(printed(outcome), { code: 50, msg: 'no' });
});

test.serial('CHECK says what is no more as ADD has left it', (t) => {
  const site = new Site(t);
  const container = site.container();
  const config = newest({ isDefaultGateway: true, ipam: hostLocal([V4]) });
  const prevResult = add(site, config, container);
  const check = (): unknown => message(site, { ...config, prevResult }, container, 'CHECK');
  t.is(check(), undefined);
  t.is(message(site, config, container, 'CHECK'), 'Required prevResult missing');
  const port = site.rtnl.links.list({ kind: 'veth' })[0]?.name;
  const steps: [command: string, inside: boolean, words: RegExp][] = [
    ['ip link set cni0 promisc on', false, /configured Promisc Mode false doesn't match current state: true $/],
    ['ip link set cni0 promisc off', false, /^undefined$/],
    [`ip link set ${port} nomaster`, false, /^CNI veth created for bridge cni0 was not found$/],
    [`ip link set ${port} master cni0`, false, /^undefined$/],
    ['ip route del default', true, /^Expected Route \{Dst:\{IP:0\.0\.0\.0 Mask:00000000\} GW:198\.51\.100\.1\} not found/],
    ['ip addr flush dev eth0', true, /^Failed to match addr 198\.51\.100\.2\/24 on interface eth0$/],
    ['ip link set eth0 address 02:00:00:00:00:09', true, /doesn't match container Mac: 02:00:00:00:00:09$/],
    ['ip link del eth0', true, /^Interface name eth0 not found$/],
    ['ip link del cni0', false, /^Interface name cni0 not found$/],
  ];
  for (const [command, inside, words] of steps) {
    site.run(command, inside ? container.fd : site.host);
    t.regex(String(check()), words, command);
  }
});

test.serial('the link address of a gateway stays while containers come and go', (t) => {
  const site = new Site(t);
  const config = newest({ isGateway: true, ipam: hostLocal([V4, V6]) });
  const containers = [site.container(), site.container(), site.container()];
  const addresses = new Set(containers.map((container) => {
    add(site, config, container);
    return site.rtnl.links.get('cni0').address;
  }));
  for (const container of containers) {
    site.call({ command: 'DEL', config, container });
    addresses.add(site.rtnl.links.get('cni0').address);
  }
  t.is(addresses.size, 1, [...addresses].join());
});

test.serial('a route of IPAM keeps its MTU, metric, table and scope, and is found by CHECK', (t) => {
  const site = new Site(t);
  const container = site.container();
  const answer = {
    cniVersion: '1.1.0',
    ips: [{ address: '198.51.100.2/24', gateway: '198.51.100.1' }],
    routes: [
      { dst: '192.0.2.0/24', mtu: 1300, advmss: 1200, priority: 7, table: 99 },
      { dst: '203.0.113.0/25', gw: '198.51.100.8' },
      { dst: '203.0.113.0/25', gw: '198.51.100.9' },
    ],
  };
  site.replacePlugin('fixed', `[ $CNI_COMMAND = ADD ] && echo '${JSON.stringify(answer)}' || true`);
  const config = newest({ ipam: { type: 'fixed' } });
  const prevResult = add(site, config, container);
  const [route] = site.run('ip route show table 99', container.fd).split('\n');
  t.is(route?.trim(), '192.0.2.0/24 via 198.51.100.1 dev eth0 metric 7 mtu 1300 advmss 1200');
  t.regex(site.run('ip route get 203.0.113.1', container.fd), /via 198\.51\.100\.9/, 'the last one comes first');
  t.is(message(site, { ...config, prevResult }, container, 'CHECK'), undefined);
});

test.serial('an interface that is there is not touched', (t) => {
  const site = new Site(t);
  const container = site.container();
  site.run('ip link add eth0 type ifb', container.fd);
  t.is(message(site, newest({ ipam: {} }), container), 'container veth name provided (eth0) already exists');
  t.regex(site.run('ip -d link show eth0', container.fd), /ifb/);
  t.deepEqual(site.rtnl.links.list().map(({ name }) => name), ['lo']);
});

test.serial('forceAddress replaces all addresses of a prefix; a failed ADD puts them back in their order', (t) => {
  const site = new Site(t);
  const container = site.container();
  site.run('ip link add cni0 address 02:00:00:00:00:01 up type bridge');
  const old = ['192.0.2.1', '192.0.2.2', '203.0.113.1'];
  for (const address of old) site.run(`ip addr add ${address}/24 dev cni0`);
  const present = (): string[] =>
    site.rtnl.addresses.list({ link: 'cni0', family: 'inet' }).map(({ address, flags }) =>
      [address, ...flags.filter((flag) => flag === 'secondary')].join(' '),
    );
  const before = present();
  const masquerade = { ipMasq: true, ipMasqBackend: 'x' };
  const config = network({ isGateway: true, forceAddress: true, ...masquerade, ipam: hostLocal([V4]) });
  t.is(message(site, config, container), 'unknown ipmasq backend "x"');
  t.deepEqual(present(), before);
  add(site, { ...config, ipMasqBackend: 'nftables' }, container);
  t.deepEqual(present(), ['198.51.100.1']);
});

test.serial('a failed ADD leaves the gateway’s address that was there, and removes the one that was not', (t) => {
  const site = new Site(t);
  const container = site.container();
  site.run('ip link add cni0 address 02:00:00:00:00:01 up type bridge');
  site.run('ip addr add 198.51.100.1/24 dev cni0');
  const config = network({ isGateway: true, ipMasq: true, ipMasqBackend: 'x', ipam: hostLocal([V4, V6]) });
  t.is(message(site, config, container), 'unknown ipmasq backend "x"');
  const present = site.rtnl.addresses.list({ link: 'cni0' }).filter(({ scope }) => scope === 'global');
  t.deepEqual(present.map(({ address }) => address), ['198.51.100.1']);
});
