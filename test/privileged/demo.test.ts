import { statSync } from 'node:fs';

import test, { type ExecutionContext } from 'ava';

import type { DemoReport } from '../../cli/demo-report.ts';
import { type Tier, TIERS } from '../../cli/demo-messages.ts';
import { delay, until } from '../native/_support.ts';
import { descendants, isAlive, namespaceOf, namespacesInUse } from '../cli/_support.ts';
import { run, type Run, type RunOptions, start } from '../cli/_support.ts';
import { type RegisterTest, testAsRealRoot, testWithTun } from './_rights.ts';

/** An ordinary user, as CI runs the second tier. */
const AS_NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];

/** How a test of the tier is registered. */
const testOf = (tier: Tier): RegisterTest => (tier === 'tap' ? testWithTun : test.serial);

function checkGood(t: ExecutionContext, { status, stdout, stderr }: Run): DemoReport {
  t.is(stderr, '');
  t.is(status, 0);
  const report = JSON.parse(stdout) as DemoReport;
  t.like(report, { ok: true, failures: [], offloads: true, drops: {} });
  return report;
}

for (const tier of ['tap', 'veth'] as const) {
  const testTier = testOf(tier);

  testTier(`over a ${tier} the kernel gets every echo back, super-packets whole`, async (t) => {
    const report = checkGood(t, await run(['demo', '--tier', tier, '--json']));
    t.is(report.tier, tier);
    t.deepEqual(report.probes.map(({ tool, received }) => [tool, received]), [['ping', 3], ['ping', 3]]);
    t.deepEqual(report.exchanges.map(({ datagrams }) => datagrams), [12_000, 12_000]);
    t.deepEqual(report.exchanges.map(({ right }) => right), [12_000, 12_000]);
    t.deepEqual(report.exchanges.map(({ superSends }) => superSends), [50, 50]);
    t.true(report.received.superPackets >= 100);
    t.true(report.sent.superPackets >= 100);
    for (const { roundTripP50, roundTripP99 } of report.exchanges) {
      t.true(roundTripP50 > 0 && roundTripP99 >= roundTripP50);
    }
  });

  testTier(`over a ${tier}, without ping(8), the kernel's own sockets ask`, async (t) => {
    const env = { ...process.env, PATH: '/nowhere' };
    const report = checkGood(t, await run(['demo', '--tier', tier, '--count', '100', '--json'], { env }));
    t.deepEqual(report.probes.map(({ tool, received }) => [tool, received]), [['socket', 3], ['socket', 3]]);
  });
}

testWithTun('by default the best tier is taken', async (t) => {
  t.is(checkGood(t, await run(['demo', '--count', '100', '--json'])).tier, 'tap');
});

testAsRealRoot('an ordinary user goes through a user namespace', async (t) => {
  const report = checkGood(t, await run(['demo', '--count', '1000', '--json'], { prefix: AS_NOBODY }));
  if (isTunForEverybody()) {
    t.is(report.tier, 'tap');
  } else {
    t.is(report.tier, 'veth');
    t.deepEqual(report.refused.map(({ tier }) => tier), ['tap']);
    t.regex(report.refused[0]!.reason, /EACCES; read and write access to \/dev\/net\/tun is required/);
  }
});

testAsRealRoot('who can make no namespace gets a scripted peer, and is told what is missing', async (t) => {
  const options: RunOptions = { prefix: [...AS_NOBODY, 'env', 'PATH=/nowhere'] };
  const { status, stdout } = await run(['demo', '--count', '100'], options);
  t.is(status, 0);
  t.regex(stdout, /^linkpoint demo over a socketpair .*\n {2}not over tap or veth: .*CAP_SYS_ADMIN is required/);
  const refused = await run(['demo', '--tier', 'veth', '--count', '100'], options);
  t.is(refused.status, 1);
  t.is(refused.stdout, '');
  t.regex(refused.stderr, /^linkpoint: Cannot make a device in a namespace: .*CAP_SYS_ADMIN is required.*\n$/);
});

for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGKILL', null]] as const) {
  for (const prefix of [[], AS_NOBODY]) {
    const who = prefix.length === 0 ? '' : ', by an ordinary user';
    const testWho: RegisterTest = prefix.length === 0 ? test.serial : testAsRealRoot;
    testWho(`${signal} in the middle leaves no process and no namespace${who}`, async (t) => {
      const { child, ended } = start(['demo', '--count', '1000000'], { prefix });
      const pid = child.pid as number;
      await until(() => descendants(pid).some(isElsewhere), 'the child is in its namespace');
      await delay(300);
      const left = descendants(pid);
      const namespaces = left.filter(isElsewhere).map(namespaceOf);
      t.true(namespaces.length > 0);
      child.kill(signal);
      t.is((await ended).status, status);
      await until(() => !left.some(isAlive), 'all processes have ended');
      t.deepEqual(namespaces.filter((namespace) => namespacesInUse().has(namespace)), []);
    });
  }
}

const HOME = namespaceOf(process.pid);

function isElsewhere(pid: number): boolean {
  try {
    return namespaceOf(pid) !== HOME;
  } catch {
    return false;
  }
}

function isTunForEverybody(): boolean {
  return (statSync('/dev/net/tun').mode & 0o006) === 0o006;
}

for (const tier of TIERS) {
  testOf(tier)(`no packet is used after its return: ${tier} with LINKPOINT_DEBUG=1`, async (t) => {
    const env = { ...process.env, LINKPOINT_DEBUG: '1' };
    checkGood(t, await run(['demo', '--tier', tier, '--count', '2000', '--json'], { env }));
  });
}
