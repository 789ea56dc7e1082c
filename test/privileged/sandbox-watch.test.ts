/** Changes of a namespace, as they happen. */

import test from 'ava';

import type { Change } from '../../sandbox/index.ts';
import { fdCount } from '../native/_support.ts';
import { iproute, makeRtnl } from './sandbox-support.ts';

/** Reads changes until one fits. */
async function until(changes: AsyncIterator<Change, undefined>, fits: (change: Change) => boolean): Promise<Change[]> {
  const seen: Change[] = [];
  for (;;) {
    const { value, done } = await changes.next();
    if (done === true) throw new Error('The changes ended early');
    seen.push(value);
    if (fits(value)) return seen;
  }
}

test.serial('links, addresses, routes and neighbours are seen to come and go, from the call on', async (t) => {
  t.timeout(20_000);
  const { rtnl, namespace } = makeRtnl(t);
  await using changes = rtnl.watch();
  rtnl.links.add({ kind: 'veth', name: 'left', peer: { name: 'right' } });
  const isLink = (change: Change, event: string): boolean =>
    change.event === event && 'link' in change && change.link.name === 'left';
  t.true((await until(changes, (change) => isLink(change, 'new'))).length > 0);
  rtnl.links.set('left', { up: true });
  iproute(namespace, 'ip', 'addr add 192.0.2.1/24 dev left');
  await until(changes, (one) => one.event === 'new' && 'address' in one && one.address.address === '192.0.2.1');
  await until(changes, (one) => one.event === 'new' && 'route' in one && one.route.destination === '192.0.2.0/24');
  rtnl.neighbours.add('left', { address: '192.0.2.9', linkAddress: '02:00:00:00:00:09' });
  await until(changes, (one) => one.event === 'new' && 'neighbour' in one && one.neighbour.address === '192.0.2.9');
  rtnl.addresses.delete('left', '192.0.2.1/24');
  await until(changes, (one) => one.event === 'delete' && 'address' in one && one.address.address === '192.0.2.1');
  rtnl.links.delete('left');
  await until(changes, (change) => isLink(change, 'delete'));
  t.is(rtnl.links.find('left'), undefined);
});

test.serial('a port that leaves its bridge is no link that went', async (t) => {
  t.timeout(20_000);
  const { rtnl } = makeRtnl(t);
  rtnl.links.add({ kind: 'bridge', name: 'br0' });
  rtnl.links.add({ kind: 'veth', name: 'left', peer: { name: 'right' } });
  rtnl.links.set('left', { master: 'br0' });
  await using changes = rtnl.watch({ objects: ['link'] });
  rtnl.links.set('left', { master: null });
  const seen = await until(changes, (one) => one.event === 'delete' && one.object === 'bridge-port');
  t.false(seen.some((one) => one.event === 'delete' && one.object === 'link'));
  t.is(rtnl.links.get('left').master, undefined);
});

test.serial('the signal ends the iteration, also one that waits, and nothing stays open', async (t) => {
  const { rtnl } = makeRtnl(t);
  const before = fdCount();
  const ended = new AbortController();
  const changes = rtnl.watch({ signal: ended.signal });
  const waiting = changes.next();
  setTimeout(() => ended.abort(), 20);
  t.deepEqual(await waiting, { done: true, value: undefined });
  for await (const change of rtnl.watch({ signal: ended.signal })) t.fail(`unexpected ${change.event}`);
  const abandoned = rtnl.watch();
  await abandoned.return();
  const broken = rtnl.watch();
  rtnl.links.add({ kind: 'bridge', name: 'br0' });
  for await (const change of broken) {
    t.is(change.event, 'new');
    break;
  }
  t.is(fdCount(), before);
});

test.serial('changes that nobody read are reported as lost, and later ones are seen', async (t) => {
  t.timeout(30_000);
  const { rtnl } = makeRtnl(t);
  rtnl.links.add({ kind: 'ifb', name: 'ifb0' });
  await using changes = rtnl.watch({ objects: ['link'] });
  for (let i = 0; i < 2_000; i++) rtnl.links.set('ifb0', { mtu: 1400 + (i % 2) });
  t.is((await until(changes, ({ event }) => event === 'lost')).at(-1)!.event, 'lost');
  // The kernel queues nothing more until all is read.
  setTimeout(() => rtnl.links.add({ kind: 'bridge', name: 'br0' }), 300);
  await until(changes, (one) => one.event === 'new' && 'link' in one && one.link.name === 'br0');
});
