/** What the endpoints of a sandbox network make in the kernel, and how it goes again. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import test from 'ava';

import { describeFd } from '../../native/index.ts';
import type { Endpoint } from '../../sandbox/network/endpoint.ts';
import { createMacvtapEndpoint } from '../../sandbox/network/macvtap-endpoint.ts';
import { undoLinkChange } from '../../sandbox/network/undo-run.ts';
import {
  createTuntapEndpoint,
  createVirtualEndpoint,
  type VirtualEndpoint,
} from '../../sandbox/network/virtual-endpoint.ts';
import { serialTestWithFeatures } from '../_features.ts';
import {
  attached,
  isArp,
  makePlace,
  type Place,
  readFrame,
  RecordingSink,
  sameAs,
  scopeOf,
  type Snapshot,
  snapshot,
  VETH_ADDRESS,
} from './network-support.ts';
import { iproute, type Json } from './sandbox-support.ts';

const DETACH = fileURLToPath(new URL('./_network-detach-main.js', import.meta.url));
const PAIR_ADDRESS = '02:00:ca:fe:00:04';
/** What every sink gets of a model's device. */
const DEVICE = { name: 'tap4', vhostFds: [], linkAddress: VETH_ADDRESS, vnetHeaderBytes: 12 } as const;
const MODELS = ['bridged', 'macvtap', 'tcfilter'] as const;

const testWithMacvtap = serialTestWithFeatures('veth', 'macvtap');
const testWithTap = serialTestWithFeatures('veth', 'bridge', 'tap-multi-queue', 'tap-vnet-header');
const testOfModel = (model: string): typeof testWithTap => (model === 'macvtap' ? testWithMacvtap : testWithTap);

const eth0 = (place: Place, model: string, options: Parameters<typeof scopeOf>[1] = {}): VirtualEndpoint =>
  createVirtualEndpoint(scopeOf(place, options), 4, { interfaceName: 'eth0', model });

testWithTap('bridged: eth0 and the TAP are ports of a bridge, and the guest has eth0\'s address', async (t) => {
  const place = await makePlace(t);
  place.rtnl.links.set('eth0', { mtu: 1400 });
  const endpoint = eth0(place, 'bridged');
  const { taps } = await attached(t, endpoint);
  const { fds, ...device } = taps[0]!;
  t.deepEqual(device, { ...DEVICE, mtu: 1400, kind: 'tap' });
  for (const fd of fds) t.like(describeFd(fd), { interfaceName: 'tap4', multiQueue: true, vnetHeaderBytes: 12 });
  t.is(fds.length, 2);
  t.is(endpoint.hardwareAddress, VETH_ADDRESS);
  const { links } = place.rtnl;
  const bridge = links.get('br4');
  t.like(bridge, { kind: 'bridge', isUp: true, bridge: { multicastSnooping: false } });
  t.like(links.get('eth0'), { master: bridge.index, isUp: true, address: PAIR_ADDRESS });
  t.like(links.get('tap4'), { master: bridge.index, isUp: true, mtu: 1400 });
  t.not(links.get('tap4').address, VETH_ADDRESS);
});

testWithMacvtap('macvtap: it has eth0\'s address and queue, and eth0 has no IP address any more', async (t) => {
  const place = await makePlace(t);
  place.rtnl.links.set('eth0', { transmitQueueLength: 77 });
  const { taps } = await attached(t, eth0(place, 'macvtap'));
  const { fds, ...device } = taps[0]!;
  t.deepEqual(device, { ...DEVICE, mtu: 1500, kind: 'macvtap' });
  t.is(fds.length, 2);
  for (const fd of fds) t.like(describeFd(fd), { kind: 'tap', vnetHeaderBytes: 12 });
  const { links, addresses } = place.rtnl;
  const parent = links.get('eth0');
  t.like(parent, { address: PAIR_ADDRESS, isUp: true });
  const tap = links.get('tap4');
  t.like(tap, { kind: 'macvtap', macvlan: { mode: 'bridge' }, parent: parent.index, isUp: true });
  t.is(tap.address, VETH_ADDRESS);
  t.is(tap.transmitQueueLength, 77);
  t.true(tap.index >= 8192 && tap.index <= 8192 + 0xffff);
  t.deepEqual(addresses.list({ link: 'eth0' }), []);
});

