/** Endpoints in a rootless namespace: what needs no entering works; what does is refused before anything is made. */

import type { ExecutionContext } from 'ava';

import { createNetNamespace, type NetNamespace, type Rtnl } from '../../sandbox/index.ts';
import { createMacvtapEndpoint } from '../../sandbox/network/macvtap-endpoint.ts';
import { createVirtualEndpoint } from '../../sandbox/network/virtual-endpoint.ts';
import { fdCount } from '../native/_support.ts';
import { serialTestWithFeatures } from '../_features.ts';
import { RecordingSink, scopeOf, VETH_ADDRESS } from './network-support.ts';

const rootlessTest = serialTestWithFeatures('user-namespace', 'veth', 'bridge', 'tap-multi-queue');

/** eth0 with an address, and its other end, in a rootless namespace. */
async function makeRootless(t: ExecutionContext): Promise<{ namespace: NetNamespace; rtnl: Rtnl }> {
  const namespace = await createNetNamespace({ rootless: 'always' });
  t.teardown(() => namespace.delete());
  const rtnl = await namespace.rtnl();
  t.teardown(() => rtnl.close());
  rtnl.links.add({ kind: 'veth', name: 'eth0', address: VETH_ADDRESS, peer: { name: 'peer0' }, up: true });
  rtnl.addresses.add('eth0', { address: '192.0.2.2/24' });
  return { namespace, rtnl };
}

const links = (rtnl: Rtnl): unknown =>
  rtnl.links.list().map(({ name, address, master, isUp }) => ({ name, address, master, isUp }));

for (const model of ['bridged', 'tcfilter']) {
  rootlessTest(`${model} works in a rootless namespace`, async (t) => {
    const { namespace, rtnl } = await makeRootless(t);
    const before = { links: links(rtnl), addresses: rtnl.addresses.list({ family: 'inet' }), fds: fdCount() };
    const endpoint = createVirtualEndpoint(scopeOf({ namespace }), 4, { interfaceName: 'eth0', model });
    const sink = new RecordingSink();
    await endpoint.attach(sink);
    t.like(sink.taps[0], { name: 'tap4', linkAddress: VETH_ADDRESS, kind: 'tap' });
    t.is(sink.taps[0]!.fds.length, 2);
    t.true(rtnl.links.get('tap4').isUp);
    await endpoint.detach();
    t.deepEqual({ links: links(rtnl), addresses: rtnl.addresses.list({ family: 'inet' }), fds: fdCount() }, before);
  });
}

rootlessTest('macvtap is refused in a rootless namespace, with what to use instead', async (t) => {
  const { namespace, rtnl } = await makeRootless(t);
  const steps: string[] = [];
  const scope = scopeOf({ namespace }, { onStep: (_, name) => void steps.push(name) });
  const message = /the namespace is rootless, and cannot be entered; make the namespace as root, or use /;
  const before = links(rtnl);
  const joined = createVirtualEndpoint(scope, 4, { interfaceName: 'eth0', model: 'macvtap' });
  for (const endpoint of [joined, createMacvtapEndpoint(scope, 4, { interfaceName: 'eth0' })]) {
    await t.throwsAsync(endpoint.attach(new RecordingSink()), { code: 'ERR_ROOTLESS', message });
  }
  t.deepEqual(steps, []);
  t.deepEqual(links(rtnl), before);
});
