/** The cache of results: its bytes, its names, and what a client makes of files that others wrote. */

import { mkdirSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { CniClient, CniError, type CniNetworkList, type JsonObject, parseNetworkList } from '../../cni/index.ts';
import { FakePlugins } from './_fake-plugins.ts';

const ATTACHMENT = { containerId: 'c1', netns: '/run/netns/c1', ifName: 'eth0' };
const CACHED = 'net1-c1-eth0';
const TEXT = '{"cniVersion":"1.0.0","name":"net1","plugins":[{"type":"one","note":"<&>"}]}\n';
const NETWORK = parseNetworkList(TEXT);
const RESULT = {
  cniVersion: '1.0.0',
  interfaces: [{ name: 'eth0', mac: '02:00:5e:00:53:01', sandbox: '/run/netns/c1' }],
  ips: [{ interface: 0, address: '192.0.2.2/24', gateway: '192.0.2.1' }],
  routes: [{ dst: '0.0.0.0/0' }],
  dns: {},
};

/** One plugin whose ADD succeeds. */
function onePlugin(t: ExecutionContext): FakePlugins {
  const fake = new FakePlugins(t, 'one');
  fake.answer('one', 'ADD', { stdout: JSON.stringify(RESULT) });
  return fake;
}

const versioned = (cniVersion: string): CniNetworkList =>
  parseNetworkList({ cniVersion, name: 'net1', plugins: [{ type: 'one' }] });

/** A cache entry of libcni's kind. */
const entry = (more: JsonObject = {}): string =>
  JSON.stringify({ kind: 'cniCacheV1', containerId: 'c1', config: '', ifName: 'eth0', networkName: 'net1', ...more });

test('the file of an attachment is libcni’s, byte by byte', async (t) => {
  const fake = onePlugin(t);
  const capabilityArgs = { portMappings: [{ hostPort: 8080, containerPort: 80 }], mac: '<>' };
  const args = [['IgnoreUnknown', '1'], ['K', 'v']] as const;
  await new CniClient(fake.options).add(NETWORK, { ...ATTACHMENT, args, capabilityArgs });
  const expected = [
    '{"kind":"cniCacheV1","containerId":"c1",',
    '"config":"eyJjbmlWZXJzaW9uIjoiMS4wLjAiLCJuYW1lIjoibmV0MSIsInBsdWdpbnMiOlt7InR5',
    'cGUiOiJvbmUiLCJub3RlIjoiPCY+In1dfQo=",',
    '"ifName":"eth0","networkName":"net1","netns":"/run/netns/c1","cniArgs":[["IgnoreUnknown","1"],["K","v"]],',
    '"capabilityArgs":{"mac":"\\u003c\\u003e","portMappings":[{"containerPort":80,"hostPort":8080}]},',
    '"result":{"cniVersion":"1.0.0","dns":{},',
    '"interfaces":[{"mac":"02:00:5e:00:53:01","name":"eth0","sandbox":"/run/netns/c1"}],',
    '"ips":[{"address":"192.0.2.2/24","gateway":"192.0.2.1","interface":0}],"routes":[{"dst":"0.0.0.0/0"}]}}',
  ];
  t.is(fake.cached(CACHED), expected.join(''));
});

test('what is empty is left out of the file, which is the user’s alone', async (t) => {
  const fake = onePlugin(t);
  await new CniClient(fake.options).add(NETWORK, ATTACHMENT);
  const keys = ['kind', 'containerId', 'config', 'ifName', 'networkName', 'netns', 'result'];
  t.deepEqual(Object.keys(JSON.parse(fake.cached(CACHED) ?? '') as JsonObject), keys);
  const folder = path.join(fake.options.cacheDir, 'results');
  t.deepEqual(readdirSync(folder), [CACHED], 'nothing lies beside it');
  t.is(statSync(folder).mode & 0o777, 0o700);
  t.is(statSync(path.join(folder, CACHED)).mode & 0o777, 0o600);
});

test('attachments of one network have a file each, and are found by their container', async (t) => {
  const fake = onePlugin(t);
  const client = new CniClient(fake.options);
  await client.add(NETWORK, ATTACHMENT);
  await client.add(NETWORK, { ...ATTACHMENT, ifName: 'eth1', args: { K: 'v' }, capabilityArgs: { mac: 'x' } });
  await client.add(NETWORK, { ...ATTACHMENT, containerId: 'c10' });
  const all = client.cachedAttachments().map(({ containerId, ifName }) => `${containerId} ${ifName}`);
  t.deepEqual(all, ['c1 eth0', 'c1 eth1', 'c10 eth0']);
  const [, second] = client.cachedAttachments('c1');
  t.deepEqual(second, {
    network: 'net1',
    containerId: 'c1',
    ifName: 'eth1',
    netns: '/run/netns/c1',
    config: TEXT,
    args: [['K', 'v']],
    capabilityArgs: { mac: 'x' },
  });
  t.is(client.cachedAttachments('c1').length, 2);
  t.deepEqual((await client.cachedResult(NETWORK, ATTACHMENT))?.routes, [{ dst: '0.0.0.0/0' }]);
});

test('without a cache nothing is known', async (t) => {
  const client = new CniClient(onePlugin(t).options);
  t.deepEqual(client.cachedAttachments(), []);
  t.is(await client.cachedResult(NETWORK, ATTACHMENT), undefined);
});

test('files that are no attachments are passed over', (t) => {
  const fake = onePlugin(t);
  fake.cache('a-b-c', 'hello');
  fake.cache('b-b-c', JSON.stringify(RESULT));
  fake.cache('c-b-c', entry({ kind: 'cniCacheV2' }));
  fake.cache('d-b-c', entry({ ifName: '' }));
  fake.cache('e-b-c', entry({ cniArgs: ['K=v'] }));
  fake.cache('.half', entry());
  fake.cache(CACHED, entry());
  const client = new CniClient(fake.options);
  t.deepEqual(client.cachedAttachments().map(({ network }) => network), ['net1']);
});

test('a file that is another attachment’s is not taken for one’s own, not overwritten, and not deleted', async (t) => {
  const fake = onePlugin(t);
  const client = new CniClient(fake.options);
  const network = (name: string): CniNetworkList => ({ ...NETWORK, name });
  await client.add(network('a'), { ...ATTACHMENT, containerId: 'b-c' });
  const file = 'a-b-c-eth0';
  const before = fake.cached(file);
  const twin = { ...ATTACHMENT, containerId: 'c' };
  t.is(await client.cachedResult(network('a-b'), twin), undefined);
  await client.del(network('a-b'), twin);
  t.false('prevResult' in (fake.calls().at(-1)?.config ?? {}));
  const message = /failed to set network "a-b" cached result: ".*\/a-b-c-eth0" is the file of another attachment/;
  await t.throwsAsync(client.add(network('a-b'), twin), { message });
  t.is(fake.said().at(-1), 'one DEL', 'and taken back');
  t.is(fake.cached(file), before);
});

test('a file of an older runtime is the result itself', async (t) => {
  const fake = onePlugin(t);
  fake.cache(CACHED, JSON.stringify(RESULT));
  const client = new CniClient(fake.options);
  await client.del(NETWORK, ATTACHMENT);
  t.deepEqual(fake.calls()[0]?.config['prevResult'], RESULT);
  t.is(fake.cached(CACHED), null);
});

test('a result of another version is converted to the network’s', async (t) => {
  const fake = onePlugin(t);
  const old = { cniVersion: '0.2.0', ip4: { ip: '192.0.2.2/24', gateway: '192.0.2.1' }, dns: {} };
  fake.cache(CACHED, entry({ result: old }));
  const client = new CniClient(fake.options);
  await client.check(NETWORK, ATTACHMENT);
  await client.del(versioned('0.4.0'), ATTACHMENT);
  const [check, del] = fake.calls().map(({ config }) => config['prevResult']);
  const [address, gateway] = ['192.0.2.2/24', '192.0.2.1'];
  t.deepEqual(check, { cniVersion: '1.0.0', ips: [{ address, gateway }], dns: {} });
  t.deepEqual(del, { cniVersion: '0.4.0', ips: [{ version: '4', address, gateway }], dns: {} });
});

for (const [what, text] of [
  ['is no JSON', 'hello'],
  ['is no object', '[]'],
  ['has a result of an unknown version', entry({ result: { cniVersion: '9.9.9' } })],
  ['has a result of the wrong kind', entry({ result: { cniVersion: '1.0.0', ips: 1 } })],
] as const) {
  test(`a cache entry that ${what} is an error of CHECK, and none of DEL`, async (t) => {
    const fake = onePlugin(t);
    fake.cache(CACHED, text);
    const warnings: string[] = [];
    const client = new CniClient({ ...fake.options, warn: (message) => warnings.push(message) });
    const error = await t.throwsAsync(client.check(NETWORK, ATTACHMENT), { instanceOf: CniError });
    t.regex(error.msg, /^failed to get network "net1" cached result: /);
    t.deepEqual(fake.said(), []);
    await client.del(NETWORK, ATTACHMENT);
    t.deepEqual(fake.said(), ['one DEL']);
    t.false('prevResult' in (fake.calls()[0]?.config ?? {}));
    t.regex(warnings.join(), /^ignoring the cached result of network "net1": /);
    t.is(fake.cached(CACHED), null);
  });
}

test('a cached result that has no shape in the network’s version is an error of CHECK', async (t) => {
  const fake = onePlugin(t);
  fake.cache(CACHED, entry({ result: RESULT }));
  const unknown = { ...versioned('0.4.0'), cniVersion: '0.4.5' };
  const message = /cached result: unsupported CNI result version/;
  await t.throwsAsync(new CniClient(fake.options).check(unknown, ATTACHMENT), { message });
});

test('a failed write leaves no file', async (t) => {
  const fake = onePlugin(t);
  const folder = path.join(fake.options.cacheDir, 'results');
  mkdirSync(path.join(folder, CACHED, 'in-the-way'), { recursive: true });
  const adding = new CniClient(fake.options).add(NETWORK, ATTACHMENT);
  await t.throwsAsync(adding, { message: /cached result: (?:EISDIR|ENOTEMPTY)/ });
  t.deepEqual(readdirSync(folder), [CACHED]);
});
