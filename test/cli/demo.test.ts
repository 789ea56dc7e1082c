import test from 'ava';

import type { DemoReport } from '../../cli/demo-report.ts';
import { run } from './_support.ts';

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
