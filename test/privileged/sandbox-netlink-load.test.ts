/** Ten thousand links, changes while they are read, and threads. */

import { Worker } from 'node:worker_threads';

import test from 'ava';

import { closeFd, createNetworkNamespace, runInNamespace } from '../../native/index.ts';
import { Rtnl } from '../../sandbox/index.ts';
import { makeRtnl } from './sandbox-support.ts';

const PAIRS = 5_000;

test.serial('10,000 links are dumped without loss, also while links come and go', async (t) => {
  t.timeout(60_000);
  const { rtnl, namespace } = makeRtnl(t);
  const expected = new Set(['lo']);
  for (let i = 0; i < PAIRS; i++) {
    rtnl.links.add({ kind: 'veth', name: `a${i}`, peer: { name: `b${i}` } });
    expected.add(`a${i}`).add(`b${i}`);
  }
  const links = rtnl.links.list();
  t.is(links.length, PAIRS * 2 + 1);
  t.deepEqual(links.map(({ name }) => name).sort(), [...expected].sort());
  t.is(new Set(links.map(({ index }) => index)).size, PAIRS * 2 + 1);

  const worker = new Worker(new URL('./_rtnl-worker.js', import.meta.url), { workerData: { namespace, churn: 4 } });
  const done = new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject));
  let isDone = false;
  void done.then(() => (isDone = true));
  for (let round = 0; round < 3 || (!isDone && round < 50); round++) {
    const names = new Set(rtnl.links.list().map(({ name }) => name));
    t.deepEqual([...expected].filter((name) => !names.has(name)), [], 'what was there all the time is there');
    await new Promise(setImmediate);
  }
  t.is(await done, PAIRS * 2 + 1);
});

test.serial('an Rtnl stays in its namespace, wherever the thread is', (t) => {
  const { rtnl } = makeRtnl(t);
  const elsewhere = createNetworkNamespace();
  t.teardown(() => closeFd(elsewhere));
  rtnl.links.add({ kind: 'bridge', name: 'br0' });
  t.is(runInNamespace(elsewhere, () => rtnl.links.get('br0').name), 'br0');
  using there = runInNamespace(elsewhere, () => Rtnl.open());
  t.is(there.links.find('br0'), undefined);
});
