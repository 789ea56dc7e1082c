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
  t.throws(() => read({}, 'MAC'), { message: 'ARGS: invalid pair "MAC"' });
});

for (const [key, value, reason] of [
  ['mtu', 'big', 'string into Go struct field NetConf.mtu of type int'],
  ['isGateway', 1, 'number into Go struct field NetConf.isGateway of type bool'],
  ['vlan', 1.5, 'number 1.5 into Go struct field NetConf.vlan of type int'],
  ['bridge', 7, 'number into Go struct field NetConf.bridge of type string'],
  ['ipam', [], 'array into Go struct field NetConf.ipam of type types.IPAM'],
  ['ipam', { type: 5 }, 'number into Go struct field IPAM.ipam.type of type string'],
  ['vlanTrunk', {}, 'object into Go struct field NetConf.vlanTrunk of type []*main.VlanTrunk'],
  ['dns', { search: [5] }, 'number into Go struct field DNS.dns.search of type string'],
  ['type', 5, 'number into Go struct field NetConf.type of type string'],
  ['prevResult', 5, 'number into Go struct field NetConf.prevResult of type map[string]interface {}'],
  ['capabilities', { ips: 'yes' }, 'string into Go struct field NetConf.capabilities of type bool'],
  ['args', { cni: { mac: 5 } }, 'number into Go struct field BridgeArgs.args.cni.mac of type string'],
] as const) {
  test(`the key ${key} of the wrong kind, ${JSON.stringify(value)}, is refused with the reference's words`, (t) => {
    const message = `failed to load netconf: json: cannot unmarshal ${reason}`;
    t.is(t.throws(() => read({ [key]: value })).message, message);
  });
}

test('the letter case of keys does not matter', (t) => {
  const runtime = { RuntimeConfig: { MAC: '0200.0000.000b' } };
  const folded = read({ BRIDGE: 'br7', isgateway: true, Ipam: { TYPE: 'x' }, ...runtime });
  t.like(folded, { bridge: 'br7', isGateway: true, ipam: 'x', mac: '02:00:00:00:00:0b' });
  t.is(read({ bridge: 'br7', BRIDGE: 'br8' }).bridge, 'br8', 'the later one counts');
});

for (const [bridge, reason] of [
  ['', 'could not add "": LinkAttrs.Name cannot be empty'],
  ['.', 'could not add ".": invalid argument'],
  ['..', 'could not add "..": invalid argument'],
  ['../../x', 'could not add "../../x": invalid argument'],
  ['a b', 'could not add "a b": invalid argument'],
  ['a:b', 'could not add "a:b": invalid argument'],
  ['aaaaaaaaaaaaaaaa', 'could not add "aaaaaaaaaaaaaaaa": numerical result out of range'],
  ['a%d', 'could not lookup "a%d": Link not found'],
] as const) {
  test(`the bridge ${JSON.stringify(bridge)} is refused by ADD, and does not stop DEL`, (t) => {
    const config = read({ bridge });
    const { message } = t.throws(() => checkForAdd(config));
    t.is(message, `failed to create bridge ${JSON.stringify(bridge)}: ${reason}`);
  });
}

test('a name of a bridge may have dots, and fifteen bytes', (t) => {
  for (const bridge of ['br.100', 'a'.repeat(15)]) t.notThrows(() => checkForAdd(read({ bridge })), bridge);
});

for (const [mac, reason] of [
  ['02:00:00:00:00', 'address 02:00:00:00:00: invalid MAC address'],
  ['02-00-00-00-00:09', 'address 02-00-00-00-00:09: invalid MAC address'],
  ['02:00:00:00:00:00:00:01', 'invalid argument'],
] as const) {
  test(`the link address ${mac} is refused: ${reason}`, (t) => {
    const config = read({ runtimeConfig: { mac } });
    t.is(t.throws(() => checkForAdd(config)).message, `failed to make veth pair: ${reason}`);
  });
}

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
