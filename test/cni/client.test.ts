/** What a client calls, with what, and what it makes of the answers. The cases are those of libcni's api_test. */

import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { CniClient, CniError, type CniNetworkList, type JsonObject, parseNetworkList } from '../../cni/index.ts';
import { FakePlugins } from './_fake-plugins.ts';

const ATTACHMENT = { containerId: 'c1', netns: '/run/netns/c1', ifName: 'eth0' };
const CACHED = 'net1-c1-eth0';

const PLUGINS = [{ type: 'one', key: 'a' }, { type: 'two' }];

const list = (more: JsonObject = {}): CniNetworkList =>
  parseNetworkList({ cniVersion: '1.0.0', name: 'net1', plugins: PLUGINS, ...more });

const resultOf = (address: string): JsonObject => ({
  cniVersion: '1.0.0',
  ips: [{ address, gateway: '192.0.2.1' }],
  dns: {},
});

const FIRST = resultOf('192.0.2.2/24');
const LAST = resultOf('192.0.2.3/24');

/** Two plugins whose ADD succeeds. */
function twoPlugins(t: ExecutionContext): FakePlugins {
  const fake = new FakePlugins(t, 'one', 'two');
  fake.answer('one', 'ADD', { stdout: JSON.stringify(FIRST) });
  fake.answer('two', 'ADD', { stdout: JSON.stringify(LAST) });
  return fake;
}

test('ADD calls all plugins in order, each with the result of the one before, and returns the last', async (t) => {
  const fake = twoPlugins(t);
  const result = await new CniClient(fake.options).add(list(), ATTACHMENT);
  t.deepEqual(result.ips, [{ address: '192.0.2.3/24', gateway: '192.0.2.1' }]);
  const [first, second] = fake.calls();
  t.deepEqual(fake.said(), ['one ADD', 'two ADD']);
  t.deepEqual(first?.config, { cniVersion: '1.0.0', key: 'a', name: 'net1', type: 'one' });
  t.deepEqual(second?.config, { cniVersion: '1.0.0', name: 'net1', prevResult: FIRST, type: 'two' });
  t.is(first?.stdin, '{"cniVersion":"1.0.0","key":"a","name":"net1","type":"one"}', 'byte by byte as libcni');
});

test('a plugin has the runtime’s environment, and the protocol’s own variables in it', async (t) => {
  const fake = twoPlugins(t);
  await new CniClient(fake.options).add(list(), { ...ATTACHMENT, args: { IgnoreUnknown: '1', K: 'v' } });
  t.like(fake.calls()[1]?.env, {
    RUNTIME: 'kept',
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: 'c1',
    CNI_NETNS: '/run/netns/c1',
    CNI_IFNAME: 'eth0',
    CNI_ARGS: 'IgnoreUnknown=1;K=v',
    CNI_PATH: path.join(fake.root, 'bin'),
  });
  await new CniClient(fake.options).add(list(), { ...ATTACHMENT, containerId: 'c2', args: [['K', 'w']] });
  t.is(fake.calls()[2]?.env['CNI_ARGS'], 'K=w');
});

test('a plugin has those capability arguments that it declares, and no runtimeConfig for none', async (t) => {
  const fake = twoPlugins(t);
  const capable = { mac: true, ips: true, bandwidth: false };
  const plugins = [{ type: 'one', capabilities: capable }, { type: 'two', capabilities: { other: true } }];
  const network = list({ plugins });
  const capabilityArgs = { mac: '02:00:5e:00:53:01', bandwidth: { ingressRate: 1 }, portMappings: [] };
  await new CniClient(fake.options).add(network, { ...ATTACHMENT, capabilityArgs });
  const [first, second] = fake.calls();
  t.deepEqual(first?.config['runtimeConfig'], { mac: '02:00:5e:00:53:01' });
  t.false('runtimeConfig' in (second?.config ?? {}));
});

test('a result without a version has that of the network; one of another version is converted', async (t) => {
  const fake = twoPlugins(t);
  fake.answer('one', 'ADD', { stdout: '{"ips":[{"address":"192.0.2.2/24"}]}' });
  fake.answer('two', 'ADD', { stdout: '{"cniVersion":"0.2.0","ip4":{"ip":"192.0.2.3/24"}}' });
  const result = await new CniClient(fake.options).add(list(), ATTACHMENT);
  t.deepEqual(result.ips, [{ address: '192.0.2.3/24' }]);
  const prevResult = { cniVersion: '1.0.0', ips: [{ address: '192.0.2.2/24' }], dns: {} };
  t.deepEqual(fake.calls()[1]?.config['prevResult'], prevResult);
});

