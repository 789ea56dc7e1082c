/** GC, STATUS, VERSION and validation of a network: what is asked of which plugin. The cases are libcni's. */

import test, { type ExecutionContext } from 'ava';

import { CniClient, CniError, type CniNetworkList, type JsonObject, parseNetworkList } from '../../cni/index.ts';
import { FakePlugins } from './_fake-plugins.ts';

const ATTACHMENT = { containerId: 'c1', netns: '/run/netns/c1', ifName: 'eth0' };

const list = (more: JsonObject = {}): CniNetworkList =>
  parseNetworkList({ cniVersion: '1.1.0', name: 'net1', plugins: [{ type: 'one' }, { type: 'two' }], ...more });

/** Two plugins, and three attachments of net1 and one of another network. */
async function threeAttachments(t: ExecutionContext): Promise<{
  fake: FakePlugins;
  client: CniClient;
}> {
  const fake = new FakePlugins(t, 'one', 'two');
  for (const name of ['one', 'two']) fake.answer(name, 'ADD', { stdout: '{"cniVersion":"1.1.0","dns":{}}' });
  const client = new CniClient(fake.options);
  await client.add(list(), { ...ATTACHMENT, args: { K: 'v' } });
  await client.add(list(), { ...ATTACHMENT, ifName: 'eth1' });
  await client.add(list(), { ...ATTACHMENT, containerId: 'c2' });
  await client.add(list({ name: 'other' }), ATTACHMENT);
  return { fake, client };
}

const remaining = (client: CniClient): string[] =>
  client.cachedAttachments().map(({ network, containerId, ifName }) => `${network} ${containerId} ${ifName}`);

test('GC deletes the attachments of the network that are not valid, then asks all plugins', async (t) => {
  const { fake, client } = await threeAttachments(t);
  const { length } = fake.calls();
  await client.gc(list(), [{ containerId: 'c2', ifName: 'eth0' }, { containerId: 'c1', ifName: 'eth1' }]);
  const calls = fake.calls().slice(length);
  t.deepEqual(calls.map(({ what }) => what), ['two DEL', 'one DEL', 'one GC', 'two GC']);
  t.like(calls[0]?.env, { CNI_CONTAINERID: 'c1', CNI_IFNAME: 'eth0', CNI_NETNS: '/run/netns/c1', CNI_ARGS: 'K=v' });
  const attachments = [{ containerID: 'c2', ifname: 'eth0' }, { containerID: 'c1', ifname: 'eth1' }];
  t.deepEqual(calls[2]?.config, {
    'cniVersion': '1.1.0',
    'name': 'net1',
    'type': 'one',
    'cni.dev/valid-attachments': attachments,
    'cni.dev/attachments': attachments,
  });
  t.like(calls[2]?.env, { CNI_COMMAND: 'GC', CNI_CONTAINERID: '', CNI_IFNAME: '', CNI_NETNS: '', CNI_ARGS: '' });
  t.deepEqual(remaining(client), ['net1 c1 eth1', 'net1 c2 eth0', 'other c1 eth0']);
});

test('GC with nothing valid deletes all of the network, and tells the plugins so', async (t) => {
  const { fake, client } = await threeAttachments(t);
  await client.gc(list(), []);
  t.deepEqual(remaining(client), ['other c1 eth0']);
  t.deepEqual(fake.calls().at(-1)?.config['cni.dev/valid-attachments'], []);
});

test('GC below 1.1.0 deletes, and asks no plugin', async (t) => {
  const { fake, client } = await threeAttachments(t);
  await client.gc(list({ cniVersion: '1.0.0' }), []);
  t.deepEqual(remaining(client), ['other c1 eth0']);
  t.false(fake.said().some((what) => what.endsWith('GC')));
});

test('GC does nothing with disableGC', async (t) => {
  const { fake, client } = await threeAttachments(t);
  const { length } = fake.calls();
  await client.gc(list({ disableGC: true }), []);
  t.is(fake.calls().length, length);
  t.is(remaining(client).length, 4);
});

test('GC tries everything, and its error has the first code and all texts', async (t) => {
  const { fake, client } = await threeAttachments(t);
  fake.fail('two', 'DEL', { code: 105, msg: 'busy' });
  fake.fail('one', 'GC', { code: 106, msg: 'no memory' });
  const valid = [{ containerId: 'c1', ifName: 'eth1' }];
  const error = await t.throwsAsync(client.gc(list(), valid), { instanceOf: CniError });
  t.is(error.code, 105);
  t.deepEqual(error.msg.split('\n'), [
    'failed to delete stale attachment c1 eth0: plugin type="two" failed (delete): busy',
    'failed to delete stale attachment c2 eth0: plugin type="two" failed (delete): busy',
    'plugin type="one" failed (gc): no memory',
  ]);
  t.true(error.cause instanceof AggregateError);
  t.is(fake.said().at(-1), 'two GC');
});

