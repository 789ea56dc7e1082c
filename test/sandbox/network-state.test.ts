/** Networks that were written down are input: read whole, or refused with the path of the field. */

import test, { type ExecutionContext } from 'ava';

import { readNetworkState } from '../../sandbox/index.ts';
import { SEED, STATE } from './_network-states.ts';

const noWarning = (message: string): never => {
  throw new Error(`There was a warning: ${message}`);
};

/** The state with one field changed; undefined removes it. */
function changed(state: unknown, path: string, value: unknown): unknown {
  const copy = structuredClone(state) as Record<string, unknown>;
  const keys = path.split(/[.[\]]+/).filter((key) => key !== '');
  const last = keys.pop() ?? '';
  const parent = keys.reduce<Record<string, unknown>>((object, key) => object[key] as Record<string, unknown>, copy);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return copy;
}

function refuses(t: ExecutionContext, state: unknown, path: string, value: unknown, at: string = path): void {
  const read = (): unknown => readNetworkState(changed(state, path, value), noWarning);
  const error = t.throws(read, { code: 'ERR_NETWORK_STATE' }, path);
  t.true(error?.message.startsWith(`Cannot read the network state at "${at}": `), `${path}: ${error?.message}`);
}

test('a state is read as it was written: text or value, every type, null for seconds without end', (t) => {
  t.deepEqual(readNetworkState(STATE, noWarning), STATE);
  t.deepEqual(readNetworkState(JSON.stringify(STATE), noWarning), STATE);
  const endless = changed(STATE, 'endpoints[0].properties.addresses[0].validLifetime', null);
  const [virtual] = readNetworkState(endless, noWarning).endpoints;
  t.is(virtual?.properties?.addresses[0]?.validLifetime, Number.POSITIVE_INFINITY);
});

test('fields that this version does not know are left out', (t) => {
  t.deepEqual(readNetworkState({ ...STATE, later: 1 }, noWarning), STATE);
  t.deepEqual(readNetworkState(changed(STATE, 'endpoints[0].pair.later', 1), noWarning), STATE);
});

test('an endpoint of an unknown type is skipped, and the caller is told', (t) => {
  const warnings: string[] = [];
  const { endpoints, nextIndex } = readNetworkState(changed(STATE, 'endpoints[1].type', 'quantum'), (message) => {
    warnings.push(message);
  });
  t.deepEqual(endpoints.map(({ type }) => type), ['virtual', 'tap', 'macvtap', 'physical', 'vhost-user']);
  t.is(nextIndex, 6);
  t.deepEqual(warnings, ['Skipped "endpoints[1]": Unknown endpoint type quantum']);
});

test('what is no JSON, or no object, is refused', (t) => {
  for (const input of ['{', '', 'null', '[]', '"text"', '7']) {
    t.throws(() => readNetworkState(input, noWarning), { code: 'ERR_NETWORK_STATE' }, input);
  }
});

const MALFORMED: readonly (readonly [path: string, value: unknown, at?: string])[] = [
  ['version', 2],
  ['networkModel', 'calico'],
  ['containerId', '../x'],
  ['namespace', undefined],
  ['namespace.path', 7],
  ['namespace.created', 'yes'],
  ['model', 'enlightened'],
  ['queues', 0],
  ['queues', 257],
  ['queues', 1.5],
  ['vhost', 'maybe'],
  ['nextIndex', -1],
  ['endpoints', undefined],
  ['endpoints', {}],
  ['endpoints[0]', null],
  ['endpoints[0].type', 7],
  ['endpoints[0].undo', undefined],
  ['endpoints[0].pair.model', 'default'],
  ['endpoints[0].pair.name', 'a/b'],
  ['endpoints[0].pair.id', 'x'],
  ['endpoints[0].pair.tapInterface.name', '..'],
  ['endpoints[0].pair.virtualInterface.hardwareAddress', '02:00'],
  ['endpoints[0].properties.link.index', 0],
  ['endpoints[0].properties.link.mtu', '1500'],
  ['endpoints[0].properties.addresses[0].address', '192.0.2.300'],
  ['endpoints[0].properties.addresses[0].prefixLength', 129],
  ['endpoints[0].properties.routes[0].destination', 'everywhere'],
  ['endpoints[0].properties.dns.servers', ['192.0.2.53', 7], 'endpoints[0].properties.dns.servers[1]'],
  ['endpoints[0].undo[0].addresses[0].address', '192.0.2.2'],
  ['endpoints[0].undo[1].undo', 'rm -rf'],
  ['endpoints[0].undo[1].link', ''],
  ['endpoints[0].undo[2].address', 'x'],
  ['endpoints[0].undo[2].noMaster', false],
  ['endpoints[1].undo', [{ undo: 'pci-bind', bdf: '0000:00:03.0', driver: 'x' }], 'endpoints[1].undo[0].undo'],
  ['endpoints[2].name', 'a b'],
  ['endpoints[4].bdf', '../../x'],
  ['endpoints[4].driver', '../../x'],
  ['endpoints[4].undo[0].bdf', 'usb-0000:00:14.0-1'],
  ['endpoints[4].undo[0].driver', '..'],
  ['endpoints[4].undo[1].vendorDeviceId', '0x1af4'],
  ['endpoints[5].socketPath', 'vhu.sock'],
  ['endpoints[5].socketPath', '/tmp/a\0b'],
];

