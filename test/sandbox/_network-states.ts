/** Networks as they are written down: by this package, and by the seed. */

import type { NetworkState } from '../../sandbox/index.ts';

const PAIR = {
  id: '3d4f5a26-1111-4222-8333-444455556666',
  name: 'br0',
  virtualInterface: { name: 'eth0', hardwareAddress: '02:00:ca:fe:00:00' },
  tapInterface: { name: 'tap0', hardwareAddress: '02:00:00:00:00:01' },
  model: 'tcfilter',
} as const;

const ADDRESS = { address: '192.0.2.2/24', broadcast: '192.0.2.255', scope: 'global' };

/** A network with an endpoint of every type, as JSON.parse gives it. */
export const STATE: NetworkState = {
  version: 1,
  networkModel: 'cnm',
  containerId: 'box',
  namespace: { path: '/run/netns/box', created: true, inode: 4026532000 },
  model: 'default',
  queues: 2,
  vhost: 'auto',
  nextIndex: 6,
  endpoints: [
    {
      type: 'virtual',
      pair: PAIR,
      properties: {
        link: {
          ...{ index: 2, name: 'eth0', alternativeNames: ['uplink'], hardwareType: 1, flags: 0x1043 },
          ...{ flagNames: ['UP', 'BROADCAST', 'RUNNING', 'MULTICAST'], isUp: true, operationalState: 'UP', mtu: 1500 },
          ...{ address: '02:00:00:00:00:01', group: 0, kind: 'veth' },
        },
        addresses: [
          {
            ...{ family: 'inet', index: 2, address: '192.0.2.2', prefixLength: 24, scope: 'global' },
            ...{ flags: ['permanent'], validLifetime: 3600, preferredLifetime: 1800 },
          },
        ],
        routes: [
          {
            ...{ family: 'inet', destination: 'default', gateway: '192.0.2.1', index: 2, table: 254 },
            ...{ type: 'unicast', protocol: 'boot', scope: 'global', flags: ['onlink'], metrics: { mtu: 1400 } },
          },
        ],
        neighbours: [
          {
            ...{ family: 'inet', index: 2, address: '192.0.2.9', linkAddress: '02:00:00:00:00:09' },
            ...{ state: 'permanent', flags: [] },
          },
        ],
        dns: { servers: ['192.0.2.53'], searches: ['example.org'] },
      },
      undo: [
        { undo: 'restore-addressing', link: 'eth0', addresses: [ADDRESS], routes: [], neighbours: [] },
        { undo: 'delete-link', link: 'tap0', kind: 'tun' },
        { undo: 'set-link', link: 'eth0', up: false, address: '02:00:00:00:00:01', noMaster: true },
        { undo: 'delete-ingress', link: 'eth0' },
        { undo: 'delete-filters', link: 'eth0' },
      ],
    },
    { type: 'tuntap', pair: { ...PAIR, name: 'br1' }, undo: [] },
    { type: 'tap', name: 'tap9', hardwareAddress: '', undo: [] },
    { type: 'macvtap', name: 'macvtap0', hardwareAddress: '02:00:00:00:00:03', undo: [] },
    {
      ...{ type: 'physical', name: 'eth4', hardwareAddress: '02:00:00:00:00:04', bdf: '0000:00:03.0' },
      ...{ driver: 'virtio-pci', vendorDeviceId: '0x1af4 0x1041' },
      undo: [
        { undo: 'pci-bind', bdf: '0000:00:03.0', driver: 'virtio-pci' },
        { undo: 'pci-remove-id', driver: 'vfio-pci', vendorDeviceId: '0x1af4 0x1041' },
        { undo: 'pci-unbind', bdf: '0000:00:03.0', driver: 'vfio-pci' },
      ],
    },
    {
      ...{ type: 'vhost-user', name: 'eth5', hardwareAddress: '02:00:00:00:00:05' },
      socketPath: '/tmp/vhostuser_192.0.2.5/vhu.sock',
    },
  ],
};

