/** host-local as a runtime calls it: results, errors and the files that are left. */

import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import test from 'ava';

import { hostLocalPlugin } from '../../cni/host-local/plugin.ts';
import { parseResolvConf } from '../../cni/host-local/resolv-conf.ts';
import type { JsonObject } from '../../cni/json.ts';
import { type Answer, call, decode, filesOf, temporaryFolder } from './_support.ts';

const SUBNET = { subnet: '192.0.2.0/24' };
const SUBNET6 = { subnet: '2001:db8:1::/64' };

interface Network {
  readonly config: JsonObject;
  /** Folder of the leases. */
  readonly leases: string;
  readonly run: (
    command: string,
    containerId?: string,
    more?: JsonObject,
    env?: Record<string, string>,
  ) => Promise<Answer>;
}

function makeNetwork(dataDir: string, ipam: JsonObject, cniVersion = '1.1.0'): Network {
  const config = { cniVersion, name: 'net1', type: 'x', ipam: { type: 'host-local', dataDir, ...ipam } };
  const run: Network['run'] = (command, containerId = 'c1', more = {}, env = {}) =>
    call(hostLocalPlugin, { command, config: { ...config, ...more }, env: { CNI_CONTAINERID: containerId, ...env } });
  return { config, leases: path.join(dataDir, 'net1'), run };
}

test('ADD takes an address of every set and DEL gives them back', async (t) => {
  const routes = [{ dst: '0.0.0.0/0' }, { dst: '198.51.100.0/24', gw: '192.0.2.9' }];
  const resolvConf = path.join(temporaryFolder(t), 'resolv.conf');
  writeFileSync(resolvConf, 'nameserver 192.0.2.53\n');
  const network = makeNetwork(temporaryFolder(t), { ranges: [[SUBNET], [SUBNET6]], routes, resolvConf });
  t.deepEqual(decode(await network.run('ADD')), {
    cniVersion: '1.1.0',
    ips: [
      { address: '192.0.2.2/24', gateway: '192.0.2.1' },
      { address: '2001:db8:1::2/64', gateway: '2001:db8:1::1' },
    ],
    routes,
    dns: { nameservers: ['192.0.2.53'] },
  });
  t.deepEqual(filesOf(network.leases), {
    '192.0.2.2': 'c1\r\neth0',
    '2001:db8:1::2': 'c1\r\neth0',
    'last_reserved_ip.0': '192.0.2.2',
    'last_reserved_ip.1': '2001:db8:1::2',
    lock: '',
  });
  t.is((await network.run('CHECK')).status, 0);
  t.deepEqual(await network.run('DEL'), { status: 0, stdout: '', stderr: '' });
  t.deepEqual(Object.keys(filesOf(network.leases)), ['last_reserved_ip.0', 'last_reserved_ip.1', 'lock']);
});

test('folders, leases and the lock have the modes that the newest reference gives them', async (t) => {
  const network = makeNetwork(path.join(temporaryFolder(t), 'data'), SUBNET);
  const umask = process.umask(0);
  t.teardown(() => process.umask(umask));
  await network.run('ADD');
  const names = ['', '192.0.2.2', 'last_reserved_ip.0', 'lock'];
  const modes = names.map((name) => statSync(path.join(network.leases, name)).mode & 0o7777);
  t.deepEqual(modes, [0o755, 0o600, 0o600, 0o750]);
});

test('ADD prints the shape of each version', async (t) => {
  const shapes: Readonly<Record<string, JsonObject>> = {
    '0.2.0': { ip4: { ip: '192.0.2.2/24', gateway: '192.0.2.1' } },
    '0.4.0': { ips: [{ version: '4', address: '192.0.2.2/24', gateway: '192.0.2.1' }] },
    '1.0.0': { ips: [{ address: '192.0.2.2/24', gateway: '192.0.2.1' }] },
  };
  for (const [cniVersion, shape] of Object.entries(shapes)) {
    const answer = await makeNetwork(temporaryFolder(t), SUBNET, cniVersion).run('ADD');
    t.deepEqual(decode(answer), { cniVersion, ...shape, dns: {} });
  }
});

