/** The protocol between runtime and plugin: environment, versions, errors. Texts and order are the reference's. */

import test from 'ava';

import { parseCniArgs } from '../../cni/args.ts';
import { readValidAttachments } from '../../cni/attachments.ts';
import { CniError } from '../../cni/error.ts';
import { runPlugin } from '../../cni/skel.ts';
import type { CniPlugin, PluginContext } from '../../cni/types.ts';
import { CNI_VERSIONS, parseVersion } from '../../cni/version.ts';
import { type Answer, type Call, call, decode } from './_support.ts';

const config = { cniVersion: '1.1.0', name: 'net1', type: 'recorder', extra: 'kept' };
const result = { interfaces: [], ips: [{ address: '192.0.2.2/24' }], routes: [], dns: {} };

/** A plugin that remembers its calls. */
function makeRecorder(): { plugin: CniPlugin; calls: PluginContext[] } {
  const calls: PluginContext[] = [];
  const record = (context: PluginContext): void => void calls.push(context);
  const add = (context: PluginContext): typeof result => (record(context), result);
  const about = 'a plugin that remembers';
  return {
    plugin: { about, versions: CNI_VERSIONS, add, check: record, del: record, gc: record, status: record },
    calls,
  };
}

const run = (request: Call): Promise<Answer> => call(makeRecorder().plugin, { config, ...request });

for (const command of ['ADD', 'CHECK', 'DEL', 'GC', 'STATUS']) {
  test(`${command} calls the plugin's function with environment and configuration`, async (t) => {
    const { plugin, calls } = makeRecorder();
    const env = { CNI_ARGS: 'A=1', CNI_PATH: '/nowhere/a:/nowhere/b' };
    const answer = await call(plugin, { command, config, env });
    t.is(answer.status, 0, answer.stdout);
    t.is(calls.length, 1);
    t.like(calls[0], { command, containerId: 'c1', netns: '/nowhere/netns', ifName: 'eth0', args: 'A=1' });
    t.like(calls[0], { path: ['/nowhere/a', '/nowhere/b'], config, raw: JSON.stringify(config), cniVersion: '1.1.0' });
    if (command === 'ADD') t.is(decode(answer)['cniVersion'], '1.1.0');
    else t.is(answer.stdout, '');
  });
}

test('VERSION answers with the versions and reads no stdin', async (t) => {
  let stdout = '';
  const status = await runPlugin(makeRecorder().plugin, {
    env: { CNI_COMMAND: 'VERSION' },
    stdin: () => t.fail('stdin is read') as unknown as string,
    stdout: (text) => (stdout += text),
    stderr: () => t.fail('stderr is written'),
  });
  t.is(status, 0);
  t.is(stdout, `{"cniVersion":"1.1.0","supportedVersions":${JSON.stringify(CNI_VERSIONS)}}\n`);
});

test('without a command the plugin says what it is, on stderr, and succeeds', async (t) => {
  const answer = await run({ command: '' });
  t.deepEqual(answer, {
    status: 0,
    stdout: '',
    stderr: `a plugin that remembers\nCNI protocol versions supported: ${CNI_VERSIONS.join(', ')}\n`,
  });
});

test('without a command and without a text about itself, the variable is missing', async (t) => {
  const plugin = { ...makeRecorder().plugin, about: '' };
  t.deepEqual(decode(await call(plugin, { command: '' })), {
    code: 4,
    msg: 'required env variables [CNI_COMMAND] missing',
  });
});

const NEEDED: Readonly<Record<string, readonly string[]>> = {
  ADD: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'],
  CHECK: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'],
  DEL: ['CNI_CONTAINERID', 'CNI_IFNAME', 'CNI_PATH'],
  GC: ['CNI_PATH'],
  STATUS: ['CNI_PATH'],
  VERSION: [],
};

