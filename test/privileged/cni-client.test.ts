/** A client and real plugins: our bridge and host-local, and Debian's tuning and portmap behind them in one network. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

import { CniError, type CniNetworkList } from '../../cni/index.ts';
import { Rtnl } from '../../sandbox/index.ts';
import { run } from '../cli/_support.ts';
import type { RegisterTest } from './_rights.ts';
import {
  ADDRESSES,
  bridge,
  cached,
  cacheOf,
  clientOf,
  enterHost,
  ENV,
  leases,
  network,
  vethsOf,
} from './cni-client-support.ts';
import { DEBIAN_REMEDY, hasDebian, Site } from './cni-site.ts';
import { rulesOf, stateOf } from './cni-state.ts';

const tuning = { type: 'tuning', capabilities: { mac: true }, sysctl: { 'net.ipv4.conf.eth0.log_martians': '1' } };
const portmap = { type: 'portmap', capabilities: { portMappings: true }, snat: true };

/** Our bridge, then Debian's tuning and portmap. */
const chain = (site: Site): CniNetworkList => network([bridge(site), tuning, portmap]);

/** The same network for CHECK: Debian's portmap looks for the rules of either family among those of the other, too. */
const checkable = (site: Site): CniNetworkList => network([bridge(site), tuning]);

const testChain: RegisterTest = hasDebian
  ? test.serial
  : (title, run) => test.serial.skip(`${title} (${DEBIAN_REMEDY})`, run);

testChain('our bridge with Debian’s tuning and portmap behind it: add, check, del, nothing left', async (t) => {
  const site = new Site(t);
  const client = clientOf(site);
  const { id: containerId, path: netns, fd } = site.container();
  const attachment = { containerId, netns, ifName: 'eth0' };
  const mac = '02:00:5e:00:53:07';
  const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }];
  const result = await client.add(chain(site), { ...attachment, capabilityArgs: { mac, portMappings } });
  t.deepEqual(result.ips.map(({ address }) => address), ADDRESSES);
  t.is(result.interfaces.find(({ name }) => name === 'eth0')?.mac, mac, 'what tuning changed is in the result');
  using container = Rtnl.open(fd);
  t.is(container.links.find('eth0')?.address, mac);
  t.regex(JSON.stringify(rulesOf(site)), /--to-destination 198\.51\.100\.2:80/);
  await client.check(checkable(site), attachment);
  await t.throwsAsync(client.check(chain(site), attachment), { message: /^plugin type="portmap" failed \(check\): / });
  container.links.delete('eth0');
  const error = await t.throwsAsync(client.check(checkable(site), attachment), { instanceOf: CniError });
  t.regex(error.message, /^plugin type="bridge" failed \(check\): /);
  await client.del(chain(site), attachment);
  t.notRegex(JSON.stringify(rulesOf(site)), /198\.51\.100\.2/, 'neither masquerade nor port mapping');
  t.deepEqual([vethsOf(site), leases(site), cached(site)], [0, [], []]);
  await client.del(chain(site), attachment);
});

testChain('GC removes a container that is gone without a DEL, and leaves the one that is there', async (t) => {
  const site = new Site(t);
  const client = clientOf(site);
  const [gone, kept] = [site.container(), site.container()];
  const portMappings = [{ hostPort: 8081, containerPort: 80, protocol: 'tcp' }];
  const lost = { containerId: gone.id, netns: gone.path, ifName: 'eth0' };
  await client.add(chain(site), { ...lost, capabilityArgs: { portMappings } });
  await client.add(chain(site), { containerId: kept.id, netns: kept.path, ifName: 'eth0' });
  await client.gc(chain(site), [{ containerId: kept.id, ifName: 'eth0' }]);
  t.notRegex(JSON.stringify(rulesOf(site)), /198\.51\.100\.2\b/);
  t.regex(JSON.stringify(rulesOf(site)), /198\.51\.100\.3\b/);
  t.is(vethsOf(site), 1);
  t.deepEqual(client.cachedAttachments().map(({ containerId }) => containerId), [kept.id]);
  await client.check(checkable(site), { containerId: kept.id, netns: kept.path, ifName: 'eth0' });
});

testChain('an ADD whose last plugin fails leaves nothing of those before it', async (t) => {
  const site = new Site(t);
  const client = clientOf(site);
  const container = site.container();
  const attachment = { containerId: container.id, netns: container.path, ifName: 'eth0' };
  await client.add(chain(site), attachment);
  await client.del(chain(site), attachment);
  const before = stateOf(site, [container]) as { files: unknown };
  site.replacePlugin('portmap', '[ $CNI_COMMAND = DEL ] && exit 0; echo \'{"code":130,"msg":"no ports"}\'; exit 1');
  const error = await t.throwsAsync(client.add(chain(site), attachment), { instanceOf: CniError });
  t.like(error, { code: 130, msg: 'plugin type="portmap" failed (add): no ports' });
  const { files: _, ...after } = stateOf(site, [container]) as { files: unknown };
  const { files: __, ...expected } = before;
  t.deepEqual(after, expected);
  t.deepEqual([leases(site), cached(site)], [[], []]);
});

test.serial('our plugins answer GC, STATUS and VERSION of a 1.1.0 network by the client', async (t) => {
  const site = new Site(t);
  const client = clientOf(site);
  const container = site.container();
  const list = network([bridge(site)], '1.1.0');
  await client.status(list);
  t.deepEqual(await client.validate(list), []);
  const [versions] = await client.version(list);
  t.true(versions?.supportedVersions.includes('1.1.0'));
  await client.add(list, { containerId: container.id, netns: container.path, ifName: 'eth0' });
  await client.gc(list, []);
  t.deepEqual([vethsOf(site), leases(site), cached(site)], [0, [], []]);
  t.notRegex(JSON.stringify(rulesOf(site)), /198\.51\.100\.2\b/);
});

test.serial('the command does the same from a shell, where each call is a process', async (t) => {
  const site = new Site(t);
  enterHost(site);
  const confDir = join(site.dataDir, '..', 'net.d');
  mkdirSync(confDir);
  writeFileSync(join(confDir, '10-net1.conflist'), network([bridge(site)]).text);
  const { path: netns } = site.container();
  const folders = ['--path', site.bin, '--conf-dir', confDir, '--cache-dir', cacheOf(site)];
  const cni = (command: string): ReturnType<typeof run> =>
    run(['cni', command, 'net1', netns, ...folders], { env: ENV });
  const added = await cni('add');
  t.is(added.stderr, '');
  const { ips } = JSON.parse(added.stdout) as { ips: { address: string }[] };
  t.deepEqual(ips.map(({ address }) => address), ADDRESSES);
  t.like(await cni('check'), { status: 0, stdout: '', stderr: '' });
  t.is(vethsOf(site), 1);
  t.like(await cni('del'), { status: 0, stdout: '', stderr: '' });
  t.deepEqual([vethsOf(site), leases(site), cached(site)], [0, [], []]);
});
