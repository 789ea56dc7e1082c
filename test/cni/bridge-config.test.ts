/** The configuration of the bridge plugin, read without a machine. */

import test from 'ava';

import { checkForAdd, readBridgeConfig } from '../../cni/bridge/config.ts';
import { readVlanTrunk } from '../../cni/bridge/vlan-trunk.ts';
import { setVlans } from '../../cni/bridge/vlans.ts';
import type { JsonObject } from '../../cni/json.ts';
import type { PluginContext } from '../../cni/types.ts';

const contextOf = (config: JsonObject, args = ''): PluginContext => ({
  command: 'ADD',
  containerId: 'cont1',
  netns: '/nonexistent',
  ifName: 'eth0',
  args,
  path: [],
  config: { name: 'net1', ...config },
  raw: '',
  cniVersion: '1.1.0',
  env: {},
  warn: () => undefined,
});

const read = (config: JsonObject, args = ''): ReturnType<typeof readBridgeConfig> =>
  readBridgeConfig(contextOf(config, args));

test('what is not said has the defaults of the reference', (t) => {
  t.deepEqual(read({}), {
    network: 'net1',
    bridge: 'cni0',
    isGateway: false,
    isDefaultGateway: false,
    forceAddress: false,
    masquerade: false,
    masqueradeBackend: undefined,
    mtu: undefined,
    hairpin: false,
    promiscuous: false,
    vlan: 0,
    vlanTrunk: undefined,
    preserveDefaultVlan: false,
    spoofCheck: false,
    enableDad: false,
    disableContainerInterface: false,
    portIsolation: false,
    mac: undefined,
    ipam: undefined,
    dns: undefined,
  });
});

test('isDefaultGateway implies isGateway; an MTU of 0 or less is the kernel’s choice', (t) => {
  t.true(read({ isDefaultGateway: true }).isGateway);
  t.deepEqual([1400, 0, -1].map((mtu) => read({ mtu }).mtu), [1400, undefined, undefined]);
});

test('a VLAN trunk of no items, of a range, of an id, of both: sorted, each once', (t) => {
  t.deepEqual(readVlanTrunk([]), []);
  t.deepEqual(readVlanTrunk([{ minID: 101, maxID: 104 }]), [101, 102, 103, 104]);
  t.deepEqual(readVlanTrunk([{ id: 101 }]), [101]);
  t.deepEqual(readVlanTrunk([{ id: 104 }, { id: 102, minID: 101, maxID: 103 }, { id: 101 }]), [101, 102, 103, 104]);
});

for (const [item, message] of [
  [{ minID: 1 }, 'minID and maxID should be configured simultaneously, maxID is missing'],
  [{ maxID: 1 }, 'minID and maxID should be configured simultaneously, minID is missing'],
  [{ minID: -1, maxID: 10 }, 'incorrect trunk minID parameter'],
  [{ minID: 5000, maxID: 10 }, 'incorrect trunk minID parameter'],
  [{ minID: 1, maxID: 5000 }, 'incorrect trunk maxID parameter'],
  [{ minID: 1, maxID: -5 }, 'incorrect trunk maxID parameter'],
  [{ id: 5000 }, 'incorrect trunk id parameter'],
  [{ id: -1 }, 'incorrect trunk id parameter'],
  [{ minID: 100, maxID: 20 }, 'minID is greater than maxID in trunk parameter'],
] as const) {
  test(`the VLAN trunk ${JSON.stringify(item)} is refused: ${message}`, (t) => {
    t.is(t.throws(() => read({ vlanTrunk: [item] })).message, message);
  });
}

test('VLAN ids from 0 to 4094 are taken, others refused', (t) => {
  for (const vlan of [0, 1, 4094]) t.is(read({ vlan }).vlan, vlan);
  for (const vlan of [-100, 5000, 4095]) {
    t.is(t.throws(() => read({ vlan })).message, `invalid VLAN ID ${vlan} (must be between 0 and 4094)`);
  }
});

