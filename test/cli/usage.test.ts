import { readFileSync } from 'node:fs';

import test from 'ava';

import { parseBenchOptions } from '../../cli/bench-options.ts';
import { run } from './_support.ts';

test('--help tells the subcommands, and each of them its options', async (t) => {
  const help = await run(['--help']);
  t.is(help.status, 0);
  t.regex(help.stdout, /linkpoint demo/);
  t.regex((await run(['demo', '--help'])).stdout, /--tier tap\|veth\|socketpair/);
  t.regex((await run(['bench', 'rx', '--help'])).stdout, /--self DEVICE/);
});

test('--version is that of the package', async (t) => {
  const path = new URL('../../../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  t.is((await run(['--version'])).stdout, `${version}\n`);
});

for (const line of ['', 'fly', 'demo --bogus', 'demo --tier pigeon', 'demo --count 1e3', 'bench', 'bench rx']) {
  const args = line.split(' ').filter((word) => word !== '');
  test(`"linkpoint ${line}" is refused with usage on stderr and exit 2`, async (t) => {
    const { status, stdout, stderr } = await run(args);
    t.is(status, 2);
    t.is(stdout, '');
    t.regex(stderr, /^linkpoint: .+\n\n/);
  });
}

test('an error of ours is one line with its code and exit 1', async (t) => {
  const { status, stdout, stderr } = await run(['bench', 'rx', '--fd', '99']);
  t.is(status, 1);
  t.is(stdout, '');
  t.is(stderr, 'linkpoint: Cannot use fd 99: fstat failed with EBADF (EBADF)\n');
});

test('the bench passes on to the endpoint what is asked for, and nothing else', (t) => {
  const { link, fds, frames } = parseBenchOptions([
    'rx', '--fds', '3,4', '--fanout', 'cpu', '--mode', 'packet-mmap', '--run', 'ring', '--header', 'ethernet',
    '--vnet-header', '12', '--batch', '7', '--slot-bytes', '9000', '--block-bytes', '65536', '--blocks', '3',
    '--retire-ms', '0',
  ]); // prettier-ignore
  t.deepEqual(fds, [3, 4]);
  t.deepEqual(link, {
    mtu: 2034,
    dispatchMode: 'packet-mmap',
    run: 'ring',
    ethernetHeader: true,
    vnetHeaderBytes: 12,
    batch: 7,
    slotBytes: 9000,
    ring: { blockBytes: 65_536, blockCount: 3, retireMilliseconds: 0 },
    fanout: { mode: 'cpu' },
  });
  t.is(frames.batch, 47);
  t.deepEqual(parseBenchOptions(['rx', '--fd', '3']).link, { mtu: 2034, run: 'inline', ring: {} });
});

for (const args of [
  ['up', '--fd', '3'],
  ['rx', '--fd', '3', '--self', 'tap'],
  ['rx', '--fd', '-1'],
  ['rx', '--fds', '3,,4'],
  ['rx', '--fd', '3', '--vnet-header', '11'],
  ['rx', '--fd', '3', '--fanout', 'ebpf'],
  ['rx', '--fd', '3', '--duration-ms', '0'],
  ['tx', '--fd', '3', '--frame', 'abc'],
  ['tx', '--fd', '3', '--gso', 'sctp'],
  ['tx', '--fd', '3', '--size', '65536'],
]) {
  test(`"bench ${args.join(' ')}" is a usage error`, (t) => {
    t.throws(() => parseBenchOptions(args), { name: 'UsageError' });
  });
}
