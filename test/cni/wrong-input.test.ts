/**
 * Input that is wrong, before anything of the machine is looked at: our bridge and Debian's say the same, with the same
 * code, on stdout, exit 1. What is wrong with the machine is in test/privileged/cni-bridge-reference.test.ts.
 */

import { existsSync } from 'node:fs';
import path from 'node:path';

import test from 'ava';

import { bridgePlugin } from '../../cni/bridge/plugin.ts';
import type { JsonObject } from '../../cni/json.ts';
import { DEBIAN_FOLDER, execute, testWithDebian } from './_executables.ts';
import { type Answer, call, type Call, temporaryFolder } from './_support.ts';

const THEIRS = path.join(DEBIAN_FOLDER, 'bridge');

const network = (more: JsonObject = {}): JsonObject => ({
  cniVersion: '1.0.0',
  name: 'net1',
  type: 'bridge',
  ipam: { type: 'host-local', subnet: '192.0.2.0/24' },
  ...more,
});

const names = (variable: string, values: readonly string[]): [string, Call][] =>
  values.map((value) => [`${variable} ${encodeURIComponent(value)}`, { env: { [variable]: value } }]);

const wrongKinds: readonly JsonObject[] = [
  { mtu: 'big' },
  { mtu: 1.5 },
  { mtu: [] },
  { isGateway: 1 },
  { isGateway: 'true' },
  { hairpinMode: {} },
  { vlan: 'x' },
  { vlan: -1 },
  { vlan: 4095 },
  { bridge: 7 },
  { ipam: [] },
  { ipam: { type: 5 } },
  { dns: 5 },
  { dns: { nameservers: 5 } },
  { dns: { nameservers: [5] } },
  { type: 5 },
  { capabilities: 5 },
  { capabilities: { ips: 'yes' } },
  { prevResult: 5 },
  { runtimeConfig: 5 },
  { runtimeConfig: { mac: 5 } },
  { args: 5 },
  { args: { cni: 5 } },
  { args: { cni: { mac: 5 } } },
  { cniVersion: 5 },
  { cniVersion: '9.9.9' },
  { name: 5 },
  { name: '' },
  { name: '../net1' },
  { name: null },
  { ISGATEWAY: 'x' },
];

const texts: readonly string[] = ['', '{', '[]', 'null', '5', '"x"', 'nonsense', '{"name":"net1",}', '{"name":"n"} x'];

/** Title and call. */
const INPUTS: readonly (readonly [string, Call])[] = [
  ...['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'].map((name): [string, Call] => [
    `without ${name}`,
    { env: { [name]: '' } },
  ]),
  ['without any variable', { env: { CNI_CONTAINERID: '', CNI_NETNS: '', CNI_IFNAME: '', CNI_PATH: '' } }],
  ['a wrong name and a missing one', { env: { CNI_CONTAINERID: '', CNI_IFNAME: 'a/b' } }],
  ['a wrong name and no JSON', { env: { CNI_CONTAINERID: 'a/b' }, config: '{' }],
  ['two wrong names', { env: { CNI_CONTAINERID: 'a/b', CNI_IFNAME: 'a/b' } }],
  ['an unknown command', { command: 'NOPE' }],
  ['an unknown command without a container', { command: 'NOPE', env: { CNI_CONTAINERID: '' } }],
  ['a command in small letters', { command: 'add' }],
  ...names('CNI_CONTAINERID', ['a/b', '..', '../x', '.x', '-x', 'a b', 'a;b', 'ä', 'a\nb']),
  ...names('CNI_IFNAME', ['a/b', '..', '.', 'a:b', 'a b', 'a\tb', 'abcdefghijklmnop', 'äöüäöüäö', 'a\u2003b']),
  ...texts.map((text): [string, Call] => [`the configuration ${JSON.stringify(text)}`, { config: text }]),
  ...wrongKinds.map((more): [string, Call] => [JSON.stringify(more), { config: network(more) }]),
  ...['FOO', 'FOO=1', 'MAC=a=b', 'IgnoreUnknown=x'].map((args): [string, Call] => [
    `CNI_ARGS ${args}`,
    { env: { CNI_ARGS: args } },
  ]),
  ['CHECK of a version that has none', { command: 'CHECK', config: network({ cniVersion: '0.3.1' }) }],
  ['CHECK of no version', { command: 'CHECK', config: network({ cniVersion: '1.a.0' }) }],
];

/** Versions are listed up to 1.1.0 by ours. */
const comparable = ({ status, stdout }: Answer): unknown => ({ status, stdout: stdout.replace(' \\"1.1.0\\"', '') });

for (const [title, request] of INPUTS) {
  testWithDebian(`refused as by the reference: ${title}`, async (t) => {
    const calls = ['ADD', 'DEL'].map((command): Call => ({ command, config: network(), ...request }));
    for (const one of calls.slice(0, request.command === undefined ? 2 : 1)) {
      const ours = await call(bridgePlugin, one);
      // DEL needs no namespace: nothing is wrong then.
      if (one.command === 'DEL' && ours.status === 0) continue;
      t.is(ours.status, 1, ours.stdout);
      const env = { CNI_PATH: '/nowhere/bin', ...one.env };
      t.deepEqual(comparable(ours), comparable(await execute(THEIRS, { ...one, env })));
    }
  });
}

test('a folder that the configuration names is not made when the call is refused', async (t) => {
  const dataDir = path.join(temporaryFolder(t), 'data');
  const ipam = { type: 'host-local', subnet: '192.0.2.0/24', dataDir };
  for (const more of [{ mtu: 'big' }, { name: '../x' }, { cniVersion: '9.9.9' }]) {
    t.is((await call(bridgePlugin, { config: network({ ipam, ...more }) })).status, 1);
    t.false(existsSync(dataDir));
  }
});
