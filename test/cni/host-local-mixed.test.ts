/** Our host-local and Debian's: the same answers, the same files, one folder for both. */

import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';

import type { ExecutionContext } from 'ava';

import type { JsonObject } from '../../cni/json.ts';
import { lockFile } from '../../native/file-lock.ts';
import { until } from '../../testing/until.ts';
import { DEBIAN_FOLDER, execute, installedFolder, start, testWithDebian } from './_executables.ts';
import { type Answer, type Call, decode, filesOf, temporaryFolder } from './_support.ts';

const THEIRS = path.join(DEBIAN_FOLDER, 'host-local');
const ours = (t: ExecutionContext): string => path.join(installedFolder(t), 'host-local');

const WIDE: JsonObject = { subnet: '192.0.2.0/24' };
const DUAL: JsonObject = {
  ranges: [[{ subnet: '192.0.2.0/29' }], [{ subnet: '2001:DB8:1::/64', gateway: '2001:db8:1::9' }]],
};
const NARROW: JsonObject = { ranges: [[{ subnet: '198.51.100.0/30' }, { subnet: '203.0.113.0/30' }]] };

const networkOf = (dataDir: string, ipam: JsonObject, cniVersion = '1.0.0'): JsonObject => ({
  cniVersion,
  name: 'net1',
  type: 'x',
  ipam: { type: 'host-local', dataDir, routes: [{ dst: '0.0.0.0/0' }], ...ipam },
});

/** `[command, container, ipam, CNI_ARGS, version]` */
type Step = readonly [command: string, containerId: string, ipam: JsonObject, args?: string, cniVersion?: string];

const SEQUENCE: readonly Step[] = [
  ['ADD', 'c1', WIDE],
  ['ADD', 'c1', WIDE],
  ['CHECK', 'c1', WIDE],
  ['CHECK', 'c1', WIDE, '', '0.3.1'],
  ['CHECK', 'c9', WIDE],
  ['ADD', 'c2', WIDE, 'IP=192.0.2.77'],
  ['ADD', 'c3', WIDE, 'IP=192.0.2.77/24'],
  ['ADD', 'c3', WIDE, 'IP=192.0.2.1'],
  ['ADD', 'c3', WIDE, 'IP=203.0.113.1'],
  ['ADD', 'c3', WIDE, 'IP=abc'],
  ['ADD', 'c3', WIDE, 'FOO'],
  ['ADD', 'c3', WIDE, 'FOO=1'],
  ['ADD', 'c3', WIDE, 'FOO=1;IgnoreUnknown=yes'],
  ['ADD', 'c3', WIDE, 'FOO=1;IgnoreUnknown=true'],
  ['DEL', 'c1', WIDE],
  ['DEL', 'c1', WIDE],
  ['ADD', 'd1', DUAL, '', '0.2.0'],
  ['ADD', 'd2', DUAL, '', '0.3.1'],
  ['ADD', 'd3', DUAL, '', '0.4.0'],
  ['DEL', 'd1', DUAL],
  ['ADD', 'n1', NARROW],
  ['ADD', 'n2', NARROW],
  ['ADD', 'n3', NARROW],
  ['DEL', 'n1', NARROW],
  ['ADD', 'n3', NARROW],
  ['ADD', 'e', {}],
  ['ADD', 'e', { ranges: [[]] }],
  ['ADD', 'e', { ranges: [[{ subnet: '192.0.2.0/31' }]] }],
  ['ADD', 'e', { ranges: [[{ subnet: '192.0.2.9/24' }]] }],
  ['ADD', 'e', { ranges: [[{ subnet: '192.0.2.0' }]] }],
  ['ADD', 'e', { ranges: [[{ subnet: '192.0.2.0/24', rangeStart: 'x' }]] }],
  ['ADD', 'e', { ranges: [[{ subnet: '192.0.2.0/24', rangeEnd: '192.0.2.0' }]] }],
  ['ADD', 'e', { ranges: [[{ subnet: '192.0.2.0/24' }, { subnet: '2001:db8::/64' }]] }],
  ['ADD', 'e', { ranges: [[{ subnet: '192.0.2.0/24' }], [{ subnet: '192.0.2.0/25' }]] }],
  ['ADD', 'e', { ranges: [[{ subnet: '192.0.2.0/24' }], [{ subnet: '198.51.100.0/24' }]] }, '', '0.2.0'],
  ['ADD', 'e', { ...WIDE, resolvConf: '/nowhere/resolv.conf' }],
  ['ADD', 'e', { ...WIDE, routes: [{ dst: '198.51.100.9/24', gw: '192.0.2.1' }] }],
  ['ADD', 'a/b', WIDE],
  ['ADD', '', WIDE],
  ['NOPE', 'e', WIDE],
];