testWithTap('Kata: TcRedirectNetwork: each redirects all to the other, and eth0 keeps its addresses', async (t) => {
  const place = await makePlace(t);
  const { fd } = place.namespace;
  const before = snapshot(fd);
  const endpoint = eth0(place, 'tcfilter');
  await attached(t, endpoint);
  for (const [from, to] of [['eth0', 'tap4'], ['tap4', 'eth0']] as const) {
    const [filter] = iproute(fd, 'tc', `filter show dev ${from} ingress`).slice(-1);
    t.like(filter, { protocol: 'all', kind: 'u32', options: { match: { value: '0', mask: '0', off: 0 } } });
    const [action] = (filter as { options: { actions: object[] } }).options.actions;
    t.like(action, { kind: 'mirred', mirred_action: 'redirect', direction: 'egress', to_dev: to });
  }
  const ofEth0 = ({ addresses }: Snapshot): Json | undefined => addresses.find(({ ifname }) => ifname === 'eth0');
  t.deepEqual(ofEth0(snapshot(fd)), ofEth0(before));
  t.like(place.rtnl.links.get('eth0'), { address: VETH_ADDRESS });
  await endpoint.detach();
  await sameAs(t, fd, before, 'nothing is left of the redirects');
});

test.serial('taking a link back spares one of another kind that has its name by now', async (t) => {
  const { rtnl } = await makePlace(t);
  const undo = (kind: string): void => undoLinkChange(rtnl, { undo: 'delete-link', link: 'eth0', kind }, t.fail);
  undo('bridge');
  t.truthy(rtnl.links.find('eth0'));
  undo('veth');
  undo('veth');
  t.is(rtnl.links.find('eth0'), undefined);
});