for (const [what, attachment, msg] of [
  ['no container id', { containerId: '' }, 'required env variables [CNI_CONTAINERID] missing'],
  ['a container id that leads out of the cache', { containerId: '../c' }, 'invalid characters in containerID'],
  ['no namespace', { netns: '' }, 'required env variables [CNI_NETNS] missing'],
  ['no interface', { ifName: '' }, 'required env variables [CNI_IFNAME] missing'],
  ['a long interface', { ifName: '1234567890123456' }, 'interface name is too long'],
  ['interface .', { ifName: '.' }, 'interface name is . or ..'],
  ['interface ..', { ifName: '..' }, 'interface name is . or ..'],
  ['interface a/b', { ifName: 'a/b' }, 'interface name contains / or : or whitespace characters'],
  ['interface a:b', { ifName: 'a:b' }, 'interface name contains / or : or whitespace characters'],
  ['interface "a b"', { ifName: 'a b' }, 'interface name contains / or : or whitespace characters'],
  ['an argument that is two', { args: { K: 'v;MAC=x' } }, 'invalid CNI_ARGS pair "K=v;MAC=x"'],
  ['an argument without a name', { args: [['', 'v']] }, 'invalid CNI_ARGS pair "=v"'],
] as const) {
  test(`an attachment is refused before any plugin is called: ${what}`, async (t) => {
    const fake = twoPlugins(t);
    const client = new CniClient(fake.options);
    const commands = what === 'no namespace' ? (['add', 'check'] as const) : (['add', 'check', 'del'] as const);
    for (const command of commands) {
      const calling = client[command](list(), { ...ATTACHMENT, ...attachment });
      const error = await t.throwsAsync(calling, { instanceOf: CniError });
      t.like(error, { code: 4, msg }, command);
    }
    t.deepEqual(fake.calls(), []);
    t.false(existsSync(fake.options.cacheDir));
  });
}

test('a network whose name leads out of the cache is refused, wherever it comes from', async (t) => {
  const fake = twoPlugins(t);
  const bad = { ...list(), name: '../net1' };
  const error = await t.throwsAsync(new CniClient(fake.options).add(bad, ATTACHMENT), { instanceOf: CniError });
  t.like(error, { code: 7, msg: 'invalid characters found in network name', details: '../net1' });
});

test('folders that CNI_PATH cannot name are refused', (t) => {
  for (const folder of ['', '/a:/b']) {
    const expected = { code: 'ERR_INVALID_OPTION', message: /give each folder by itself/ };
    t.throws(() => new CniClient({ path: [folder] }), expected);
  }
});

test('a plugin that is not there is an error that says where it was looked for', async (t) => {
  const fake = new FakePlugins(t, 'one');
  const folder = path.join(fake.root, 'bin');
  const error = await t.throwsAsync(new CniClient(fake.options).del(list(), ATTACHMENT), { instanceOf: CniError });
  t.is(error.message, `plugin type="two" failed (delete): failed to find plugin "two" in path [${folder}]`);
  t.deepEqual(fake.said(), []);
});

test('when the second plugin fails, its error is thrown, and both take back what they did', async (t) => {
  const fake = twoPlugins(t);
  fake.fail('two', 'ADD', { code: 11, msg: 'later', details: 'busy' });
  const client = new CniClient(fake.options);
  const error = await t.throwsAsync(client.add(list(), ATTACHMENT), { instanceOf: CniError });
  t.like(error, { code: 11, msg: 'plugin type="two" failed (add): later', details: 'busy' });
  t.deepEqual(fake.said(), ['one ADD', 'two ADD', 'two DEL', 'one DEL']);
  t.deepEqual(fake.calls().slice(2).map(({ config }) => config['prevResult']), [FIRST, FIRST]);
  t.is(fake.cached(CACHED), null);
});

test('when the first plugin fails, the second has nothing to take back, and there is no result', async (t) => {
  const fake = twoPlugins(t);
  fake.fail('one', 'ADD', { code: 100, msg: 'no' });
  await t.throwsAsync(new CniClient(fake.options).add(list(), ATTACHMENT), { message: /no$/ });
  t.deepEqual(fake.said(), ['one ADD', 'one DEL']);
  t.false('prevResult' in (fake.calls()[1]?.config ?? {}));
});