test('STATUS asks all plugins in order, and stops at the first that is not ready', async (t) => {
  const fake = new FakePlugins(t, 'one', 'two');
  const client = new CniClient(fake.options);
  await client.status(list());
  t.deepEqual(fake.said(), ['one STATUS', 'two STATUS']);
  t.deepEqual(fake.calls()[0]?.config, { cniVersion: '1.1.0', name: 'net1', type: 'one' });
  fake.fail('one', 'STATUS', { code: 50, msg: 'not ready', details: 'no subnet' });
  const error = await t.throwsAsync(client.status(list()), { instanceOf: CniError });
  t.like(error, { code: 50, msg: 'plugin type="one" failed (status): not ready', details: 'no subnet' });
  t.is(fake.calls().length, 3);
});

test('STATUS asks nobody below 1.1.0', async (t) => {
  const fake = new FakePlugins(t, 'one', 'two');
  await new CniClient(fake.options).status(list({ cniVersion: '1.0.0' }));
  t.deepEqual(fake.said(), []);
});

test('VERSION tells what each plugin speaks, also those from before the command and before the list', async (t) => {
  const fake = new FakePlugins(t, 'one', 'two', 'three');
  fake.answer('one', 'VERSION', { stdout: '{"cniVersion":"1.1.0","supportedVersions":["0.4.0","1.0.0"]}' });
  fake.fail('two', 'VERSION', { code: 4, msg: 'unknown CNI_COMMAND: VERSION' });
  fake.answer('three', 'VERSION', { stdout: '{"cniVersion":"0.2.0"}' });
  const three = list({ plugins: [{ type: 'one' }, { type: 'two' }, { type: 'three' }] });
  t.deepEqual(await new CniClient(fake.options).version(three), [
    { type: 'one', supportedVersions: ['0.4.0', '1.0.0'] },
    { type: 'two', supportedVersions: ['0.1.0'] },
    { type: 'three', supportedVersions: ['0.1.0', '0.2.0'] },
  ]);
  t.like(fake.calls()[0]?.env, { CNI_NETNS: 'dummy', CNI_IFNAME: 'dummy', CNI_PATH: 'dummy' });
  t.is(fake.calls()[0]?.stdin, '{"cniVersion":"1.1.0"}');
});

for (const [stdout, msg] of [
  ['hello', /^plugin type="one" failed \(version\): decoding version info: /],
  ['{}', /decoding version info: missing field cniVersion$/],
  ['{"cniVersion":"1.0.0"}', /decoding version info: missing field supportedVersions$/],
] as const) {
  test(`VERSION that answers ${stdout} is an error of decoding`, async (t) => {
    const fake = new FakePlugins(t, 'one');
    fake.answer('one', 'VERSION', { stdout });
    const network = list({ plugins: [{ type: 'one' }] });
    const error = await t.throwsAsync(new CniClient(fake.options).version(network), { instanceOf: CniError });
    t.is(error.code, 6);
    t.regex(error.msg, msg);
  });
}

test('validation gives the capabilities of a network whose plugins are there and speak its version', async (t) => {
  const fake = new FakePlugins(t, 'one', 'two');
  for (const name of ['one', 'two']) {
    fake.answer(name, 'VERSION', { stdout: '{"cniVersion":"1.1.0","supportedVersions":["0.1.0","1.1.0"]}' });
  }
  const client = new CniClient(fake.options);
  const capabilities = { mac: true, ips: false };
  const plugins = [{ type: 'one', capabilities }, { type: 'two', capabilities: { mac: true, portMappings: true } }];
  t.deepEqual(await client.validate(list({ plugins })), ['mac', 'portMappings']);
  t.deepEqual(await client.validate(parseNetworkList({ name: 'net1', type: 'one' })), [], 'no version is 0.1.0');
  const bad = list({ cniVersion: '1.0.0', plugins: [{ type: 'one' }, { type: 'gone' }] });
  const error = await t.throwsAsync(client.validate(bad), { instanceOf: CniError });
  t.is(error.code, 1);
  const [unspoken, missing] = error.msg.split('\n');
  t.is(unspoken, 'plugin one does not support config version "1.0.0"');
  t.regex(missing ?? '', /^plugin gone: failed to find plugin "gone" in path/);
});