for (const model of MODELS) {
  testOfModel(model)(`${model}: what the other side asks reaches the queues; only the guest answers`, async (t) => {
    const place = await makePlace(t);
    const { taps } = await attached(t, eth0(place, model));
    using peer = await place.peer.rtnl();
    peer.addresses.add('peer0', { address: '192.0.2.1/24' });
    place.peer.runSync(() => spawnSync('ping', ['-c', '1', '-W', '1', '192.0.2.2']));
    const request = readFrame(taps[0]!.fds, isArp);
    t.is(request?.subarray(38, 42).join('.'), '192.0.2.2');
    t.deepEqual(peer.neighbours.list({ family: 'inet' }).map(({ linkAddress }) => linkAddress), [undefined]);
  });

  testOfModel(model)(`${model}: another process detaches what it finds written down`, async (t) => {
    const place = await makePlace(t);
    const { fd } = place.namespace;
    const before = snapshot(fd);
    const endpoint = eth0(place, model);
    const sink = new RecordingSink();
    await endpoint.attach(sink);
    const { stdout, stderr } = spawnSync(process.execPath, [DETACH, JSON.stringify(endpoint)], {
      stdio: ['ignore', 'pipe', 'pipe', fd],
      encoding: 'utf8',
    });
    t.deepEqual(JSON.parse(stdout || '{}'), { wasAttached: true, isAttached: false, warnings: [] }, stderr);
    const { descriptors } = snapshot(fd);
    await sameAs(t, fd, { ...before, descriptors }, 'only our descriptors are left');
    await endpoint.detach();
    await sameAs(t, fd, before, 'they go with our detach, which finds nothing else');
    t.is(sink.released, 1);
  });

  testOfModel(model)(`row 19: ${model}: an interface that is gone at detach is a warning; the rest goes`, async (t) => {
    const place = await makePlace(t);
    const warnings: string[] = [];
    const endpoint = eth0(place, model, { warn: (message) => void warnings.push(message) });
    const sink = new RecordingSink();
    const before = snapshot(place.namespace.fd).descriptors;
    await endpoint.attach(sink);
    place.rtnl.links.delete('eth0');
    await endpoint.detach();
    t.deepEqual(warnings, ['Interface "eth0" is gone: nothing of it can be restored']);
    t.deepEqual(place.rtnl.links.list().map(({ name }) => name), ['lo']);
    t.is(snapshot(place.namespace.fd).descriptors, before);
    t.is(sink.released, 1);
    await endpoint.detach();
    t.is(warnings.length, 1);
  });

  testOfModel(model)(`${model}: it is attached once, and calls at the same time wait for each other`, async (t) => {
    const place = await makePlace(t);
    const before = snapshot(place.namespace.fd);
    const endpoint = eth0(place, model);
    const sink = new RecordingSink();
    const calls = [endpoint.attach(sink), endpoint.attach(sink), endpoint.detach(), endpoint.detach()];
    const results = await Promise.allSettled(calls);
    t.deepEqual(results.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    t.like((results[1] as PromiseRejectedResult).reason, { code: 'ERR_ALREADY_ATTACHED' });
    t.is(sink.taps.length, 1);
    await sameAs(t, place.namespace.fd, before, 'attached and detached');
  });
}

test.serial('none: nothing is made and nothing handed over', async (t) => {
  const place = await makePlace(t);
  const before = snapshot(place.namespace.fd);
  const endpoint = eth0(place, 'none');
  const sink = new RecordingSink();
  await endpoint.attach(sink);
  t.true(endpoint.isAttached);
  t.deepEqual(sink.taps, []);
  t.deepEqual(snapshot(place.namespace.fd), before);
  await endpoint.detach();
  t.false(endpoint.isAttached);
});

testWithTap('errors say in Kata\'s words which step failed, and why', async (t) => {
  const place = await makePlace(t);
  const { links } = place.rtnl;
  const sink = new RecordingSink();
  const fails = (endpoint: Endpoint, code: string, message: RegExp): Promise<unknown> =>
    t.throwsAsync(endpoint.attach(sink), { code, message });
  const refused = (endpoint: Endpoint, message: RegExp): Promise<unknown> =>
    fails(endpoint, 'ERR_INVALID_OPTION', message);
  links.add({ kind: 'bridge', name: 'br4' });
  const noBridge = /^Could not create bridge br4: LinkAdd\(\) failed for bridge name br4: .*EEXIST/;
  await fails(eth0(place, 'bridged'), 'EEXIST', noBridge);
  t.like(links.get('br4'), { kind: 'bridge' }, 'it is not ours to delete');
  links.set('eth0', { master: 'br4' });
  const isPort = /"eth0" by model "bridged": it is a port of link \d+; take it from there/;
  await fails(eth0(place, 'bridged'), 'ERR_LINK_TAKEN', isPort);
  (await place.namespace.openTap({ name: 'tap4', persist: true })).close();
  const noTap = /^Could not create TAP interface: LinkAdd\(\) failed for tuntap name tap4: .*EBUSY/;
  await fails(eth0(place, 'tcfilter'), 'EBUSY', noTap);
  const scope = scopeOf(place);
  await fails(createVirtualEndpoint(scope, 5), 'ENODEV', /^LinkByName\(\) failed for virtual name eth5: /);
  const named = { interfaceName: 'eth0' };
  await refused(createVirtualEndpoint(scope, 5, { interfaceName: 'lo' }), /Unsupported link type loopback/);
  await refused(createTuntapEndpoint(scope, 5, named), /Incorrect link type veth, expecting tun/);
  await refused(createMacvtapEndpoint(scope, 5, named), /Incorrect link type veth, expecting macvtap/);
  t.deepEqual(sink.taps, []);
});

testWithTap('row 19: vhost-net is required only where it is asked for', async (t) => {
  const place = await makePlace(t);
  const before = snapshot(place.namespace.fd);
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  const attach = async (options: Parameters<typeof scopeOf>[1]): Promise<number> => {
    const endpoint = eth0(place, 'tcfilter', { warn, ...options });
    const { taps } = await attached(t, endpoint);
    const vhostFds = taps[0]?.vhostFds ?? [];
    t.is(new Set([...vhostFds, ...(taps[0]?.fds ?? [])]).size, vhostFds.length + 2);
    await endpoint.detach();
    return vhostFds.length;
  };
  const missing = { vhostDevice: '/nonexistent/vhost-net' };
  t.is(await attach({ vhost: 'auto', vhostDevice: '/dev/null' }), 2);
  t.is(await attach({ vhost: 'required', vhostDevice: '/dev/null' }), 2);
  t.is(await attach({ vhost: 'off', vhostDevice: '/dev/null' }), 0);
  t.deepEqual(warnings, []);
  t.is(await attach({ vhost: 'auto', ...missing }), 0);
  t.regex(warnings.join(), /^vhost-net is not used: Cannot open "\/nonexistent\/vhost-net": open failed with ENOENT$/);
  await t.throwsAsync(attach({ vhost: 'required', ...missing }), {
    code: 'ERR_NO_VHOST',
    message: /^Could not setup vhost fds: .*ENOENT; load the module vhost_net .*, or use vhost "auto" or "off"$/,
  });
  await sameAs(t, place.namespace.fd, before, 'nothing is left of any');
});