test('below 0.4.0 plugins are told no result while they take back what they did', async (t) => {
  const fake = twoPlugins(t);
  fake.answer('one', 'ADD', { stdout: '{"ips":[{"version":"4","address":"192.0.2.2/24"}]}' });
  fake.fail('two', 'ADD', { code: 100, msg: 'no' });
  await t.throwsAsync(new CniClient(fake.options).add(list({ cniVersion: '0.3.1' }), ATTACHMENT), { message: /no$/ });
  t.deepEqual(fake.said().slice(2), ['two DEL', 'one DEL']);
  for (const { config } of fake.calls().slice(2)) t.false('prevResult' in config);
});

test('what fails while an ADD is taken back is a warning, and the rest is taken back', async (t) => {
  const fake = twoPlugins(t);
  fake.fail('two', 'ADD', { code: 100, msg: 'add failed' });
  fake.fail('two', 'DEL', { code: 101, msg: 'del failed' });
  const warnings: string[] = [];
  const client = new CniClient({ ...fake.options, warn: (message) => warnings.push(message) });
  await t.throwsAsync(client.add(list(), ATTACHMENT), { message: 'plugin type="two" failed (add): add failed' });
  t.deepEqual(warnings, ['while taking back a failed ADD: plugin type="two" failed (delete): del failed']);
  t.is(fake.said().at(-1), 'one DEL');
});

test('a second ADD of an attachment that is there fails and leaves the first one alone', async (t) => {
  const fake = twoPlugins(t);
  const client = new CniClient(fake.options);
  await client.add(list(), ATTACHMENT);
  const cached = fake.cached(CACHED);
  fake.fail('one', 'ADD', { code: 999, msg: 'eth0 exists' });
  await t.throwsAsync(client.add(list(), ATTACHMENT), { message: /eth0 exists/ });
  t.deepEqual(fake.said(), ['one ADD', 'two ADD', 'one ADD']);
  t.is(fake.cached(CACHED), cached);
});

test('when the result cannot be kept, the error says so, and everything is taken back', async (t) => {
  const fake = twoPlugins(t);
  writeFileSync(fake.options.cacheDir, 'no folder');
  const error = await t.throwsAsync(new CniClient(fake.options).add(list(), ATTACHMENT), { instanceOf: CniError });
  t.regex(error.msg, /^failed to set network "net1" cached result: /);
  t.deepEqual(fake.said(), ['one ADD', 'two ADD', 'two DEL', 'one DEL']);
});

test('an answer that is no result is an error of decoding, and taken back', async (t) => {
  const fake = twoPlugins(t);
  fake.answer('one', 'ADD', { stdout: 'hello' });
  const error = await t.throwsAsync(new CniClient(fake.options).add(list(), ATTACHMENT), { instanceOf: CniError });
  t.is(error.code, 6);
  t.regex(error.msg, /^plugin type="one" failed \(add\): failed to read the result: /);
  t.deepEqual(fake.said(), ['one ADD', 'one DEL']);
});

test('what a plugin says on stderr is a warning; without any other word it is the error', async (t) => {
  const fake = twoPlugins(t);
  fake.answer('one', 'ADD', { stdout: JSON.stringify(FIRST), stderr: 'careful\n' });
  fake.answer('two', 'ADD', { stderr: 'broken', status: 3 });
  const warnings: string[] = [];
  const client = new CniClient({ ...fake.options, warn: (message) => warnings.push(message) });
  await t.throwsAsync(client.add(list(), ATTACHMENT), { message: /^plugin type="two" failed \(add\): .*"broken"/ });
  t.deepEqual(warnings, ['careful']);
});

test('an error names the plugin by its own name, too, where it has one', async (t) => {
  const fake = twoPlugins(t);
  fake.fail('one', 'ADD', { code: 100, msg: 'no' });
  const named = list({ plugins: [{ type: 'one', name: 'my-plugin' }] });
  const message = 'plugin type="one" name="my-plugin" failed (add): no';
  await t.throwsAsync(new CniClient(fake.options).add(named, ATTACHMENT), { message });
});

test('CHECK calls all plugins in order with the cached result', async (t) => {
  const fake = twoPlugins(t);
  const client = new CniClient(fake.options);
  await client.add(list(), ATTACHMENT);
  await client.check(list(), ATTACHMENT);
  t.deepEqual(fake.said().slice(2), ['one CHECK', 'two CHECK']);
  for (const { config } of fake.calls().slice(2)) t.deepEqual(config['prevResult'], LAST);
});

