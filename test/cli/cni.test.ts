/** `linkpoint cni`: options and variables, what it calls, prints and exits with. Real ones: privileged/cni-client. */

import { existsSync } from 'node:fs';
import path from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { parseCniCommand } from '../../cli/cni-options.ts';
import { FakePlugins } from '../cni/_fake-plugins.ts';
import { temporaryFolder } from '../cni/_support.ts';
import { run, type Run } from './_support.ts';

const RESULT = { cniVersion: '1.1.0', ips: [{ address: '192.0.2.2/24' }], dns: {} };
/** sha512 of /run/netns/c1, its first ten bytes, as cnitool names a container. */
const DERIVED_ID = 'cnitool-20b4ff582526573bbe7d';

interface Machine {
  readonly fake: FakePlugins;
  readonly cni: (...words: string[]) => Promise<Run>;
}

/** A network of one plugin in a machine of its own. */
function machine(t: ExecutionContext): Machine {
  const fake = new FakePlugins(t, 'one');
  const capabilities = { mac: true };
  fake.network('10-net1.conflist', { cniVersion: '1.1.0', name: 'net1', plugins: [{ type: 'one', capabilities }] });
  fake.answer('one', 'ADD', { stdout: JSON.stringify(RESULT) });
  const { confDir, cacheDir, path: folders } = fake.options;
  const options = ['--path', folders.join(':'), '--conf-dir', confDir, '--cache-dir', cacheDir];
  return { fake, cni: (...words) => run(['cni', ...words, ...options], { env: { PATH: '/usr/bin:/bin' } }) };
}

test('add prints the result as JSON, check and del find the same attachment', async (t) => {
  const { fake, cni } = machine(t);
  const added = await cni('add', 'net1', 'c1');
  t.deepEqual([added.status, added.stderr], [0, '']);
  t.is(added.stdout, `${JSON.stringify(RESULT, null, 4)}\n`);
  for (const command of ['check', 'del']) {
    const { status, stdout, stderr } = await cni(command, 'net1', 'c1');
    t.deepEqual([status, stdout, stderr], [0, '', '']);
  }
  t.deepEqual(fake.said(), ['one ADD', 'one CHECK', 'one DEL']);
  const variables = { CNI_NETNS: '/run/netns/c1', CNI_IFNAME: 'eth0', CNI_CONTAINERID: DERIVED_ID };
  for (const { env } of fake.calls()) t.like(env, variables);
  t.deepEqual(fake.calls()[2]?.config['prevResult'], RESULT);
});

test('options say which attachment, with which arguments', async (t) => {
  const { fake, cni } = machine(t);
  const words = ['--ifname', 'net0', '--container-id', 'c7', '--args', 'IgnoreUnknown=1', '--args', 'K=v'];
  const capabilities = '{"mac":"02:00:5e:00:53:01","ips":[]}';
  const { status } = await cni('add', 'net1', '/proc/1/ns/net', ...words, '--cap-args', capabilities);
  t.is(status, 0);
  const [call] = fake.calls();
  t.like(call?.env, {
    CNI_NETNS: '/proc/1/ns/net',
    CNI_IFNAME: 'net0',
    CNI_CONTAINERID: 'c7',
    CNI_ARGS: 'IgnoreUnknown=1;K=v',
  });
  t.deepEqual(call?.config['runtimeConfig'], { mac: '02:00:5e:00:53:01' });
  t.not(fake.cached('net1-c7-net0'), null);
});

test('gc deletes what it is not told to keep, then asks the plugins', async (t) => {
  const { fake, cni } = machine(t);
  for (const id of ['c1', 'c2', 'c3']) await cni('add', 'net1', 'c1', '--container-id', id);
  t.is((await cni('gc', 'net1', '--keep', 'c2', '--keep', 'c3/eth1')).status, 0);
  t.deepEqual(fake.said().slice(3), ['one DEL', 'one DEL', 'one GC']);
  t.deepEqual(fake.calls().at(-1)?.config['cni.dev/valid-attachments'], [
    { containerID: 'c2', ifname: 'eth0' },
    { containerID: 'c3', ifname: 'eth1' },
  ]);
  t.deepEqual(['c1', 'c2', 'c3'].map((id) => fake.cached(`net1-${id}-eth0`) !== null), [false, true, false]);
});

test('status is silent when the plugins are ready; version prints what they speak', async (t) => {
  const { fake, cni } = machine(t);
  fake.answer('one', 'VERSION', { stdout: '{"cniVersion":"1.1.0","supportedVersions":["1.0.0","1.1.0"]}' });
  const status = await cni('status', 'net1');
  t.deepEqual([status.status, status.stdout, status.stderr], [0, '', '']);
  const { stdout } = await cni('version', 'net1');
  const plugins = [{ type: 'one', supportedVersions: ['1.0.0', '1.1.0'] }];
  t.deepEqual(JSON.parse(stdout), { cniVersion: '1.1.0', plugins });
});