test('each interface of a container has its own address, and DEL of one leaves the other', async (t) => {
  const network = makeNetwork(temporaryFolder(t), SUBNET);
  await network.run('ADD');
  t.like(decode(await network.run('ADD', 'c1', {}, { CNI_IFNAME: 'eth1' })), { ips: [{ address: '192.0.2.3/24' }] });
  await network.run('DEL');
  t.is(filesOf(network.leases)['192.0.2.2'], undefined);
  t.is(filesOf(network.leases)['192.0.2.3'], 'c1\r\neth1');
});

test('a second ADD of the same attachment is refused and changes nothing', async (t) => {
  const network = makeNetwork(temporaryFolder(t), SUBNET);
  await network.run('ADD');
  const before = filesOf(network.leases);
  const answer = await network.run('ADD');
  t.is(answer.status, 1);
  const msg = 'failed to allocate for range 0: 192.0.2.2 has been allocated to c1, duplicate allocation is not allowed';
  t.deepEqual(decode(answer), { code: 999, msg });
  t.deepEqual(filesOf(network.leases), before);
});

test('leases of before there were interface names are found, checked and given back', async (t) => {
  const network = makeNetwork(temporaryFolder(t), SUBNET);
  mkdirSync(network.leases);
  writeFileSync(path.join(network.leases, '192.0.2.7'), 'c1');
  t.is((await network.run('CHECK')).status, 0);
  t.regex(String(decode(await network.run('ADD'))['msg']), /192\.0\.2\.7 has been allocated to c1/);
  await network.run('DEL', 'c1', {}, { CNI_IFNAME: 'net7' });
  t.is(filesOf(network.leases)['192.0.2.7'], undefined);
});

test('a lease of before there were interface names stays while the attachment has one with a name', async (t) => {
  const network = makeNetwork(temporaryFolder(t), SUBNET);
  mkdirSync(network.leases);
  writeFileSync(path.join(network.leases, '192.0.2.7'), 'c1');
  writeFileSync(path.join(network.leases, '192.0.2.8'), 'c1\r\neth0');
  await network.run('DEL');
  t.deepEqual(Object.keys(filesOf(network.leases)), ['192.0.2.7', 'lock']);
});

test('white space around a lease does not matter', async (t) => {
  const network = makeNetwork(temporaryFolder(t), SUBNET);
  mkdirSync(network.leases);
  writeFileSync(path.join(network.leases, '192.0.2.7'), '  c1\r\neth0\n');
  await network.run('DEL');
  t.is(filesOf(network.leases)['192.0.2.7'], undefined);
});

test('DEL and CHECK of an unknown attachment make the folder, as the reference does', async (t) => {
  for (const [command, status] of [['DEL', 0], ['CHECK', 1]] as const) {
    const network = makeNetwork(temporaryFolder(t), SUBNET);
    t.is((await network.run(command)).status, status);
    t.deepEqual(filesOf(network.leases), { lock: '' });
  }
});

test('folders among the leases are nobody’s, though the address of that name is taken', async (t) => {
  const network = makeNetwork(temporaryFolder(t), SUBNET);
  mkdirSync(path.join(network.leases, '192.0.2.2'), { recursive: true });
  t.like(decode(await network.run('ADD')), { ips: [{ address: '192.0.2.3/24' }] });
  t.is((await network.run('DEL')).status, 0);
});

test('an empty IP of CNI_ARGS is none; an empty address of the configuration is refused', async (t) => {
  const network = makeNetwork(temporaryFolder(t), SUBNET);
  t.is((await network.run('ADD', 'c1', {}, { CNI_ARGS: 'IP=' })).status, 0);
  const answer = await network.run('ADD', 'c2', { args: { cni: { ips: [''] } } });
  t.is(decode(answer)['msg'], 'cannot understand ip: IP <nil> not v4 nor v6');
});

test('a gateway outside the subnet is taken as it is, and takes no address away', async (t) => {
  const network = makeNetwork(temporaryFolder(t), { ...SUBNET, gateway: '203.0.113.1' });
  t.like(decode(await network.run('ADD')), { ips: [{ address: '192.0.2.1/24', gateway: '203.0.113.1' }] });
});

