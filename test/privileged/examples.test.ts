/** The examples that make interfaces, each in a network namespace of its own. */

import test from 'ava';
import { runExample, testWith } from '../_examples.ts';
import { testWithTun } from './_rights.ts';

testWith('ping', testWithTun)('tap-echo answers every ping of the kernel', async (t) => {
  const { code, stdout, stderr } = await runExample('tap-echo');
  t.is(stderr, '');
  t.regex(stdout, /3 packets transmitted, 3 received, 0% packet loss/);
  t.is(code, 0);
});

test('fan-out keeps each of 64 flows on one of two workers', async (t) => {
  const { code, stdout, stderr } = await runExample('fan-out');
  t.is(stderr, '');
  const [, first, second, both] = /^worker 0: (\d+) flows, worker 1: (\d+) flows, on both: (\d+)\n$/.exec(stdout) ?? [];
  t.is(Number(first) + Number(second), 64, stdout);
  t.true(Number(first) > 0 && Number(second) > 0, stdout);
  t.is(both, '0');
  t.is(code, 0);
});

testWith('ip')('announce changes what the kernel of a neighbor knows', async (t) => {
  const { code, stdout, stderr } = await runExample('announce');
  t.is(stderr, '');
  t.regex(stdout, /^before: 192\.0\.2\.1 dev eth0 lladdr 02:00:00:00:00:99 STALE\n/);
  t.regex(stdout, /\nafter:  192\.0\.2\.1 dev eth0 lladdr 02:00:00:00:00:01 STALE\n$/);
  t.is(code, 0);
});

testWith('ping', testWithTun)('veth-to-stack answers the kernel behind the veth', async (t) => {
  const { code, stdout, stderr } = await runExample('veth-to-stack');
  t.is(stderr, '');
  t.regex(stdout, /3 packets transmitted, 3 received, 0% packet loss/);
  t.is(code, 0);
});

testWith('qemu-system-x86_64', testWithTun)('qemu-with-tap prints arguments, and what the guest asks', async (t) => {
  const { code, stdout, stderr } = await runExample('qemu-with-tap');
  const [argv, discover] = stdout.split('\n');
  const card = '-device virtio-net-pci,netdev=net0,mac=02:00:00:00:00:07,mq=on,vectors=6';
  t.is(argv, `-netdev tap,id=net0,fds=3:4,vhost=off ${card}`, stderr);
  t.regex(discover ?? '', /^02:00:00:00:00:07 > ff:ff:ff:ff:ff:ff, .* 0\.0\.0\.0\.68 > 255\.255\.255\.255\.67: UDP/);
  t.is(code, 0);
});
