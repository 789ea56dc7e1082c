/** Every kernel step of every attach fails once: nothing of it stays. */

import test, { type ExecutionContext } from 'ava';

import type { Endpoint, NetworkScope } from '../../sandbox/network/endpoint.ts';
import { createMacvtapEndpoint } from '../../sandbox/network/macvtap-endpoint.ts';
import { createTapEndpoint } from '../../sandbox/network/tap-endpoint.ts';
import { createVirtualEndpoint } from '../../sandbox/network/virtual-endpoint.ts';
import { serialTestWithFeatures } from '../_features.ts';
import { makePlace, type Place, RecordingSink, sameAs, scopeOf, snapshot, upAndDown } from './network-support.ts';

const EXPECTED = 'expected by the test';

/** One way to attach, in a place. */
interface Case {
  readonly title: string;
  readonly make: (scope: NetworkScope) => Endpoint;
  readonly prepare?: (place: Place) => Promise<void>;
  /** eth0 is up. */
  readonly up?: boolean;
  /** The fewest steps that it has. */
  readonly steps: number;
}

const joined = (model: string) => (scope: NetworkScope): Endpoint =>
  createVirtualEndpoint(scope, 4, { interfaceName: 'eth0', model });

async function makeTap({ namespace, rtnl }: Place): Promise<void> {
  (await namespace.openTap({ name: 'box0', queues: 2, vnetHeaderBytes: 12, persist: true })).close();
  upAndDown(rtnl, 'box0');
}

async function makeMacvtap({ rtnl }: Place): Promise<void> {
  rtnl.links.add({ kind: 'macvtap', name: 'box0', parent: 'eth0', index: 9000 });
  upAndDown(rtnl, 'box0');
}

const CASES: readonly Case[] = [
  { title: 'bridged', make: joined('bridged'), steps: 10 },
  { title: 'bridged, of an interface that is down', make: joined('bridged'), up: false, steps: 10 },
  { title: 'macvtap', make: joined('macvtap'), steps: 10 },
  { title: 'macvtap, of an interface that is down', make: joined('macvtap'), up: false, steps: 10 },
  { title: 'tcfilter', make: joined('tcfilter'), steps: 10 },
  { title: 'tcfilter, of an interface that is down', make: joined('tcfilter'), up: false, steps: 10 },
  {
    title: 'a TAP that is there',
    make: (scope) => createTapEndpoint(scope, 0, { interfaceName: 'box0' }),
    prepare: makeTap,
    steps: 5,
  },
  {
    title: 'a macvtap that is there',
    make: (scope) => createMacvtapEndpoint(scope, 0, { interfaceName: 'box0' }),
    prepare: makeMacvtap,
    steps: 5,
  },
];

/** Attaches with an observer, and tells the names of the steps. */
async function attach(
  make: Case['make'],
  place: Place,
  sink: RecordingSink,
  failAt?: number,
): Promise<[Endpoint, string[]]> {
  const names: string[] = [];
  const onStep = (number: number, name: string): void => {
    names.push(name);
    if (number === failAt) throw new Error(EXPECTED);
  };
  const endpoint = make(scopeOf(place, { onStep }));
  try {
    await endpoint.attach(sink);
  } catch (error) {
    if (!(error instanceof Error && error.message.includes(EXPECTED))) throw error;
    if (endpoint.isAttached) throw new Error('The endpoint says that it is attached', { cause: error });
  }
  return [endpoint, names];
}

async function failEachStep(t: ExecutionContext, { make, steps }: Case, place: Place): Promise<void> {
  const { fd } = place.namespace;
  const before = snapshot(fd);
  const sink = new RecordingSink();
  const [endpoint, names] = await attach(make, place, sink);
  t.true(names.length >= steps, names.join(', '));
  t.true(endpoint.isAttached);
  t.notDeepEqual(snapshot(fd), before);
  await endpoint.detach();
  await sameAs(t, fd, before, 'detach restores everything');
  for (const [i, name] of names.entries()) {
    const [, done] = await attach(make, place, sink, i + 1);
    t.deepEqual(done, names.slice(0, i + 1));
    await sameAs(t, fd, before, `step ${i + 1}, ${name}, has failed`);
  }
  sink.failure = new Error(EXPECTED);
  await attach(make, place, sink);
  await sameAs(t, fd, before, 'the sink has refused');
  t.is(sink.released, 1);
  sink.failure = undefined;
  const [again] = await attach(make, place, sink);
  t.true(again.isAttached);
  await again.detach();
  await sameAs(t, fd, before, 'detach restores everything after failures, too');
  await again.detach();
  await sameAs(t, fd, before, 'a second detach is harmless');
  t.is(sink.released, 2);
}

for (const one of CASES) {
  const device = one.title.includes('macvtap') ? 'macvtap' : 'tap-multi-queue';
  const title = `row 19: ${one.title}: whichever step fails, nothing of the attach stays`;
  serialTestWithFeatures('veth', 'bridge', device)(title, async (t) => {
    t.timeout(60_000);
    const place = await makePlace(t, { up: one.up ?? true });
    await one.prepare?.(place);
    await failEachStep(t, one, place);
  });
}

test('the tests of this file cover every model that wires something', (t) => {
  t.true(['bridged', 'macvtap', 'tcfilter'].every((model) => CASES.some(({ title }) => title === model)));
});
