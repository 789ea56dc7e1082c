/** `linkpoint probe`: what it prints. What it finds: privileged/probe.test.ts. */

import { release } from 'node:os';

import test from 'ava';

import { formatFeatures } from '../../cli/probe.ts';
import type { Feature } from '../../sandbox/probe.ts';
import { run } from './_support.ts';

const there: Feature = { name: 'veth', what: 'veth pairs', available: true, reason: null, remedy: null };
const missing = (name: Feature['name']): Feature => ({
  name,
  what: 'something else',
  available: false,
  reason: 'no',
  remedy: 'yes',
});

test('features have a line each, and what is missing one reason and one remedy for all that share it', (t) => {
  t.deepEqual(formatFeatures([there, missing('macvtap'), missing('nft')]), [
    'yes  veth     veth pairs',
    'no   macvtap  something else',
    'no   nft      something else',
    '\nmacvtap, nft:\n  no\n  remedy: yes',
  ]);
});

test('--json prints every feature, and a reason and a remedy for exactly those that are missing', async (t) => {
  const { status, stdout, stderr } = await run(['probe', '--json']);
  t.is(stderr, '');
  t.is(status, 0);
  const { kernel, uid, features } = JSON.parse(stdout) as { kernel: string; uid: number; features: Feature[] };
  t.is(kernel, release());
  t.is(uid, process.getuid?.() as number);
  t.is(new Set(features.map(({ name }) => name)).size, features.length);
  t.true(features.length >= 28);
  for (const { name, available, reason, remedy } of features) {
    t.is(reason === null, available, name);
    t.is(remedy === null, available, name);
  }
});

test('without --json it prints the same for people', async (t) => {
  const { status, stdout } = await run(['probe']);
  t.is(status, 0);
  t.regex(stdout, /^Linux \S+, uid \d+\n(?:yes|no ) {2}network-namespace /);
  t.regex(stdout, /^(?:yes|no ) {2}packet-fanout-hash {2,}fan-out by flow$/m);
});

test('without rights and programs everything that needs them is missing, with a remedy', async (t) => {
  const asNobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
  const prefix = [...(process.getuid?.() === 0 ? asNobody : []), 'env', 'PATH=/nowhere'];
  const { status, stdout } = await run(['probe', '--json'], { prefix });
  t.is(status, 0);
  const { features } = JSON.parse(stdout) as { features: Feature[] };
  const of = (name: Feature['name']): Feature => features.find((feature) => feature.name === name) as Feature;
  t.like(of('macvtap'), { available: false, remedy: 'run as root, or inside `unshare -Urn`' });
  t.regex(of('macvtap').reason ?? '', /unshare\(CLONE_NEWNET\) failed with EPERM/);
  t.regex(of('packet-socket').reason ?? '', /CAP_NET_RAW is required/);
  t.regex(of('user-namespace').remedy ?? '', /util-linux/);
});