test('the address: CNI_ARGS, then args.cni, then runtimeConfig wins; any notation is one', (t) => {
  const args = 'IgnoreUnknown=1;MAC=02-00-00-00-00-0A';
  const cni = { args: { cni: { mac: '0200.0000.000b' } } };
  const runtimeConfig = { mac: '02:00:00:00:00:0C' };
  t.is(read({}, args).mac, '02:00:00:00:00:0a');
  t.is(read(cni, args).mac, '02:00:00:00:00:0b');
  t.is(read({ ...cni, runtimeConfig }, args).mac, '02:00:00:00:00:0c');
  t.throws(() => checkForAdd(read({ runtimeConfig: { mac: '02:00:00:00:00' } })), { message: /invalid MAC address$/ });
  t.throws(() => read({}, 'MAC'), { message: 'ARGS: invalid pair "MAC"' });
});

test('a key of the wrong kind is named', (t) => {
  const wrong = { mtu: 'big', isGateway: 1, vlan: 1.5, bridge: 7, ipam: [], vlanTrunk: {} };
  for (const [key, value] of Object.entries(wrong)) {
    const message = new RegExp(`^failed to load netconf: cannot read key "${key}"`);
    t.throws(() => read({ [key]: value }), { message });
  }
});

test('a name of a bridge that would be another path is refused by ADD, and does not stop DEL', (t) => {
  for (const bridge of ['', '.', '..', '../../x', 'a b', 'a'.repeat(16), 'a/b']) {
    t.throws(() => checkForAdd(read({ bridge })), { message: /interface name/ }, JSON.stringify(bridge));
  }
  t.notThrows(() => checkForAdd(read({ bridge: 'br.100' })));
});

test('dns is the network’s only where it says something', (t) => {
  t.is(read({ dns: {} }).dns, undefined);
  t.is(read({ dns: { nameservers: null, domain: '' } }).dns, undefined);
  t.deepEqual(read({ dns: { nameservers: [] } }).dns, { nameservers: [] });
  t.deepEqual(read({ dns: { domain: 'example.org' } }).dns, { domain: 'example.org' });
});

/** What is asked of the kernel for a port: `+100 pvid untagged`, `-1`. */
function askedFor(
  options: { vlan?: number; vlanTrunk?: number[]; preserveDefaultVlan?: boolean },
  defaultVlan = 1,
): string[] {
  const asked: string[] = [];
  const ports = {
    addVlan: (_: unknown, { id, ...flags }: { id: number; pvid?: boolean; untagged?: boolean }) =>
      void asked.push([`+${id}`, ...Object.keys(flags)].join(' ')),
    deleteVlan: (_: unknown, { id }: { id: number }) => void asked.push(`-${id}`),
  };
  const all = { vlan: 0, vlanTrunk: undefined, preserveDefaultVlan: false, ...options };
  setVlans(ports, { name: 'veth00000000', index: 7 }, defaultVlan, all);
  return asked;
}

test('the VLANs of a port: none, access, trunk, both, with and without the bridge’s default', (t) => {
  t.deepEqual(askedFor({}), []);
  t.deepEqual(askedFor({ vlan: 100 }), ['-1', '+100 pvid untagged']);
  t.deepEqual(askedFor({ vlan: 100, preserveDefaultVlan: true }), ['+100 pvid untagged']);
  t.deepEqual(askedFor({ vlanTrunk: [101, 200] }), ['-1', '+101', '+200', '+1 pvid untagged']);
  t.deepEqual(askedFor({ vlan: 100, vlanTrunk: [101] }), ['-1', '+100 pvid untagged', '+101']);
  t.deepEqual(askedFor({ vlan: 100 }, 0), ['+100 pvid untagged']);
  t.deepEqual(askedFor({ vlanTrunk: [] }), []);
});