test('a plugin’s error is one line with its code, and exit 1; its warnings are on stderr', async (t) => {
  const { fake, cni } = machine(t);
  fake.fail('one', 'ADD', { code: 11, msg: 'try later', details: 'busy' });
  fake.answer('one', 'DEL', { stderr: 'was not there\n' });
  const { status, stdout, stderr } = await cni('add', 'net1', 'c1');
  t.is(status, 1);
  t.is(stdout, '');
  const line = 'linkpoint: plugin type="one" failed (add): try later; busy (CNI error 11)';
  t.is(stderr, `was not there\n${line}\n`);
});

test('a network that is not there, and an attachment that cannot be, are errors', async (t) => {
  const { fake, cni } = machine(t);
  const { status, stderr } = await cni('add', 'net2', 'c1');
  t.is(status, 1);
  const { confDir } = fake.options;
  t.is(stderr, `linkpoint: no net configuration with name "net2" in ${confDir} (CNI error 7)\n`);
  const bad = await cni('add', 'net1', 'c1', '--container-id', '../c1');
  t.is(bad.stderr, 'linkpoint: invalid characters in containerID; ../c1 (CNI error 4)\n');
  t.is(bad.status, 1);
  t.deepEqual(fake.said(), []);
});

test('install writes the plugins, prints their paths, and leaves others’ alone unless it is forced', async (t) => {
  const folder = path.join(temporaryFolder(t), 'bin');
  const first = await run(['cni', 'install', folder]);
  t.deepEqual([first.status, first.stderr], [0, '']);
  const paths = first.stdout.trimEnd().split('\n');
  for (const name of ['bridge', 'host-local']) t.true(paths.includes(path.join(folder, name)), name);
  for (const file of paths) t.true(existsSync(file), file);
  const fake = new FakePlugins(t, 'bridge');
  const theirs = path.join(fake.root, 'bin');
  const refused = await run(['cni', 'install', theirs]);
  t.is(refused.status, 1);
  t.regex(refused.stderr, /^linkpoint: Cannot install .* \(ERR_INVALID_OPTION\)\n$/);
  t.is((await run(['cni', 'install', theirs, '--force'])).status, 0);
});

test('variables say what options do not, as for cnitool', (t) => {
  const env = {
    CNI_PATH: '/a:/b',
    NETCONFPATH: '/conf',
    CNI_IFNAME: 'net0',
    CNI_ARGS: 'K=v;L=w',
    CAP_ARGS: '{"mac":"x"}',
  };
  t.like(parseCniCommand(['net1', '/run/netns/c1'], env), {
    ...{ network: 'net1', netns: '/run/netns/c1', path: ['/a', '/b'], confDir: '/conf', cacheDir: null },
    ...{ ifName: 'net0', containerId: DERIVED_ID, args: [['K', 'v'], ['L', 'w']], capabilityArgs: { mac: 'x' } },
  });
  const options = ['--path', '/c', '--conf-dir', '/d', '--ifname', 'eth1', '--args', 'M=x', '--cap-args', '{}'];
  t.like(parseCniCommand(['net1', 'c1', ...options], env), {
    ...{ path: ['/c'], confDir: '/d', ifName: 'eth1', args: [['M', 'x']], capabilityArgs: {} },
  });
});

test('without either there are defaults, and no arguments', (t) => {
  const line = parseCniCommand(['net1'], {});
  t.like(line, { netns: null, path: ['/opt/cni/bin'], confDir: null, cacheDir: null, ifName: 'eth0', containerId: '' });
  t.false('args' in line);
  t.false('capabilityArgs' in line);
});

for (const [line, env, message] of [
  ['', {}, /name of a network is expected/],
  ['net1 c1 more', {}, /"more" is one word too many/],
  ['net1 c1 --args K', {}, /--args has "K": KEY=VALUE is expected/],
  ['net1 c1 --args K=v;L=w', {}, /--args has "K=v;L=w"/],
  ['net1 c1', { CNI_ARGS: 'K=v;' }, /CNI_ARGS has "": KEY=VALUE is expected/],
  ['net1 c1 --cap-args {', {}, /--cap-args is no JSON: /],
  ['net1 c1', { CAP_ARGS: '[]' }, /CAP_ARGS is \[\]: a JSON object is expected/],
  ['net1 --keep /eth0', {}, /--keep is "\/eth0"/],
  ['net1 --bogus', {}, /--bogus/],
] as const) {
  test(`"cni … ${line}" with ${JSON.stringify(env)} is a usage error`, (t) => {
    const words = line.split(' ').filter((word) => word !== '');
    t.throws(() => parseCniCommand(words, env), { name: 'UsageError', message });
  });
}

for (const line of ['cni', 'cni fly', 'cni add', 'cni add net1', 'cni del net1', 'cni install', 'cni install a b']) {
  test(`"linkpoint ${line}" is refused with the usage of cni and exit 2`, async (t) => {
    const { status, stdout, stderr } = await run(line.split(' '));
    t.is(status, 2);
    t.is(stdout, '');
    t.regex(stderr, /^linkpoint: .+\n\nlinkpoint cni install DIR/);
  });
}

test('--help tells the commands and the options', async (t) => {
  const { status, stdout } = await run(['cni', '--help']);
  t.is(status, 0);
  for (const word of ['install', 'add', 'check', 'del', 'gc', 'status', 'version', '--cap-args', '--keep']) {
    t.true(stdout.includes(word), word);
  }
  t.regex((await run(['--help'])).stdout, /linkpoint cni /);
});
