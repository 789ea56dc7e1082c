import { readFileSync, readlinkSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

import test from 'ava';

import { IFF_UP } from '../../native/constants.ts';
import {
  bringLoopbackUp,
  closeFd,
  createEventFd,
  createNetworkNamespace,
  enterNamespace,
  interfaceFlags,
  openNamespace,
  runInNamespace,
} from '../../native/index.ts';
import { fdCount } from '../native/_support.ts';
import { makeNamespace } from './native-support.ts';

/** The namespace that this thread is in, as text. */
function here(): string {
  return readlinkSync('/proc/thread-self/ns/net');
}

test.serial('runInNamespace() runs there, comes back, and returns the result', (t) => {
  const namespace = makeNamespace(t);
  const home = here();
  const there = runInNamespace(namespace, here);
  t.not(there, home);
  t.is(here(), home);
  t.is(runInNamespace(namespace, here), there);
});

test.serial('runInNamespace() comes back when the function throws', (t) => {
  const namespace = makeNamespace(t);
  const home = here();
  t.throws(
    () =>
      runInNamespace(namespace, () => {
        throw new Error('expected');
      }),
    { message: 'expected' },
  );
  t.is(here(), home);
});

test.serial('runInNamespace() refuses a promise, also a rejected one, and is back before it settles', async (t) => {
  const namespace = makeNamespace(t);
  const home = here();
  t.throws(() => runInNamespace(namespace, () => Promise.resolve(1)), { instanceOf: TypeError });
  t.is(here(), home);
  t.throws(() => runInNamespace(namespace, () => Promise.reject(new Error('unreported'))), { instanceOf: TypeError });
  t.is(here(), home);
  await new Promise(setImmediate);
});

test.serial('runInNamespace() nests', (t) => {
  const outer = makeNamespace(t);
  const inner = makeNamespace(t);
  const home = here();
  const seen = runInNamespace(outer, () => [here(), runInNamespace(inner, here), here()]);
  t.is(seen[0], seen[2]);
  t.not(seen[0], seen[1]);
  t.is(here(), home);
});

test.serial('a child that is started inside is inside', (t) => {
  const namespace = makeNamespace(t);
  const there = runInNamespace(namespace, here);
  const child = runInNamespace(namespace, () => spawnSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' }));
  t.is(child.stdout.trim(), there);
});

test.serial('a new namespace has a loopback only, which bringLoopbackUp() brings up', (t) => {
  const namespace = makeNamespace(t);
  runInNamespace(namespace, () => {
    const devices = readFileSync('/proc/thread-self/net/dev', 'utf8').match(/^ *\w+:/gm);
    t.deepEqual(devices?.map((name) => name.trim()), ['lo:']);
    t.is(interfaceFlags('lo') & IFF_UP, 0);
    bringLoopbackUp();
    t.is(interfaceFlags('lo') & IFF_UP, IFF_UP);
  });
});

test.serial('100 namespaces come and go with a flat descriptor count', (t) => {
  const before = fdCount();
  const home = here();
  for (let i = 0; i < 100; i++) {
    const namespace = createNetworkNamespace();
    runInNamespace(namespace, () => undefined);
    closeFd(namespace);
  }
  t.is(fdCount(), before);
  t.is(here(), home);
});

test.serial('what is no namespace cannot be entered', (t) => {
  const eventFd = createEventFd();
  t.throws(() => enterNamespace(eventFd), { code: 'EINVAL', message: /a network namespace is required/ });
  closeFd(eventFd);
  t.throws(() => openNamespace('/proc/self/ns/nonsense'), { code: 'ENOENT', message: /"\/proc\/self\/ns\/nonsense"/ });
});