test('a file in the way of the folder is named in the reference’s words', async (t) => {
  const dataDir = temporaryFolder(t);
  writeFileSync(path.join(dataDir, 'net1'), '');
  const { leases, run } = makeNetwork(dataDir, SUBNET);
  for (const command of ['ADD', 'CHECK', 'DEL']) {
    t.is(decode(await run(command))['msg'], `mkdir ${leases}: not a directory`, command);
  }
});

test('DEL leaves files alone that are no leases, whatever is in them', async (t) => {
  const network = makeNetwork(temporaryFolder(t), SUBNET);
  mkdirSync(network.leases);
  writeFileSync(path.join(network.leases, 'last_reserved_ip.0'), '192.0.2.9');
  await network.run('DEL', '192.0.2.9');
  t.is(filesOf(network.leases)['last_reserved_ip.0'], '192.0.2.9');
});

test('a lease that was being written when its plugin was killed means nothing', async (t) => {
  const network = makeNetwork(temporaryFolder(t), SUBNET);
  mkdirSync(network.leases);
  writeFileSync(path.join(network.leases, '.reserving'), 'c9\r\ne');
  t.like(decode(await network.run('ADD')), { ips: [{ address: '192.0.2.2/24' }] });
  writeFileSync(path.join(network.leases, '.reserving'), 'c9\r\ne');
  await network.run('DEL', 'c9');
  t.deepEqual(Object.keys(filesOf(network.leases)), ['192.0.2.2', 'last_reserved_ip.0', 'lock']);
});

test('a failure in the middle of ADD leaves no lease', async (t) => {
  const network = makeNetwork(temporaryFolder(t), { ranges: [[SUBNET], [SUBNET6]] });
  mkdirSync(path.join(network.leases, 'last_reserved_ip.1'), { recursive: true });
  t.is((await network.run('ADD')).status, 1);
  const leases = readdirSync(network.leases).filter((name) => name.includes('::') || name.startsWith('192'));
  t.deepEqual(leases, []);
});

test('requested addresses are given to the sets that have them', async (t) => {
  const network = makeNetwork(temporaryFolder(t), { ranges: [[SUBNET], [SUBNET6]] });
  const more = { runtimeConfig: { ips: ['2001:db8:1::99/64', '192.0.2.88'] } };
  t.like(decode(await network.run('ADD', 'c1', more)), {
    ips: [{ address: '192.0.2.88/24' }, { address: '2001:db8:1::99/64' }],
  });
  const answer = await network.run('ADD', 'c2', {}, { CNI_ARGS: 'IP=192.0.2.77;IgnoreUnknown=1' });
  t.like(decode(answer), { ips: [{ address: '192.0.2.77/24' }, { address: '2001:db8:1::9a/64' }] });
});

test('a requested address that no set has takes nothing', async (t) => {
  const network = makeNetwork(temporaryFolder(t), { ranges: [[SUBNET], [SUBNET6]] });
  const answer = await network.run('ADD', 'c1', { args: { cni: { ips: ['192.0.2.9', '203.0.113.9'] } } });
  t.deepEqual(decode(answer), { code: 999, msg: 'failed to allocate all requested IPs: 203.0.113.9' });
  t.deepEqual(Object.keys(filesOf(network.leases)), ['last_reserved_ip.0', 'last_reserved_ip.1', 'lock']);
});

test('a set that is full takes nothing of the others, and the last address goes on', async (t) => {
  const network = makeNetwork(temporaryFolder(t), { ranges: [[SUBNET], [{ subnet: '198.51.100.0/30' }]] });
  await network.run('ADD', 'c1');
  const answer = await network.run('ADD', 'c2');
  const msg = 'failed to allocate for range 1: no IP addresses available in range set: 198.51.100.1-198.51.100.2';
  t.deepEqual(decode(answer), { code: 999, msg });
  const files = filesOf(network.leases);
  t.is(files['192.0.2.3'], undefined);
  t.is(files['last_reserved_ip.0'], '192.0.2.3');
});

test('CHECK fails for an attachment that has no address', async (t) => {
  const msg = 'host-local: Failed to find address added by container c1';
  t.deepEqual(decode(await makeNetwork(temporaryFolder(t), SUBNET).run('CHECK')), { code: 999, msg });
});

