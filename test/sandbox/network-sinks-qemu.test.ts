/** What QEMU itself makes of arguments for devices that are not there: it names them as we meant them, and ends. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test from 'ava';

import { qemuSink } from '../../sandbox/network/sinks/index.ts';
import { hasQemu } from '../link/_qemu-guest.ts';

const withQemu = hasQemu || process.env['CI'] !== undefined ? test : test.skip;
const title = (text: string): string => (hasQemu ? text : `${text} (no qemu-system-x86_64: run scripts/setup)`);

/** What QEMU says before it ends. */
function complaint(argv: readonly string[]): string {
  const machine = ['-machine', 'accel=tcg', '-display', 'none', '-nodefaults', '-S'];
  return spawnSync('qemu-system-x86_64', [...machine, ...argv], { encoding: 'utf8', timeout: 10_000 }).stderr;
}

withQemu(title('QEMU looks for the socket of a path with commas'), async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'linkpoint-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const socketPath = join(directory, 'a,server=on,b');
  const sink = qemuSink({ vhostUserQueues: 2 });
  await sink.addVhostUser({ socketPath, id: '0123456789abcdef', linkAddress: '02:00:00:00:00:01' });
  t.true(complaint(sink.argv).includes(`Failed to connect to '${socketPath}'`), complaint(sink.argv));
});

withQemu(title('QEMU looks for the PCI device'), async (t) => {
  const sink = qemuSink();
  await sink.addPci({ bdf: 'ffff:fe:1f.7', driver: 'e1000e', linkAddress: '02:00:00:00:00:01' });
  t.regex(complaint(sink.argv), /ffff:fe:1f\.7: no such host device/);
});