for (const [path, value, at] of MALFORMED) {
  const what = JSON.stringify(value) ?? 'nothing';
  test(`${path} = ${what} is refused by its path`, (t) => refuses(t, STATE, path, value, at));
}

test('a state cannot reach the prototype', (t) => {
  const text = JSON.stringify(STATE).replace('"version":1', '"version":1,"__proto__":{"polluted":1}');
  const state = JSON.parse(text) as unknown;
  t.deepEqual(readNetworkState(state, noWarning), STATE);
  t.false('polluted' in {});
});

test('the seed\'s envelope is read: its types, its base64, its nulls, and one unknown type with a warning', (t) => {
  const warnings: string[] = [];
  const state = readNetworkState(JSON.stringify(SEED), (message) => void warnings.push(message));
  t.deepEqual(warnings, ['Skipped "Endpoints[2]": Unknown endpoint type quantum']);
  t.like(state, { networkModel: 'cnm', namespace: { path: SEED.NetNsPath, created: true }, nextIndex: 4, queues: 8 });
  t.deepEqual(state.endpoints.map(({ type }) => type), ['virtual', 'physical', 'vhost-user']);
  t.deepEqual(readNetworkState(JSON.stringify(state), noWarning), state, 'it is a state of ours');
});

test('what the seed wrote of a virtual endpoint becomes ours, with the steps that undo it', (t) => {
  const [virtual] = readNetworkState(SEED, () => undefined).endpoints;
  if (virtual?.type !== 'virtual') return t.fail();
  t.deepEqual(virtual.pair, {
    id: '3d4f5a26-1111-4222-8333-444455556666',
    name: 'br0',
    virtualInterface: { name: 'eth0', hardwareAddress: '02:00:ca:fe:00:00' },
    tapInterface: { name: 'tap0', hardwareAddress: '02:00:00:00:00:01' },
    model: 'macvtap',
  });
  const { link, addresses, routes, dns } = virtual.properties!;
  t.like(link, { index: 5, name: 'eth0', mtu: 1500, address: '02:00:00:00:00:01', isUp: true, kind: 'veth' });
  const prefixes = addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`);
  t.deepEqual(prefixes, ['192.0.2.2/24', '2001:db8::2/64']);
  t.is(addresses[0]?.validLifetime, Number.POSITIVE_INFINITY);
  t.deepEqual(routes.map(({ destination, gateway, protocol }) => [destination, gateway, protocol]), [
    ['default', '192.0.2.1', 'boot'],
    ['192.0.2.0/24', undefined, 'kernel'],
  ]);
  t.deepEqual(dns, { servers: ['192.0.2.53'], domain: 'example.org' });
  t.deepEqual(virtual.undo.map(({ undo, link: name }) => `${undo} ${name}`), [
    'restore-addressing eth0',
    'set-link eth0',
    'delete-link tap0',
  ]);
});

test('the seed\'s bridged model is undone by deleting both links and setting the veth', (t) => {
  const bridged = changed(SEED, 'Endpoints[0].Data.NetPair.NetInterworkingModel', 1);
  const [virtual] = readNetworkState(bridged, () => undefined).endpoints;
  t.deepEqual(virtual?.type === 'virtual' ? virtual.undo : undefined, [
    { undo: 'set-link', link: 'eth0', address: '02:00:00:00:00:01', noMaster: true },
    { undo: 'delete-link', link: 'br0', kind: 'bridge' },
    { undo: 'delete-link', link: 'tap0', kind: 'tun' },
  ]);
});

test('the seed needs Endpoints; null is an empty list, as in Go', (t) => {
  refuses(t, SEED, 'Endpoints', undefined);
  t.deepEqual(readNetworkState({ ...SEED, Endpoints: null }, noWarning).endpoints, []);
});

const MALFORMED_SEED: readonly (readonly [path: string, value: unknown])[] = [
  ['NetNsPath', 7],
  ['Endpoints[0].Type', 7],
  ['Endpoints[0].Data', null],
  ['Endpoints[0].Data.NetPair.NetInterworkingModel', 3],
  ['Endpoints[0].Data.NetPair.TAPIface.HardAddr', '02:00'],
  ['Endpoints[0].Data.NetPair.VirtIface.Name', 'a/b'],
  ['Endpoints[0].Data.EndpointProperties.Iface.HardwareAddr', 'AgAA'],
  ['Endpoints[0].Data.EndpointProperties.Iface.HardwareAddr', 'AgAA!AAAB'],
  ['Endpoints[0].Data.EndpointProperties.Addrs[0].IP', ''],
  ['Endpoints[0].Data.EndpointProperties.Addrs[0].Mask', '/wD/AA=='],
  ['Endpoints[0].Data.EndpointProperties.Addrs[0].Mask', '//8='],
  ['Endpoints[0].Data.EndpointProperties.Routes[0].Gw', 'x'],
  ['Endpoints[1].Data.BDF', '../x'],
  ['Endpoints[3].Data.SocketPath', 'x'],
];

for (const [path, value] of MALFORMED_SEED) {
  test(`the seed's ${path} = ${JSON.stringify(value)} is refused by its path`, (t) => refuses(t, quiet(), path, value));
}

/** The seed's state without the endpoint that is skipped: in its place one that is not. */
function quiet(): unknown {
  return changed(SEED, 'Endpoints[2]', SEED.Endpoints[1]);
}
