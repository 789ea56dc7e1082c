/** Networks of a runtime: which file counts, what is refused. The cases are those of libcni's conf_test. */

import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';

import test from 'ava';

import { CniClient, CniError, type JsonObject, parseNetworkList } from '../../cni/index.ts';
import { FakePlugins } from './_fake-plugins.ts';

const list = (more: JsonObject = {}): JsonObject => ({
  cniVersion: '1.0.0',
  name: 'net1',
  plugins: [{ type: 'one' }, { type: 'two' }],
  ...more,
});

const types = ({ plugins }: { plugins: readonly { type: string }[] }): string[] => plugins.map(({ type }) => type);

const errorOf = (run: () => unknown): CniError => {
  try {
    run();
  } catch (error) {
    if (error instanceof CniError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

test('a network is found by its name, whatever its file is called', (t) => {
  const fake = new FakePlugins(t);
  fake.network('10-other.conflist', list({ name: 'other' }));
  fake.network('20-any.conflist', list({ disableCheck: true }));
  fake.network('30-again.conflist', list({ plugins: [{ type: 'late' }] }));
  const found = new CniClient(fake.options).loadNetwork('net1');
  t.like(found, { name: 'net1', cniVersion: '1.0.0', disableCheck: true, disableGC: false });
  t.deepEqual(types(found), ['one', 'two']);
});

for (const extension of ['conf', 'json']) {
  test(`a single plugin in a .${extension} file is a list of one, and lists come first`, (t) => {
    const fake = new FakePlugins(t);
    const client = new CniClient(fake.options);
    fake.network(`10-one.${extension}`, { cniVersion: '0.3.1', name: 'net1', type: 'single', mtu: 1400 });
    const single = client.loadNetwork('net1');
    t.like(single, { name: 'net1', cniVersion: '0.3.1', disableCheck: false });
    t.deepEqual(single.plugins[0]?.config, { cniVersion: '0.3.1', name: 'net1', type: 'single', mtu: 1400 });
    const wrapped = '{"cniVersion":"0.3.1","mtu":1400,"name":"net1","type":"single"}';
    t.is(single.text, `{"cniVersion":"0.3.1","name":"net1","plugins":[${wrapped}]}`, 'as libcni upconverts it');
    fake.network('99-list.conflist', list());
    t.deepEqual(types(client.loadNetwork('net1')), ['one', 'two']);
  });
}

test('without a folder, a file or the name, the error says which', (t) => {
  const fake = new FakePlugins(t);
  const { confDir } = fake.options;
  const client = new CniClient(fake.options);
  const nowhere = new CniClient({ ...fake.options, confDir: '/nowhere/net.d' });
  t.like(errorOf(() => nowhere.loadNetwork('net1')), { code: 7, msg: 'no net configurations found in /nowhere/net.d' });
  t.like(errorOf(() => client.loadNetwork('net1')), { code: 7, msg: `no net configurations found in ${confDir}` });
  fake.network('sub/10-net1.conflist', list());
  t.is(errorOf(() => client.loadNetwork('net1')).msg, `no net configurations found in ${confDir}`);
  fake.network('10-other.conflist', list({ name: 'other' }));
  t.is(errorOf(() => client.loadNetwork('net1')).msg, `no net configuration with name "net1" in ${confDir}`);
});

test('a file on the way that cannot be read is an error with its path', (t) => {
  const fake = new FakePlugins(t);
  const { confDir } = fake.options;
  const client = new CniClient(fake.options);
  fake.network('50-net1.conflist', list());
  fake.network('10-bad.conflist', '{');
  const malformed = errorOf(() => client.loadNetwork('net1'));
  t.is(malformed.code, 6);
  t.regex(malformed.msg, /^error reading .*\/10-bad\.conflist: error parsing configuration list: /);
  symlinkSync('/nowhere', path.join(confDir, '05-gone.conflist'));
  const gone = `error reading ${confDir}/05-gone.conflist: no such file or directory`;
  t.like(errorOf(() => client.loadNetwork('net1')), { code: 5, msg: gone });
});

test('plugins in files of the network’s folder follow those of the list, unless it forbids that', (t) => {
  const fake = new FakePlugins(t);
  const client = new CniClient(fake.options);
  fake.network('10-net1.conflist', list());
  fake.network('net1/20-b.conf', { type: 'four' });
  fake.network('net1/10-a.conf', { type: 'three' });
  fake.network('net1/30-c.json', { type: 'never' });
  t.deepEqual(types(client.loadNetwork('net1')), ['one', 'two', 'three', 'four']);
  fake.network('10-net1.conflist', list({ loadOnlyInlinedPlugins: true }));
  t.deepEqual(types(client.loadNetwork('net1')), ['one', 'two']);
  fake.network('10-net1.conflist', { cniVersion: '1.0.0', name: 'net1' });
  t.deepEqual(types(client.loadNetwork('net1')), ['three', 'four']);
  fake.network('net1/10-a.conf', { name: 'x' });
  t.regex(errorOf(() => client.loadNetwork('net1')).msg, /10-a\.conf: error parsing configuration: missing 'type'$/);
});

test('a list without plugins, in it and in its folder, is refused', (t) => {
  const fake = new FakePlugins(t);
  fake.network('10-net1.conflist', { cniVersion: '1.0.0', name: 'net1' });
  mkdirSync(path.join(fake.options.confDir, 'net1'));
  t.regex(errorOf(() => new CniClient(fake.options).loadNetwork('net1')).msg, /: no plugin configs found$/);
  t.is(errorOf(() => parseNetworkList({ name: 'net1' })).msg, 'no plugin configs found');
});

for (const [value, expected] of [
  ['true', true],
  ['FALSE', false],
  [true, true],
  [false, false],
  [null, false],
] as const) {
  test(`disableCheck, disableGC and loadOnlyInlinedPlugins may be ${JSON.stringify(value)}`, (t) => {
    const keys = { disableCheck: value, disableGC: value, loadOnlyInlinedPlugins: value };
    const { disableCheck, disableGC, loadOnlyInlinedPlugins } = parseNetworkList(list(keys));
    t.deepEqual([disableCheck, disableGC, loadOnlyInlinedPlugins], [expected, expected, expected]);
  });
}

for (const [what, versions, expected] of [
  ['the newest of them counts', { cniVersions: ['0.3.1', '1.0.0', '0.4.0'] }, '1.0.0'],
  ['1.10.0 is newer than 1.1.0, and unknown', { cniVersions: ['1.10.0', '1.0.0'] }, '1.0.0'],
  ['cniVersion is one of them', { cniVersion: '1.1.0', cniVersions: ['0.3.1', '1.0.0'] }, '1.1.0'],
  ['an unknown cniVersion is not', { cniVersion: '9.9.9', cniVersions: ['0.3.1', '1.0.0'] }, '1.0.0'],
  ['without any, cniVersion counts', { cniVersion: '0.4.0', cniVersions: [] }, '0.4.0'],
  ['without both it is 0.1.0', {}, '0.1.0'],
] as const) {
  test(`cniVersions: ${what}`, (t) => {
    t.is(parseNetworkList({ name: 'net1', plugins: [{ type: 'one' }], ...versions }).cniVersion, expected);
  });
}

for (const [what, source, code, text] of [
  ['no JSON', '{', 6, /^error parsing configuration list: /],
  ['an array', '[]', 6, /it is no JSON object$/],
  ['no name', { plugins: [] }, 7, /^error parsing configuration list: no name$/],
  ['an empty name', list({ name: '' }), 7, /^missing network name$/],
  ['a name that leads out of the folder', list({ name: '../net1' }), 7, /^invalid characters found in network name$/],
  ['a name of another kind', list({ name: 1 }), 7, /\bname\b/],
  ['a version that is none', list({ cniVersion: 'one' }), 7, /failed to convert major version part "one"/],
  ['a version in a list that is none', list({ cniVersions: ['1.0.0.0'] }), 7, /too many parts/],
  ['versions of another kind', list({ cniVersions: '1.0.0' }), 7, /\bcniVersions\b/],
  ['disableCheck "maybe"', list({ disableCheck: 'maybe' }), 7, /invalid value "maybe" for disableCheck/],
  ['disableGC 1', list({ disableGC: 1 }), 7, /\bdisableGC\b/],
  ['loadOnlyInlinedPlugins "x"', list({ loadOnlyInlinedPlugins: 'x' }), 7, /for loadOnlyInlinedPlugins/],
  ['loadOnlyInlinedPlugins without plugins', { name: 'net1', loadOnlyInlinedPlugins: true }, 7, /no 'plugins' key$/],
  ['an empty list', list({ plugins: [] }), 7, /no plugins in list$/],
  ['plugins of another kind', list({ plugins: {} }), 7, /\bplugins\b/],
  ['a plugin without a type', list({ plugins: [{}] }), 7, /^error parsing configuration: missing 'type'$/],
  ['a type with a slash', list({ plugins: [{ type: '../sh' }] }), 7, /invalid plugin name: \.\.\/sh$/],
  ['capabilities that are no truth values', list({ plugins: [{ type: 'a', capabilities: { b: 1 } }] }), 7, /\bb\b/],
] as const) {
  test(`a network is refused: ${what}`, (t) => {
    const error = errorOf(() => parseNetworkList(source));
    t.is(error.code, code);
    t.regex(error.msg, text);
  });
}

test('a single plugin’s configuration is a list of one from memory, too, and keeps its capabilities', (t) => {
  const capabilities = { mac: true, portMappings: false };
  const found = parseNetworkList({ cniVersion: '1.1.0', name: 'net1', type: 'one', capabilities });
  t.is(found.cniVersion, '1.1.0');
  t.deepEqual(found.plugins[0]?.capabilities, ['mac']);
});