for (const [command, needed] of Object.entries(NEEDED)) {
  for (const name of ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH', 'CNI_ARGS']) {
    const isNeeded = needed.includes(name);
    test(`${command} ${isNeeded ? 'needs' : 'does without'} ${name}`, async (t) => {
      const answer = await run({ command, env: { [name]: '' } });
      t.is(answer.status, isNeeded ? 1 : 0, answer.stdout);
      if (isNeeded) t.deepEqual(decode(answer), { code: 4, msg: `required env variables [${name}] missing` });
    });
  }
}

test('all missing variables are named at once, in the order of the specification', async (t) => {
  const answer = await run({ env: { CNI_IFNAME: '', CNI_CONTAINERID: '', CNI_PATH: '' } });
  t.is(answer.status, 1);
  t.is(
    answer.stdout,
    '{\n    "code": 4,\n    "msg": "required env variables [CNI_CONTAINERID,CNI_IFNAME,CNI_PATH] missing"\n}',
  );
});

const BAD_VARIABLES: readonly (readonly [string, string, object])[] = [
  ['CNI_CONTAINERID', 'a/b', { code: 4, msg: 'invalid characters in containerID', details: 'a/b' }],
  ['CNI_CONTAINERID', '../c1', { code: 4, msg: 'invalid characters in containerID', details: '../c1' }],
  ['CNI_CONTAINERID', '-c1', { code: 4, msg: 'invalid characters in containerID', details: '-c1' }],
  ['CNI_CONTAINERID', 'c1\n', { code: 4, msg: 'invalid characters in containerID', details: 'c1\n' }],
  [
    'CNI_IFNAME',
    'a123456789012345',
    { code: 4, msg: 'interface name is too long', details: 'interface name should be less than 16 characters' },
  ],
  ['CNI_IFNAME', '.', { code: 4, msg: 'interface name is . or ..' }],
  ['CNI_IFNAME', '..', { code: 4, msg: 'interface name is . or ..' }],
  ['CNI_IFNAME', 'a/b', { code: 4, msg: 'interface name contains / or : or whitespace characters' }],
  ['CNI_IFNAME', 'a:b', { code: 4, msg: 'interface name contains / or : or whitespace characters' }],
  ['CNI_IFNAME', 'a b', { code: 4, msg: 'interface name contains / or : or whitespace characters' }],
];

for (const [name, value, error] of BAD_VARIABLES) {
  test(`${name}=${JSON.stringify(value)} is refused before anything is called`, async (t) => {
    const { plugin, calls } = makeRecorder();
    const answer = await call(plugin, { config, env: { [name]: value } });
    t.is(answer.status, 1);
    t.deepEqual(decode(answer), error);
    t.is(calls.length, 0);
  });
}

const BAD_CONFIGURATIONS: readonly (readonly [string, string, number, RegExp])[] = [
  ['no JSON', '{"name":"n1"', 6, /^error unmarshall network config: /],
  ['no object', '[]', 6, / cannot unmarshal array into Go value of type struct \{ Name string "json:\\"name\\"" \}$/],
  ['nothing at all', '', 6, /^error unmarshall network config: unexpected end of JSON input$/],
  ['more than an object', '{} x', 6, /^error unmarshall network config: invalid character 'x' after top-level value$/],
  ['null', 'null', 7, /^missing network name$/],
  ['a name that is a number', '{"name":5}', 6, / cannot unmarshal number into Go struct field \.name of type string$/],
  ['a version that is a number', '{"name":"n1","cniVersion":1}', 6, /^decoding version from network config: json: /],
  ['no name', '{"cniVersion":"1.0.0"}', 7, /^missing network name$/],
  ['a name that is a path', '{"name":"../n1"}', 7, /^invalid characters found in network name$/],
];

for (const [title, text, code, msg] of BAD_CONFIGURATIONS) {
  test(`a configuration with ${title} is refused with code ${code}`, async (t) => {
    const error = decode(await run({ config: text }));
    t.is(error['code'], code);
    t.regex(String(error['msg']), msg);
  });
}

const missing = (name: string): { code: number; msg: string } => ({
  code: 4,
  msg: `required env variables [${name}] missing`,
});

