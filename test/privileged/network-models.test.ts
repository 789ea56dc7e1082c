/** Sandbox networks whole: made, scanned, attached, written down, detached by another process, removed. */

import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import {
  createNetNamespace,
  createNetworkModel,
  type NetNamespace,
  networkModelText,
  openNetNamespace,
  parseNetworkModel,
  SandboxNetwork,
  type SandboxNetworkOptions,
} from '../../sandbox/index.ts';
import { testWithFeatures } from '../_features.ts';
import { fdCount } from '../native/_support.ts';
import { LoggingSink, type Log, ScriptedProvider } from './_network-provider.ts';
import { testAsRealRoot, testWithTun } from './_rights.ts';

/** Small and without vhost-net, of which a warning would tell. */
const QUIET: SandboxNetworkOptions = { queues: 1, vhost: 'off', model: 'tcfilter' };

/** A directory for names of namespaces; it goes with the test. */
function makeDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'linkpoint-net-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  return directory;
}

async function makeNamespace(t: ExecutionContext, names: readonly string[]): Promise<NetNamespace> {
  const namespace = await createNetNamespace();
  t.teardown(() => namespace.delete());
  await addInterfaces(namespace, names);
  return namespace;
}

async function addInterfaces(namespace: NetNamespace, names: readonly string[]): Promise<void> {
  using rtnl = await namespace.rtnl();
  for (const [i, name] of names.entries()) {
    rtnl.links.add({ kind: 'veth', name, peer: { name: `out${i}` } });
    rtnl.addresses.add(name, { address: `192.0.2.${i + 1}/24` });
  }
}

const linkNames = async (namespace: NetNamespace): Promise<string[]> => {
  using rtnl = await namespace.rtnl();
  return rtnl.links.list().map(({ name }) => name);
};

test.serial('network models have names; others are refused, in the seed\'s words, and make a noop', (t) => {
  const provider = new ScriptedProvider([]);
  for (const name of ['noop', 'cni', 'cnm'] as const) {
    t.is(parseNetworkModel(name), name);
    t.is(networkModelText(name), name);
    t.is(createNetworkModel(name, provider).name, name);
  }
  t.throws(() => parseNetworkModel('wrong'), { code: 'ERR_INVALID_OPTION', message: /Unknown network type wrong/ });
  t.is(networkModelText('wrong'), '');
  t.is(createNetworkModel('wrong').name, 'noop');
  t.throws(() => createNetworkModel('cni'), { code: 'ERR_INVALID_OPTION', message: /there is no provider/ });
});

test.serial('noop has no namespace and nothing to do', async (t) => {
  const log: Log = [];
  const network = await SandboxNetwork.create({ networkModel: 'noop' });
  t.like(network, { networkModel: 'noop', path: '', created: true });
  t.deepEqual(await network.scan(), [], 'also where the process has interfaces');
  await network.add(new LoggingSink(log));
  t.is(network.run(() => 7), 7);
  const again = await SandboxNetwork.fromJSON(JSON.stringify(network));
  t.is(again.networkModel, 'noop');
  await again.remove();
  await network.remove();
  t.deepEqual(log, []);
});

test.serial('a network card that this process itself uses is never given to VFIO', async (t) => {
  const sysfs = makeDirectory(t);
  await using created = await SandboxNetwork.create({ ...QUIET, namespace: await makeNamespace(t, []) });
  const identity = { type: 'physical', name: 'eth0', hardwareAddress: '02:00:00:00:00:01' };
  const card = { ...identity, bdf: '0000:00:03.0', driver: 'virtio-pci', vendorDeviceId: '0x1af4 0x1041', undo: [] };
  const attachIn = async (path: string): Promise<void> => {
    const state = { ...created.toJSON(), namespace: { path, created: false }, endpoints: [card] };
    await using network = await SandboxNetwork.fromJSON(state, { sysfs });
    await network.attach(new LoggingSink([]));
  };
  const own = `/proc/${process.pid}/ns/net`;
  await t.throwsAsync(attachIn(own), { code: 'ERR_INVALID_OPTION', message: /it is in the namespace of this process/ });
  await t.throwsAsync(attachIn(''), { code: 'ERR_NO_VFIO' }, 'in another namespace it would be');
});

