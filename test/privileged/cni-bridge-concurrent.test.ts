/** Many ADDs at once on one bridge, each a process of its own: none collides, none waits for ever. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';

import { Fd, openNamespace } from '../../native/index.ts';
import { lockFile } from '../../native/file-lock.ts';
import { hostLocal, network } from './cni-cases.ts';
import { type Call, type Outcome, printed, Site } from './cni-site.ts';
import { filesOf } from './cni-state.ts';

const COUNT = 32;

interface Result {
  readonly interfaces: { readonly name: string; readonly mac: string }[];
  readonly ips: { readonly address: string }[];
}

test.serial(`${COUNT} ADDs at once on a bridge that is not there yet, then ${COUNT} DELs`, async (t) => {
  t.timeout(120_000);
  const site = new Site(t);
  const config = network({
    isDefaultGateway: true,
    ipMasq: true,
    macspoofchk: true,
    ipam: hostLocal([{ subnet: '198.51.100.0/24' }, { subnet: '2001:db8:7::/64' }]),
  });
  const containers = Array.from({ length: COUNT }, () => site.container());
  const all = (command: Call['command']): Promise<Outcome[]> =>
    Promise.all(containers.map((container) => site.start({ command, config, container }).outcome));

  const added = await all('ADD');
  for (const outcome of added) t.is(outcome.status, 0, outcome.stdout + outcome.stderr);
  const results = added.map((outcome) => printed(outcome) as unknown as Result);
  t.is(new Set(results.map(({ ips }) => ips[0]?.address)).size, COUNT, 'addresses of their own');
  t.is(new Set(results.map(({ interfaces }) => interfaces[1]?.name)).size, COUNT, 'ports of their own');
  t.is(new Set(results.map(({ interfaces }) => interfaces[0]?.mac)).size, 1, 'one bridge, one address');
  t.is(site.rtnl.links.list({ master: 'cni0' }).length, COUNT);
  t.is(site.rtnl.addresses.list({ link: 'cni0', family: 'inet' }).length, 1);
  t.is((site.run('iptables -t nat -S').match(/-N CNI-/g) ?? []).length, COUNT);
  t.is((site.run('nft list chain bridge nat PREROUTING').match(/iifname/g) ?? []).length, COUNT);

  for (const outcome of await all('DEL')) t.deepEqual([outcome.status, outcome.stdout, outcome.stderr], [0, '', '']);
  t.deepEqual(site.rtnl.links.list({ kind: 'veth' }), []);
  t.notRegex(site.run('nft list ruleset'), /CNI-|cni-br-iface/);
  t.deepEqual(Object.keys(filesOf(site.dataDir)).filter((name) => !/last_reserved_ip|lock/.test(name)), []);
});

/** Whether the process waits for a lock of flock(2): `1: -> FLOCK  ADVISORY  WRITE 1234 …` in proc_locks(5). */
const isWaiting = (pid: number | undefined): boolean =>
  new RegExp(`-> FLOCK +ADVISORY +WRITE +${pid} `).test(readFileSync('/proc/locks', 'utf8'));

test.serial('an ADD waits while somebody else changes the bridges of the namespace', async (t) => {
  const site = new Site(t);
  const lock = new Fd(openNamespace(`/proc/self/fd/${site.host}`), true);
  t.teardown(() => lock.close());
  lockFile(lock.number);
  const { outcome, pid } = site.start({ command: 'ADD', config: network({ ipam: {} }), container: site.container() });
  let isOver = false;
  void outcome.then(() => (isOver = true));
  while (!isOver && !isWaiting(pid)) await sleep(10);
  t.false(isOver, 'it waits');
  t.deepEqual(site.rtnl.links.list({ kind: 'bridge' }), [], 'and has changed nothing');
  lock.close();
  t.is((await outcome).status, 0);
});

test.serial('an ADD that overtakes another finds the bridge with the link address that it keeps', (t) => {
  const site = new Site(t);
  const [slow, fast] = [site.container(), site.container()];
  const config = network({ isDefaultGateway: true, ipam: hostLocal([{ subnet: '198.51.100.0/24' }]) });
  writeFileSync(join(site.bin, 'fast'), JSON.stringify(config).replaceAll('"DATA"', JSON.stringify(site.dataDir)));
  // The IPAM plugin of the slow one adds the fast one before it answers.
  site.replacePlugin('slow', `[ $CNI_COMMAND = ADD ] || exit 0
    export CNI_CONTAINERID=${fast.id} CNI_NETNS=${fast.path}
    ${site.bin}/bridge < ${site.bin}/fast > ${site.bin}/out || exit 2
    echo '{"cniVersion":"1.0.0","ips":[{"address":"198.51.100.9/24"}]}'`);
  const added = site.call({ command: 'ADD', config: { ...config, ipam: { type: 'slow' } }, container: slow });
  t.is(added.status, 0, added.stdout);
  const results = [readFileSync(join(site.bin, 'out'), 'utf8'), added.stdout].map((text) => JSON.parse(text) as Result);
  const addresses = [...results.map(({ interfaces }) => interfaces[0]?.mac), site.rtnl.links.get('cni0').address];
  t.is(new Set(addresses).size, 1, addresses.join());
  const ports = site.rtnl.links.list({ master: 'cni0' }).map(({ address }) => address);
  t.false(ports.includes(addresses[0]), 'and that is no port’s');
});
