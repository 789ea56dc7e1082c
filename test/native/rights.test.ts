import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import test from 'ava';

test('a missing right is named as the remedy, and nothing stays open', (t) => {
  const fixture = fileURLToPath(new URL('_without-rights.js', import.meta.url));
  // Root without capabilities still owns its files, so the fixture can be read wherever the tree is.
  const drop = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all'] : [];
  const [command = process.execPath, ...options] = drop;
  const parameters = drop.length === 0 ? [fixture] : [...options, process.execPath, fixture];
  const { error, stdout, stderr } = spawnSync(command, parameters, { encoding: 'utf8', timeout: 30_000 });
  if (error !== undefined) return t.fail(`Cannot run ${command}: ${error.message}; run scripts/setup`);
  const lines = stdout.trim().split('\n');
  t.is(lines.length, 6, stderr);
  t.is(
    lines[0],
    'packet: Cannot open a socket of domain 17, type 3, protocol 0: socket failed with EPERM; CAP_NET_RAW is required',
  );
  // Which of the three depends on the device's owner and on whether the kernel has it.
  t.regex(lines[1]!, /Cannot open TAP "tap0": .*(CAP_NET_ADMIN is|access to .* is|kernel module are) required/);
  t.is(
    lines[2],
    'namespace: Cannot create a network namespace: unshare(CLONE_NEWNET) failed with EPERM; CAP_SYS_ADMIN is required',
  );
  t.regex(lines[3]!, /setns\(CLONE_NEWNET\) failed with EPERM; CAP_SYS_ADMIN is required/);
  t.is(lines[4], 'up: Cannot bring "lo" down: ioctl(SIOCSIFFLAGS) failed with EPERM; CAP_NET_ADMIN is required');
  t.is(lines[5], 'descriptors: 0');
});