test.serial('bad options are refused before anything is made', async (t) => {
  const bad: readonly (readonly [SandboxNetworkOptions, RegExp])[] = [
    [{ networkModel: 'calico' }, /Unknown network type calico/],
    [{ networkModel: 'cni' }, /there is no provider/],
    [{ model: 'wrong' }, /Unknown type wrong/],
    [{ model: 'enlightened' }, /Unsupported networking model/],
    [{ namespace: '' }, /networkNSPath cannot be empty/],
    [{ queues: 0 }, /queues is 0; 1 to 256 is required/],
    [{ queues: 257 }, /queues is 257/],
    [{ vhost: 'maybe' as 'auto' }, /vhost is "maybe"/],
    [{ containerId: '../x' }, /containerId is "..\/x"/],
    [{ sysfs: 'sys' }, /sysfs is "sys"; an absolute path/],
    [{ vhostUserDirectory: '.' }, /vhostUserDirectory/],
  ];
  const before = fdCount();
  for (const [options, message] of bad) {
    await t.throwsAsync(SandboxNetwork.create({ ...QUIET, ...options }), { code: 'ERR_INVALID_OPTION', message });
  }
  await t.throwsAsync(SandboxNetwork.create({ namespace: '/run/netns/there-is-none' }), { code: 'ENOENT' });
  t.is(fdCount(), before);
});

testAsRealRoot('a namespace that is made has a name while the network is there, and goes with it', async (t) => {
  const namespaceDirectory = makeDirectory(t);
  const before = fdCount();
  const network = await SandboxNetwork.create({ ...QUIET, namespaceDirectory });
  t.true(network.created);
  t.regex(network.path, /\/cni-[0-9a-f-]{36}$/);
  t.true(existsSync(network.path));
  await network.remove();
  await network.remove();
  t.deepEqual(readdirSync(namespaceDirectory), []);
  t.is(fdCount(), before);
  await t.throwsAsync(network.scan(), { code: 'ERR_CLOSED' });
});

testAsRealRoot('a namespace that was there stays', async (t) => {
  const directory = makeDirectory(t);
  const namespace = await createNetNamespace({ name: 'box', directory });
  {
    await using network = await SandboxNetwork.create({ ...QUIET, namespace: namespace.path! });
    t.like(network, { created: false, path: namespace.path });
    t.is(network.run(() => 7), 7);
    t.is(network.namespace.inode, namespace.inode);
  }
  t.true(existsSync(namespace.path!));
  await namespace.delete();
});

testWithTun('cnm: what somebody put into the namespace is found, numbered, attached, and given back', async (t) => {
  const log: Log = [];
  const namespace = await makeNamespace(t, ['eth0', 'eth1']);
  const links = await linkNames(namespace);
  const network = await SandboxNetwork.create({ ...QUIET, namespace });
  await network.add(new LoggingSink(log));
  t.deepEqual(network.endpoints.map(({ type, name, isAttached }) => [type, name, isAttached]), [
    ['virtual', 'eth0', true],
    ['virtual', 'eth1', true],
  ]);
  t.deepEqual(log, ['attach tap0', 'attach tap1']);
  await addInterfaces(namespace, []);
  t.is((await network.scan()).length, 2, 'what was found is not found again, nor what the model made');
  using rtnl = await namespace.rtnl();
  rtnl.links.add({ kind: 'veth', name: 'late0', peer: { name: 'late-out' } });
  rtnl.addresses.add('late0', { address: '192.0.2.9/24' });
  await network.scan();
  await network.attach(new LoggingSink(log));
  t.deepEqual(log.slice(2), ['attach tap2'], 'numbers go on; what is attached is left alone');
  await network.remove();
  t.deepEqual(log.slice(3), ['release tap2', 'release tap1', 'release tap0']);
  t.deepEqual((await linkNames(namespace)).filter((name) => !name.startsWith('late')), links);
  t.is(network.warnings.length, 0);
});