test('CHECK does nothing with disableCheck, and fails below 0.4.0', async (t) => {
  const fake = twoPlugins(t);
  const client = new CniClient(fake.options);
  await client.check(list({ disableCheck: true }), ATTACHMENT);
  const old = client.check(list({ cniVersion: '0.3.1' }), ATTACHMENT);
  const message = 'configuration version "0.3.1" does not support the CHECK command';
  t.like(await t.throwsAsync(old, { message }), { code: 1 });
  t.deepEqual(fake.said(), []);
  await client.check(list({ cniVersion: '0.4.0' }), ATTACHMENT);
  t.is(fake.said().length, 2);
});

test('CHECK stops at the first complaint', async (t) => {
  const fake = twoPlugins(t);
  fake.fail('one', 'CHECK', { code: 120, msg: 'gone' });
  const error = await t.throwsAsync(new CniClient(fake.options).check(list(), ATTACHMENT), { message: /gone$/ });
  t.like(error, { code: 120 });
  t.deepEqual(fake.said(), ['one CHECK']);
});

test('DEL calls all plugins in reverse order with the cached result, and a second time without', async (t) => {
  const fake = twoPlugins(t);
  const client = new CniClient(fake.options);
  await client.add(list(), ATTACHMENT);
  await client.del(list(), { ...ATTACHMENT, netns: '' });
  t.deepEqual(fake.said().slice(2), ['two DEL', 'one DEL']);
  for (const { config, env } of fake.calls().slice(2)) {
    t.deepEqual(config['prevResult'], LAST);
    t.is(env['CNI_NETNS'], '');
  }
  t.is(fake.cached(CACHED), null);
  await client.del(list(), ATTACHMENT);
  t.deepEqual(fake.said().slice(4), ['two DEL', 'one DEL']);
  for (const { config } of fake.calls().slice(4)) t.false('prevResult' in config);
});

test('DEL has no result below 0.4.0', async (t) => {
  const fake = twoPlugins(t);
  const client = new CniClient(fake.options);
  const old = list({ cniVersion: '0.3.1' });
  await client.add(old, ATTACHMENT);
  await client.del(old, ATTACHMENT);
  for (const { config } of fake.calls().slice(2)) t.false('prevResult' in config);
  t.is(fake.cached(CACHED), null);
});

test('DEL that fails stops, and the result stays for another try', async (t) => {
  const fake = twoPlugins(t);
  const client = new CniClient(fake.options);
  await client.add(list(), ATTACHMENT);
  fake.fail('two', 'DEL', { code: 102, msg: 'not now' });
  const message = 'plugin type="two" failed (delete): not now';
  t.like(await t.throwsAsync(client.del(list(), ATTACHMENT), { message }), { code: 102 });
  t.deepEqual(fake.said().slice(2), ['two DEL']);
  t.not(fake.cached(CACHED), null);
});

test('CHECK and DEL have the arguments of ADD, unless they are given others', async (t) => {
  const fake = twoPlugins(t);
  const client = new CniClient(fake.options);
  const network = list({ plugins: [{ type: 'one', capabilities: { mac: true } }] });
  const mac = '02:00:5e:00:53:01';
  await client.add(network, { ...ATTACHMENT, args: { K: 'v' }, capabilityArgs: { mac } });
  await client.check(network, ATTACHMENT);
  await client.del(network, { ...ATTACHMENT, args: { K: 'w' }, capabilityArgs: {} });
  const [, check, del] = fake.calls();
  t.is(check?.env['CNI_ARGS'], 'K=v');
  t.deepEqual(check?.config['runtimeConfig'], { mac });
  t.is(del?.env['CNI_ARGS'], 'K=w');
  t.false('runtimeConfig' in (del?.config ?? {}));
});

test('a signal kills the plugin, and an ADD is taken back', async (t) => {
  const fake = twoPlugins(t);
  fake.write('two', '[ "$CNI_COMMAND" = DEL ] && exit 0; kill -USR2 "$PPID"; exec sleep 100');
  const abort = new AbortController();
  const onBegun = (): void => abort.abort();
  process.once('SIGUSR2', onBegun);
  t.teardown(() => process.off('SIGUSR2', onBegun));
  const adding = new CniClient(fake.options).add(list(), ATTACHMENT, { signal: abort.signal });
  await t.throwsAsync(adding, { instanceOf: CniError, message: /^plugin type="two" failed \(add\): .*abort/i });
  t.deepEqual(fake.said(), ['one ADD', 'one DEL']);
});

test('a plugin that may not be executed is an error', async (t) => {
  const fake = twoPlugins(t);
  chmodSync(path.join(fake.root, 'bin', 'one'), 0o644);
  const adding = new CniClient(fake.options).add(list(), ATTACHMENT);
  await t.throwsAsync(adding, { instanceOf: CniError, message: /permission denied/ });
});
