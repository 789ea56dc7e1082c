/** What `probeKernel` says, against what `ip` and the kernel say. */

import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

import test from 'ava';

import { closeFd, createNetworkNamespace, runInNamespace } from '../../native/index.ts';
import { type Feature, probeKernel } from '../../sandbox/probe.ts';
import type { FeatureName } from '../../sandbox/probe-check.ts';
import { testWith } from '../_examples.ts';
import { command } from './announce-support.ts';
import { makeNamespace } from './native-support.ts';

const features = probeKernel();
const find = (name: FeatureName): Feature => features.find((feature) => feature.name === name) as Feature;

const KINDS = ['veth', 'bridge', 'macvlan', 'macvtap', 'ipvlan', 'vlan'] as const;

testWith('ip')('the kinds of links that are there are those that ip can make', async (t) => {
  const namespace = makeNamespace(t);
  for (const kind of KINDS) {
    t.is(find(kind).available, ipCanMake(namespace, kind), kind);
  }
  t.is(find('bridge-vlan-filtering').available, ipCanMake(namespace, 'bridge', 'vlan_filtering', '1'));
});

function ipCanMake(namespace: number, kind: string, ...options: string[]): boolean {
  const isUpper = kind !== 'veth' && kind !== 'bridge';
  const lower = isUpper ? ['link', `${kind}-low`] : [];
  const own = kind === 'vlan' ? ['id', '7'] : options;
  try {
    if (isUpper) command(namespace, 'ip', 'link', 'add', `${kind}-low`, 'type', 'veth');
    command(namespace, 'ip', 'link', 'add', ...lower, 'type', kind, ...own);
    return true;
  } catch {
    return false;
  }
}

const CONFIG = '/proc/config.gz';

const testWithConfig = existsSync(CONFIG) ? test : test.skip;

testWithConfig(`what the kernel was built without is not there${existsSync(CONFIG) ? '' : ` (no ${CONFIG})`}`, (t) => {
  const config = gunzipSync(readFileSync(CONFIG)).toString();
  const isUnset = (option: string): boolean => config.includes(`# CONFIG_${option} is not set\n`);
  for (const [option, name] of [
    ['VHOST_NET', 'vhost-net'],
    ['VLAN_8021Q', 'vlan'],
    ['IPVLAN', 'ipvlan'],
    ['MACVTAP', 'macvtap'],
    ['BRIDGE', 'bridge'],
    ['TUN', 'tun'],
  ] as const) {
    if (isUnset(option)) t.false(find(name).available, name);
  }
  t.true(config.includes('CONFIG_NET=y\n'));
});

test('with these rights packet sockets and namespaces are there', (t) => {
  for (const name of ['network-namespace', 'packet-socket', 'packet-ring', 'packet-fanout-hash'] as const) {
    t.like(find(name), { available: true, reason: null, remedy: null }, name);
  }
});

test('what is missing has a remedy of its own', (t) => {
  const tun = find('tun');
  if (!tun.available) t.regex(tun.remedy ?? '', /\/dev\/net\/tun/);
  // A PATH with a directory that this user may not search answers EACCES: a right is missing then.
  if (!find('nft').available) t.regex(find('nft').remedy ?? '', /nftables|run as root/);
  if (!find('vhost-net').available) t.regex(find('vhost-net').remedy ?? '', /vhost/);
  t.true(features.filter(({ available }) => !available).every(({ remedy }) => (remedy ?? '') !== ''));
});

test('a few features can be asked for', (t) => {
  const asked = probeKernel(['nft', 'tun']);
  t.deepEqual(asked.map(({ name }) => name), ['tun', 'nft']);
});

test('nothing stays: no interface, no descriptor', (t) => {
  const namespace = makeNamespace(t);
  const interfaces = (): string =>
    runInNamespace(namespace, () => readFileSync('/proc/thread-self/net/dev', 'utf8').replace(/\d+/g, ''));
  const next = (): number => {
    const fd = createNetworkNamespace();
    closeFd(fd);
    return fd;
  };
  const [before, fdBefore] = [interfaces(), next()];
  runInNamespace(namespace, () => void probeKernel());
  t.is(interfaces(), before);
  t.is(next(), fdBefore);
});