const base64 = (...bytes: number[]): string => Buffer.from(bytes).toString('base64');

const ones = [255, 255, 255, 255, 255, 255, 255, 255];

const GO_PROPERTIES = {
  Iface: {
    ...{ Index: 5, MTU: 1500, TxQLen: 1000, Name: 'eth0', HardwareAddr: base64(2, 0, 0, 0, 0, 1) },
    ...{ Flags: 19, RawFlags: 0x1043 },
    ...{ ParentIndex: 6, MasterIndex: 0, Namespace: null, Alias: '', Statistics: null, Promisc: 0, Xdp: null },
    ...{ EncapType: 'ether', Protinfo: null, OperState: 6, Type: 'veth' },
  },
  Addrs: [
    {
      ...{ IP: '192.0.2.2', Mask: base64(255, 255, 255, 0), Label: 'eth0', Flags: 128, Scope: 0, Peer: null },
      ...{ Broadcast: '192.0.2.255', PreferedLft: 4294967295, ValidLft: 4294967295 },
    },
    { IP: '2001:db8::2', Mask: base64(...ones, ...ones.map(() => 0)), Label: '', Scope: 0 },
  ],
  Routes: [
    {
      ...{ LinkIndex: 5, Scope: 0, Dst: null, Src: '', Gw: '192.0.2.1', Protocol: 3, Priority: 0 },
      ...{ Table: 254, Type: 1, Flags: 0 },
    },
    {
      ...{ LinkIndex: 5, Scope: 253, Dst: { IP: '192.0.2.0', Mask: base64(255, 255, 255, 0) }, Src: '192.0.2.2' },
      ...{ Gw: '', Protocol: 2, Priority: 0, Table: 254, Type: 1, Flags: 0 },
    },
  ],
  DNS: { Servers: ['192.0.2.53'], Domain: 'example.org', Searches: null, Options: null },
};

const NO_PROPERTIES = {
  ...{ Iface: { Index: 0, Name: '', HardwareAddr: null }, Addrs: null, Routes: null },
  DNS: { Servers: null },
};

/** What the seed wrote for three endpoints and one of a type that it had not. */
export const SEED: {
  readonly NetNsPath: string;
  readonly NetNsCreated: boolean;
  readonly Endpoints: readonly object[];
} = {
  NetNsPath: '/var/run/netns/cni-3d4f5a26-1111-4222-8333-444455556666',
  NetNsCreated: true,
  Endpoints: [
    {
      Type: 'virtual',
      Data: {
        NetPair: {
          ...{ ID: '3d4f5a26-1111-4222-8333-444455556666', Name: 'br0', NetInterworkingModel: 2 },
          VirtIface: { Name: 'eth0', HardAddr: '02:00:CA:FE:00:00', Addrs: null },
          TAPIface: { Name: 'tap0', HardAddr: '02:00:00:00:00:01', Addrs: null },
          ...{ VMFds: [{}, {}], VhostFds: [{}, {}] },
        },
        ...{ EndpointProperties: GO_PROPERTIES, Physical: false, EndpointType: 'virtual' },
      },
    },
    {
      Type: 'physical',
      Data: {
        ...{ IfaceName: 'eth1', HardAddr: '02:00:00:00:00:02', EndpointType: 'physical' },
        EndpointProperties: NO_PROPERTIES,
        ...{ BDF: '0000:00:03.0', Driver: 'virtio-pci', VendorDeviceID: '0x1af4 0x1041' },
      },
    },
    { Type: 'quantum', Data: {} },
    {
      Type: 'vhost-user',
      Data: {
        ...{ SocketPath: '/tmp/vhostuser_192.0.2.5/vhu.sock', HardAddr: '02:00:00:00:00:05', IfaceName: 'eth3' },
        ...{ EndpointProperties: NO_PROPERTIES, EndpointType: 'vhost-user' },
      },
    },
  ],
};
