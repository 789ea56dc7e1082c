import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import test from 'ava';

for (const run of ['inline', 'ring']) {
  test.serial(`${run}: packet.bytes kept past close() read, and never crash`, (t) => {
    const child = fileURLToPath(new URL('_kept-bytes-child.js', import.meta.url));
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [child, 'slots', run], { encoding: 'utf8' });
    t.is(status, 0, `${signal} ${stderr}`);
    t.is(stdout, 'read true\n');
  });
}