test('what is missing comes before what is wrong, and the configuration before the names', async (t) => {
  const ask = async (env: Record<string, string>, text = JSON.stringify(config)): Promise<unknown> =>
    decode(await run({ config: text, env }));
  t.deepEqual(await ask({ CNI_CONTAINERID: '', CNI_IFNAME: 'a/b' }), missing('CNI_CONTAINERID'));
  t.deepEqual(await ask({ CNI_CONTAINERID: '!' }, '{}'), { code: 7, msg: 'missing network name' });
  t.deepEqual(await ask({ CNI_CONTAINERID: '!', CNI_IFNAME: 'a/b' }), {
    ...{ code: 4, msg: 'invalid characters in containerID', details: '!' },
  });
});

test('an unknown command without a container is one without a container', async (t) => {
  const answer = await run({ command: 'NOPE', env: { CNI_CONTAINERID: '' } });
  t.deepEqual(decode(answer), { code: 3, msg: 'missing containerID' });
  const unnamed = await run({ command: 'NOPE', env: { CNI_IFNAME: '' } });
  t.deepEqual(decode(unnamed), { code: 4, msg: 'interface name is empty' });
});

test('the letter case of name and cniVersion does not matter', async (t) => {
  t.like(decode(await run({ config: '{"NAME":"net1","CNIVERSION":"0.4.0"}' })), { cniVersion: '0.4.0' });
});

test('a version with a part that is no number is refused by CHECK, with the reference’s words', async (t) => {
  const error = decode(await run({ command: 'CHECK', config: { ...config, cniVersion: '1.a.0' } }));
  const msg = 'failed to convert minor version part "a": strconv.Atoi: parsing "a": invalid syntax';
  t.deepEqual(error, { code: 6, msg });
});

test('a namespace that cannot be looked at is the plugin’s to refuse', async (t) => {
  for (const netns of ['/etc/passwd/x', `/${'x'.repeat(300)}`]) {
    t.is((await run({ env: { CNI_NETNS: netns } })).status, 0, 'this plugin does not mind');
  }
});

test('stdin that cannot be read is an I/O failure', async (t) => {
  let stdout = '';
  const stdin = (): string => {
    throw new Error('banana');
  };
  const io = { env: { CNI_COMMAND: 'GC', CNI_PATH: '/x' }, stdin, stderr: () => undefined };
  t.is(await runPlugin(makeRecorder().plugin, { ...io, stdout: (text) => (stdout += text) }), 1);
  t.deepEqual(JSON.parse(stdout), { code: 5, msg: 'error reading from stdin: banana' });
});

test('an unknown command is an error of the environment', async (t) => {
  t.deepEqual(decode(await run({ command: 'NOPE' })), { code: 4, msg: 'unknown CNI_COMMAND: NOPE' });
});

for (const [command, old] of [
  ['CHECK', '0.3.1'],
  ['GC', '1.0.0'],
  ['STATUS', '1.0.0'],
] as const) {
  test(`${command} is refused to a configuration of ${old}, and to a plugin that is older`, async (t) => {
    const refused = await run({ command, config: { ...config, cniVersion: old } });
    t.deepEqual(decode(refused), { code: 1, msg: `config version does not allow ${command}` });
    const plugin = { ...makeRecorder().plugin, versions: ['0.1.0', '0.3.1'] };
    const tooOld = await call(plugin, { command, config });
    t.deepEqual(decode(tooOld), { code: 1, msg: `plugin version does not allow ${command}` });
  });
}

test('a configuration of no known version is refused with both sides named', async (t) => {
  const error = decode(await run({ config: { ...config, cniVersion: '9.9.9' } }));
  const supported = CNI_VERSIONS.map((version) => `"${version}"`).join(' ');
  const details = `config is "9.9.9", plugin supports [${supported}]`;
  t.deepEqual(error, { code: 1, msg: 'incompatible CNI versions', details });
});

