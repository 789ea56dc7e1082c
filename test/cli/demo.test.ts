import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';

import type { DemoReport } from '../../cli/demo-report.ts';
import { run, start } from './_support.ts';

test('over a socketpair the demo needs no right and echoes everything, super-packets included', async (t) => {
  const { status, stdout, stderr } = await run(['demo', '--tier', 'socketpair', '--count', '1000', '--json']);
  t.is(stderr, '');
  t.is(status, 0);
  const report = JSON.parse(stdout) as DemoReport;
  t.like(report, { ok: true, failures: [], tier: 'socketpair', offloads: true, refused: [], drops: {} });
  t.deepEqual(report.exchanges.map(({ right, wrong, missing }) => [right, wrong, missing]), [[620, 0, 0], [620, 0, 0]]);
  t.is(report.received.superPackets, 6);
  t.is(report.sent.superPackets, 6);
});

test('without --json the first line names the tier, and the last the verdict', async (t) => {
  const { status, stdout } = await run(['demo', '--tier', 'socketpair', '--count', '100']);
  t.is(status, 0);
  t.regex(stdout, /^linkpoint demo over a socketpair with a scripted peer /);
  t.regex(stdout, /Every echo came back right, byte for byte.\n$/);
  for (const head of ['packets', 'bytes', 'syscalls', 'packets/syscall', 'super-packets', 'drops', 'p50', 'p99']) {
    t.true(stdout.includes(head), head);
  }
});

test('use after return does not happen: with LINKPOINT_DEBUG=1 the demo runs as well', async (t) => {
  const env = { ...process.env, LINKPOINT_DEBUG: '1' };
  t.is((await run(['demo', '--tier', 'socketpair', '--count', '200'], { env })).status, 0);
});

for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]] as const) {
  test(`over a socketpair ${signal} in the middle ends the demo in order, without a word`, async (t) => {
    const { child, ended } = start(['demo', '--tier', 'socketpair', '--count', '10000000']);
    while (socketCount(child.pid as number) < 4) await delay(10); // stdout, stderr, and the pair
    await delay(300);
    child.kill(signal);
    t.deepEqual(await ended, { status: code, signal: null, stdout: '', stderr: '' });
  });
}

/** Open sockets of a process; a pipe that Node makes for a child is one, too. */
function socketCount(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => isSocket(`/proc/${pid}/fd/${fd}`)).length;
}

function isSocket(link: string): boolean {
  try {
    return readlinkSync(link).startsWith('socket:');
  } catch {
    return false; // closed meanwhile
  }
}