test('a resolv.conf that is missing fails before an address is taken', async (t) => {
  const network = makeNetwork(temporaryFolder(t), { ...SUBNET, resolvConf: '/nowhere/resolv.conf' });
  const msg = 'open /nowhere/resolv.conf: no such file or directory';
  t.deepEqual(decode(await network.run('ADD')), { code: 999, msg });
  t.throws(() => filesOf(network.leases), { code: 'ENOENT' });
});

const KEEP = 'cni.dev/valid-attachments';

test('GC gives back what no valid attachment has', async (t) => {
  const network = makeNetwork(temporaryFolder(t), SUBNET);
  for (const id of ['c1', 'c2', 'c3']) await network.run('ADD', id);
  writeFileSync(path.join(network.leases, '192.0.2.40'), 'c2');
  writeFileSync(path.join(network.leases, '192.0.2.41'), '');
  writeFileSync(path.join(network.leases, '.reserving'), 'c2');
  const valid = [
    { containerID: 'c2', ifname: 'eth0' },
    { containerID: 'c3', ifname: 'eth9' },
  ];
  t.deepEqual(await network.run('GC', 'c1', { [KEEP]: valid }), { status: 0, stdout: '', stderr: '' });
  t.deepEqual(Object.keys(filesOf(network.leases)), ['192.0.2.3', '192.0.2.40', 'last_reserved_ip.0', 'lock']);
  await network.run('GC', 'c1', { [KEEP]: null });
  t.deepEqual(Object.keys(filesOf(network.leases)), ['last_reserved_ip.0', 'lock']);
});

test('GC without a list of valid attachments is refused and keeps everything', async (t) => {
  const network = makeNetwork(temporaryFolder(t), SUBNET);
  await network.run('ADD');
  t.is(decode(await network.run('GC'))['code'], 7);
  t.is(filesOf(network.leases)['192.0.2.2'], 'c1\r\neth0');
});

test('STATUS succeeds while an address is left and fails with code 50 when none is', async (t) => {
  const network = makeNetwork(temporaryFolder(t), { ranges: [[{ subnet: '192.0.2.0/29', gateway: '192.0.2.5' }]] });
  t.is((await network.run('STATUS')).status, 0);
  for (const id of ['c1', 'c2', 'c3', 'c4']) await network.run('ADD', id);
  t.is((await network.run('STATUS')).status, 0);
  await network.run('ADD', 'c5');
  const msg = 'no IP addresses available in range set: 192.0.2.1-192.0.2.6';
  t.deepEqual(decode(await network.run('STATUS')), { code: 50, msg });
  t.regex(String(decode(await network.run('ADD', 'c6'))['msg']), /no IP addresses available/);
});

test('STATUS makes nothing, and fails with code 50 where leases cannot be written', async (t) => {
  const folder = temporaryFolder(t);
  t.is((await makeNetwork(path.join(folder, 'data'), SUBNET).run('STATUS')).status, 0);
  t.deepEqual(filesOf(folder), {});
  writeFileSync(path.join(folder, 'file'), '');
  t.is(decode(await makeNetwork(path.join(folder, 'file'), SUBNET).run('STATUS'))['code'], 50);
});

test('STATUS needs no ranges where the runtime brings them with each container', async (t) => {
  const network = makeNetwork(temporaryFolder(t), {});
  t.is((await network.run('STATUS', 'c1', { capabilities: { ipRanges: true } })).status, 0);
  t.deepEqual(decode(await network.run('STATUS')), { code: 999, msg: 'no IP ranges specified' });
});

test('parseResolvConf() adds up lines, skips comments, and takes the last domain', (t) => {
  const text = `
# nameserver 192.0.2.1
; nameserver 192.0.2.2
nameserver 192.0.2.53
  nameserver\t2001:db8::53
domain old.example
domain example.net
search a.example b.example
search c.example
options ndots:2 debug
options
sortlist 192.0.2.0
`;
  t.deepEqual(parseResolvConf(text), {
    nameservers: ['192.0.2.53', '2001:db8::53'],
    domain: 'example.net',
    search: ['a.example', 'b.example', 'c.example'],
    options: ['ndots:2', 'debug'],
  });
  t.deepEqual(parseResolvConf(''), { nameservers: [], domain: '', search: [], options: [] });
});