test('a configuration without a version is one of 0.1.0', async (t) => {
  const answer = await run({ config: { name: 'net1' } });
  t.deepEqual(decode(answer), { cniVersion: '0.1.0', ip4: { ip: '192.0.2.2/24' }, dns: {} });
  t.is(decode(await run({ command: 'CHECK', config: { name: 'net1' } }))['code'], 1);
});

test('what a plugin throws keeps its code; what is no CNI error becomes internal', async (t) => {
  const failing = (error: Error): CniPlugin => ({
    ...makeRecorder().plugin,
    add: () => {
      throw error;
    },
  });
  const typed = await call(failing(new CniError(11, 'later', 'soon')), { config });
  t.is(typed.status, 1);
  t.deepEqual(decode(typed), { code: 11, msg: 'later', details: 'soon' });
  t.deepEqual(decode(await call(failing(new Error('broken')), { config })), { code: 999, msg: 'broken' });
});

test('a container in the namespace of the plugin is refused, ADD before anything is made', async (t) => {
  const { plugin, calls } = makeRecorder();
  const env = { CNI_NETNS: '/proc/self/ns/net' };
  const error = { code: 8, msg: "plugin's netns and netns from CNI_NETNS should not be the same" };
  t.deepEqual(decode(await call(plugin, { config, env })), error);
  t.is(calls.length, 0);
  t.deepEqual(decode(await call(plugin, { command: 'DEL', config, env })), error);
  t.is(calls.length, 1);
  t.is((await call(plugin, { config, env: { ...env, CNI_NETNS_OVERRIDE: 'true' } })).status, 0);
});

test('a plugin without a function for a command succeeds and says nothing', async (t) => {
  const plugin: CniPlugin = { about: 'x', versions: CNI_VERSIONS, del: () => undefined };
  for (const command of ['ADD', 'CHECK', 'GC', 'STATUS']) {
    t.deepEqual(await call(plugin, { command, config }), { status: 0, stdout: '', stderr: '' }, command);
  }
});

test('parseCniArgs() takes what is known and refuses the rest unless IgnoreUnknown says otherwise', (t) => {
  t.is(parseCniArgs('', ['IP']).size, 0);
  t.is(parseCniArgs('IP=192.0.2.9', ['IP']).get('IP'), '192.0.2.9');
  t.is(parseCniArgs('K8S_POD=a;IP=192.0.2.9;IgnoreUnknown=1', ['IP']).get('IP'), '192.0.2.9');
  t.throws(() => parseCniArgs('FOO', ['IP']), { message: 'ARGS: invalid pair "FOO"' });
  t.throws(() => parseCniArgs('FOO=1;BAR=2', ['IP']), { message: 'ARGS: unknown args ["FOO=1" "BAR=2"]' });
  t.throws(() => parseCniArgs('FOO=1;IgnoreUnknown=0', ['IP']), { message: 'ARGS: unknown args ["FOO=1"]' });
  for (const args of ['FOO=1;IgnoreUnknown=x', 'IgnoreUnknown=x']) {
    t.throws(() => parseCniArgs(args, ['IP']), { message: /invalid input x$/ });
  }
});

test('parseVersion() reads one to three numbers', (t) => {
  t.deepEqual(parseVersion('1.10.2'), [1, 10, 2]);
  t.deepEqual(parseVersion('1.2'), [1, 2, 0]);
  for (const bad of ['', '1.2.3.4', 'a', '1.x', '1..2']) t.throws(() => parseVersion(bad), { instanceOf: Error }, bad);
});

test('readValidAttachments() tells a missing list from an empty one', (t) => {
  const key = 'cni.dev/valid-attachments';
  t.deepEqual(readValidAttachments({ [key]: [{ containerID: 'c1', ifname: 'eth0' }] }), [
    { containerId: 'c1', ifName: 'eth0' },
  ]);
  t.deepEqual(readValidAttachments({ [key]: null }), []);
  t.throws(() => readValidAttachments({}), { instanceOf: CniError });
});