testAsRealRoot('cni: add eth0, scan, DNS to eth0, attach; remove: detach, provider.remove, namespace', async (t) => {
  const log: Log = [];
  const dns = { servers: ['192.0.2.53'], domain: 'example.org' };
  const provider = new ScriptedProvider(log, { dns, interfaces: ['eth0', 'eth1'] });
  const options = { ...QUIET, provider, containerId: 'box', namespaceDirectory: makeDirectory(t) };
  const network = await SandboxNetwork.create(options);
  t.is(network.networkModel, 'cni');
  await network.add(new LoggingSink(log));
  t.like(provider.attachments[0], { containerId: 'box', interfaceName: 'eth0' });
  t.deepEqual(network.endpoints.map(({ properties }) => properties?.dns), [dns, undefined]);
  t.deepEqual(network.guest.dns, dns);
  await network.remove();
  const added = ['provider.add', 'attach tap0', 'attach tap1'];
  t.deepEqual(log, [...added, 'release tap1', 'release tap0', 'provider.remove']);
  t.false(existsSync(network.path));
});

testWithTun('cni: when an endpoint fails, those before are detached and the provider asked to remove', async (t) => {
  const log: Log = [];
  const namespace = await makeNamespace(t, []);
  const provider = new ScriptedProvider(log, { interfaces: ['eth0', 'eth1', 'eth2'] });
  await using network = await SandboxNetwork.create({ ...QUIET, provider, namespace });
  const sink = new LoggingSink(log);
  sink.failing.add('tap1');
  await t.throwsAsync(network.add(sink), { message: /the sink refuses tap1/ });
  t.deepEqual(log, ['provider.add', 'attach tap0', 'release tap0', 'provider.remove']);
  t.deepEqual(await linkNames(namespace), ['lo'], 'nothing is left');
  t.deepEqual(network.endpoints, []);
  sink.failing.clear();
  await network.add(sink);
  t.is(network.endpoints.filter(({ isAttached }) => isAttached).length, 3, 'and it can be tried again');
});

test.serial('cni: a provider that fails is asked to remove what it may have made; both errors are told', async (t) => {
  const log: Log = [];
  const namespace = await makeNamespace(t, []);
  const failing = new ScriptedProvider(log, { failAdd: new Error('no address left') });
  await using network = await SandboxNetwork.create({ ...QUIET, provider: failing, namespace });
  await t.throwsAsync(network.add(new LoggingSink(log)), { message: 'no address left' });
  t.deepEqual(log, ['provider.add', 'provider.remove']);
  t.deepEqual(await linkNames(namespace), ['lo']);
  const script = { failAdd: new Error('no address left'), failRemove: new Error('no answer') };
  const other = await SandboxNetwork.create({ ...QUIET, provider: new ScriptedProvider([], script), namespace });
  const error = await t.throwsAsync<AggregateError>(other.add(new LoggingSink(log)), { instanceOf: AggregateError });
  t.deepEqual(error.errors.map(({ message }) => message), ['no address left', 'no answer']);
});

testAsRealRoot('what fails at removal keeps nothing else from being removed, and is told in the end', async (t) => {
  const log: Log = [];
  const namespaceDirectory = makeDirectory(t);
  const provider = new ScriptedProvider(log, { interfaces: ['eth0', 'eth1'], failRemove: new Error('no answer') });
  const network = await SandboxNetwork.create({ ...QUIET, provider, namespaceDirectory });
  const sink = new LoggingSink(log);
  sink.failingRelease.add('tap1');
  await network.add(sink);
  const error = await t.throwsAsync<AggregateError>(network.remove(), { instanceOf: AggregateError });
  t.deepEqual(log.slice(3), ['release tap1', 'release tap0', 'provider.remove']);
  t.is(error.errors.length, 2);
  t.regex(error.message, /the sink keeps tap1/);
  t.regex(error.message, /no answer/);
  t.deepEqual(readdirSync(namespaceDirectory), [], 'the namespace is deleted all the same');
});