async function play(file: string, dataDir: string): Promise<{ answers: Answer[]; files: Record<string, string> }> {
  const answers: Answer[] = [];
  for (const [command, containerId, ipam, args = '', cniVersion] of SEQUENCE) {
    const env = { CNI_CONTAINERID: containerId, CNI_ARGS: args };
    answers.push(await execute(file, { command, config: networkOf(dataDir, ipam, cniVersion), env }));
  }
  return { answers, files: filesOf(path.join(dataDir, 'net1')) };
}

testWithDebian('ours answers what theirs answers, to the letter, and leaves the same files', async (t) => {
  const [mine, other] = await Promise.all([play(ours(t), temporaryFolder(t)), play(THEIRS, temporaryFolder(t))]);
  for (const [index, step] of SEQUENCE.entries())
    t.deepEqual(mine.answers[index], other.answers[index], JSON.stringify(step));
  t.deepEqual(mine.files, other.files);
});

testWithDebian('what one has added the other knows, checks and deletes', async (t) => {
  const dataDir = temporaryFolder(t);
  const mine = ours(t);
  const run = (file: string, command: string, id: string): Promise<Answer> =>
    execute(file, { command, config: networkOf(dataDir, DUAL), env: { CNI_CONTAINERID: id } });
  const first = await run(mine, 'ADD', 'c1');
  const second = await run(THEIRS, 'ADD', 'c2');
  const third = await run(mine, 'ADD', 'c3');
  const addresses = [first, second, third].map((answer) =>
    (decode(answer)['ips'] as { address: string }[]).map((ip) => ip.address),
  );
  t.deepEqual(addresses, [
    ['192.0.2.2/29', '2001:db8:1::1/64'],
    ['192.0.2.3/29', '2001:db8:1::2/64'],
    ['192.0.2.4/29', '2001:db8:1::3/64'],
  ]);
  t.deepEqual(await run(mine, 'ADD', 'c2'), await run(THEIRS, 'ADD', 'c2'));
  for (const [file, id] of [
    [mine, 'c2'],
    [THEIRS, 'c1'],
  ] as const) {
    t.is((await run(file, 'CHECK', id)).status, 0);
    t.is((await run(file, 'DEL', id)).status, 0);
    t.is((await run(file, 'CHECK', id)).status, 1);
  }
  t.deepEqual(Object.keys(filesOf(path.join(dataDir, 'net1'))), [
    '192.0.2.4',
    '2001:db8:1::3',
    'last_reserved_ip.0',
    'last_reserved_ip.1',
    'lock',
  ]);
});

testWithDebian('of many at once, ours and theirs, each gets an address of its own', async (t) => {
  const dataDir = temporaryFolder(t);
  const mine = ours(t);
  const calls = Array.from({ length: 16 }, (_, index) =>
    execute(index % 2 === 0 ? mine : THEIRS, {
      config: networkOf(dataDir, WIDE),
      env: { CNI_CONTAINERID: `c${index}` },
    }),
  );
  const answers = await Promise.all(calls);
  const given = answers.map((answer) => (decode(answer)['ips'] as { address: string }[])[0]?.address);
  t.is(new Set(given).size, 16, given.join(' '));
  const files = filesOf(path.join(dataDir, 'net1'));
  for (const [index, address = ''] of given.entries()) t.is(files[address.replace('/24', '')], `c${index}\r\neth0`);
});

/** A process that waits for a lock has a line with an arrow, proc_locks(5). */
const isWaiting = (pid: number): boolean =>
  new RegExp(`-> FLOCK +ADVISORY +WRITE +${pid} `).test(readFileSync('/proc/locks', 'utf8'));

for (const whose of ['ours', 'theirs'] as const) {
  testWithDebian(`while the lock is held, ${whose} waits, and goes on when it is given back`, async (t) => {
    const dataDir = temporaryFolder(t);
    const file = whose === 'ours' ? ours(t) : THEIRS;
    const request: Call = { config: networkOf(dataDir, WIDE) };
    await execute(file, { ...request, env: { CNI_CONTAINERID: 'before' } });
    const fd = openSync(path.join(dataDir, 'net1', 'lock'), 'r');
    lockFile(fd);
    const { pid, answer } = start(file, request);
    try {
      await until('the plugin to wait for the lock', () => isWaiting(pid));
      t.is(filesOf(path.join(dataDir, 'net1'))['192.0.2.3'], undefined);
    } finally {
      closeSync(fd);
      t.is((await answer).status, 0);
    }
    t.is(filesOf(path.join(dataDir, 'net1'))['192.0.2.3'], 'c1\r\neth0');
  });
}
