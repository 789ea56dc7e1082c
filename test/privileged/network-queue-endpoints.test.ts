/** Endpoints over a TAP or macvtap that is there: its queues are opened, and it stays. */

import { spawnSync } from 'node:child_process';

import type { Rtnl } from '../../sandbox/index.ts';
import type { Endpoint } from '../../sandbox/network/endpoint.ts';
import { createMacvtapEndpoint } from '../../sandbox/network/macvtap-endpoint.ts';
import { createTapEndpoint } from '../../sandbox/network/tap-endpoint.ts';
import { createTuntapEndpoint } from '../../sandbox/network/virtual-endpoint.ts';
import { serialTestWithFeatures } from '../_features.ts';
import { attached, isArp, makePlace, type Place, readFrame, RecordingSink, scopeOf } from './network-support.ts';

const testWithMacvtap = serialTestWithFeatures('veth', 'macvtap');
const testWithTap = serialTestWithFeatures('veth', 'tap-multi-queue', 'tap-vnet-header');

/** Makes a persistent TAP. */
async function makeTap({ namespace }: Place, queues: number, vnetHeaderBytes: 0 | 12): Promise<void> {
  (await namespace.openTap({ name: 'box0', queues, vnetHeaderBytes, persist: true })).close();
}

const linkOf = ({ links }: Rtnl, name: string): unknown => ({ ...links.get(name), carrierChanges: 0 });

testWithTap('a TAP that is there is used as it was made, and stays', async (t) => {
  for (const [queues, vnetHeaderBytes] of [[2, 12], [2, 0], [1, 12]] as const) {
    const place = await makePlace(t);
    await makeTap(place, queues, vnetHeaderBytes);
    const warnings: string[] = [];
    const scope = scopeOf(place, { warn: (message) => void warnings.push(message) });
    const before = linkOf(place.rtnl, 'box0');
    const endpoint = createTapEndpoint(scope, 0, { interfaceName: 'box0' });
    const { taps } = await attached(t, endpoint);
    const { address = '', mtu } = place.rtnl.links.get('box0');
    t.like(taps[0], { name: 'box0', vnetHeaderBytes, linkAddress: address, mtu, kind: 'tap' });
    t.is(taps[0]!.fds.length, queues);
    t.is(endpoint.hardwareAddress, address);
    t.true(place.rtnl.links.get('box0').isUp);
    t.is(warnings.length, queues === 1 ? 1 : 0);
    await endpoint.detach();
    t.like(linkOf(place.rtnl, 'box0'), { isUp: false, tun: (before as { tun: object }).tun });
  }
});

testWithTap('a TAP that would not stay is refused as "tap", and joined as "tuntap"', async (t) => {
  const place = await makePlace(t);
  const owner = await place.namespace.openTap({ name: 'box0', vnetHeaderBytes: 12 });
  t.teardown(() => owner.close());
  const tap = createTapEndpoint(scopeOf(place), 0, { interfaceName: 'box0' });
  const message = /make it persistent, or attach it as "tuntap"/;
  await t.throwsAsync(tap.attach(new RecordingSink()), { code: 'ERR_INVALID_OPTION', message });
  const tuntap = createTuntapEndpoint(scopeOf(place), 0, { interfaceName: 'box0', model: 'tcfilter' });
  const { taps } = await attached(t, tuntap);
  t.is(taps[0]!.name, 'tap0');
  t.is(tuntap.hardwareAddress, place.rtnl.links.get('box0').address ?? '');
  await tuntap.detach();
});

testWithMacvtap('two macvtaps of one index in two namespaces: each endpoint gets its own one\'s frames', async (t) => {
  const index = 9300;
  const places = [await makePlace(t), await makePlace(t)];
  const received: (string | undefined)[] = [];
  const endpoints: Endpoint[] = [];
  const sinks: RecordingSink[] = [];
  for (const [i, place] of places.entries()) {
    const { links } = place.rtnl;
    links.add({ kind: 'macvtap', name: 'box0', parent: 'eth0', index, address: `02:00:00:00:01:0${i}` });
    endpoints.push(createMacvtapEndpoint(scopeOf(place), 0, { interfaceName: 'box0' }));
    sinks.push(await attached(t, endpoints[i]!));
  }
  for (const [i, place] of places.entries()) {
    using peer = await place.peer.rtnl();
    peer.addresses.add('peer0', { address: `192.0.2.${10 + i}/24` });
    place.peer.runSync(() => spawnSync('ping', ['-c', '1', '-W', '1', '192.0.2.99']));
    received.push(readFrame(sinks[i]!.taps[0]!.fds, isArp)?.subarray(28, 32).join('.'));
  }
  t.deepEqual(received, ['192.0.2.10', '192.0.2.11']);
  const addresses = endpoints.map(({ hardwareAddress }) => hardwareAddress);
  t.deepEqual(addresses, ['02:00:00:00:01:00', '02:00:00:00:01:01']);
});