testAsRealRoot('a network that was written down is removed by another one: links, routes, namespace', async (t) => {
  const log: Log = [];
  const namespaceDirectory = makeDirectory(t);
  const first = await SandboxNetwork.create({ ...QUIET, namespaceDirectory });
  await addInterfaces(first.namespace, ['eth0']);
  const before = await linkNames(first.namespace);
  await first.add(new LoggingSink(log));
  const text = JSON.stringify(first);
  t.false(/"fds"|vhostFds/.test(text));
  const second = await SandboxNetwork.fromJSON(text);
  t.deepEqual(JSON.parse(JSON.stringify(second)), JSON.parse(text));
  t.is(second.endpoints[0]?.isAttached, true);
  await second.detach();
  t.deepEqual(await linkNames(second.namespace), before);
  t.true(existsSync(first.path));
  await second.remove();
  t.deepEqual(readdirSync(namespaceDirectory), []);
  t.deepEqual(second.warnings, []);
  await first.remove();
});

testAsRealRoot('a namespace that is gone, or another one by now, is left alone, and the caller is told', async (t) => {
  const namespaceDirectory = makeDirectory(t);
  const first = await SandboxNetwork.create({ ...QUIET, namespaceDirectory });
  await addInterfaces(first.namespace, ['eth0']);
  await first.add(new LoggingSink([]));
  const state = first.toJSON();
  const name = first.path.slice(namespaceDirectory.length + 1);
  await first.remove();
  const gone = await SandboxNetwork.fromJSON(state);
  t.regex(gone.warnings[0] ?? '', /^Namespace ".*" cannot be found/);
  await gone.remove();
  // Its inode may be the one that was just freed; two namespaces at a time have different ones.
  await using other = await createNetNamespace({ name, directory: namespaceDirectory });
  await addInterfaces(other, ['tap0']);
  const inode = other.inode + 1;
  const changed = await SandboxNetwork.fromJSON({ ...state, namespace: { ...state.namespace, inode } });
  t.is(changed.warnings.length, 1);
  await changed.remove();
  t.true((await linkNames(other)).includes('tap0'));
  t.true(existsSync(first.path));
});

testAsRealRoot('paths of a state lead nowhere else, and deleting needs a namespace', async (t) => {
  await using network = await SandboxNetwork.create({ ...QUIET, namespaceDirectory: makeDirectory(t) });
  const state = network.toJSON();
  for (const path of ['../box', '/run/netns/../box', 'box']) {
    const forged = { ...state, namespace: { path, created: true } };
    await t.throwsAsync(SandboxNetwork.fromJSON(forged), { code: 'ERR_INVALID_OPTION' }, path);
  }
  const { path: itself } = openNetNamespace({ pid: process.pid });
  const forged = await SandboxNetwork.fromJSON({ ...state, namespace: { path: itself, created: true } });
  await t.throwsAsync(forged.remove(), { instanceOf: AggregateError }, 'it is no mount');
});

testAsRealRoot('two changes at a time wait for each other', async (t) => {
  const log: Log = [];
  const network = await SandboxNetwork.create({ ...QUIET, namespaceDirectory: makeDirectory(t) });
  await addInterfaces(network.namespace, ['eth0', 'eth1']);
  const sink = new LoggingSink(log);
  await Promise.all([network.scan(), network.scan(), network.attach(sink), network.attach(sink), network.remove()]);
  t.deepEqual(log, ['attach tap0', 'attach tap1', 'release tap1', 'release tap0']);
});

testWithFeatures('user-namespace')('a rootless namespace is lent: used, and there afterwards', async (t) => {
  await using namespace = await createNetNamespace({ rootless: 'always' });
  await addInterfaces(namespace, ['eth0']);
  const network = await SandboxNetwork.create({ ...QUIET, namespace });
  t.deepEqual((await network.scan()).map(({ name }) => name), ['eth0']);
  t.like(network, { path: '', created: false });
  await network.remove();
  t.deepEqual(await linkNames(namespace), ['lo', 'out0', 'eth0']);
});
