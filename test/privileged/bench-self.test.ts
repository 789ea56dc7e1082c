import test from 'ava';

import type { BenchResult } from '../../cli/bench-result.ts';
import { descendants, isAlive, run, start } from '../cli/_support.ts';
import { until } from '../native/_support.ts';
import { type RegisterTest, testWithTun } from './_rights.ts';

function parse(stdout: string): BenchResult {
  if (!/^[^\n]+\n$/.test(stdout)) throw new Error(`Expected one line, got ${JSON.stringify(stdout)}`);
  return JSON.parse(stdout) as BenchResult;
}

const SHORT = ['--json', '--duration-ms', '150'];

for (const device of ['veth', 'tap', 'tun']) {
  const testDevice: RegisterTest = device === 'veth' ? test.serial : testWithTun;

  for (const direction of ['rx', 'tx']) {
    testDevice(`bench ${direction} --self ${device}`, async (t) => {
      const { status, stdout, stderr } = await run(['bench', direction, '--self', device, ...SHORT]);
      t.is(stderr, '');
      t.is(status, 0);
      const result = parse(stdout);
      t.true(result.packets > 1000);
      t.is(result.bytes, result.packets * 1500);
      t.is(result.mode, device === 'veth' ? 'recvmmsg' : 'readv');
    });

    for (const gso of ['tcp4', 'tcp6', 'udp']) {
      testDevice(`bench ${direction} --self ${device} --gso ${gso} moves super-packets of 65,000 bytes`, async (t) => {
        const args = ['bench', direction, '--self', device, '--gso', gso, '--vnet-header', '10', ...SHORT];
        const { status, stdout, stderr } = await run(args);
        t.is(stderr, '');
        t.is(status, 0);
        const result = parse(stdout);
        t.true(result.packets > 100);
        t.is(result.bytes, result.packets * 65_000);
      });
    }
  }
}

for (const way of ['inline', 'worker', 'ring']) {
  test.serial(`bench rx --self veth --mode packet-mmap --run ${way}`, async (t) => {
    const args = ['bench', 'rx', '--self', 'veth', '--mode', 'packet-mmap', '--run', way, ...SHORT];
    const { status, stdout } = await run(args);
    t.is(status, 0);
    t.like(parse(stdout), { mode: 'packet-mmap', run: way });
    t.true(parse(stdout).packets > 1000);
  });
}

testWithTun('SIGKILL of a bench ends its other side', async (t) => {
  const { child, ended } = start(['bench', 'rx', '--self', 'tap', '--duration-ms', '60000']);
  const pid = child.pid as number;
  await until(() => descendants(pid).length > 0, 'the child is there');
  const [other] = descendants(pid);
  child.kill('SIGKILL');
  await ended;
  await t.notThrowsAsync(until(() => !isAlive(other as number), 'the child has ended'));
});
