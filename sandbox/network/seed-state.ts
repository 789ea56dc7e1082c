/**
 * A sandbox network as the seed (Kata's runtime of 2018) wrote it down, in Go's JSON.
 *
 *     { "NetNsPath": "/var/run/netns/cni-…", "NetNsCreated": true,
 *       "Endpoints": [ { "Type": "virtual", "Data": { "NetPair": { … }, "EndpointProperties": { … } } }, … ] }
 *
 * The seed wrote down what was attached, and no steps that undo it: they follow from the endpoint's type and model.
 */

import { basename } from 'node:path';

import { match } from 'ts-pattern';

import { savedAddress } from './addressing.ts';
import type { EndpointProperties } from './endpoint.ts';
import type { ResolvedModel } from './interworking.ts';
import type { NetworkPair, PairInterface } from './network-pair.ts';
import type { PhysicalState } from './physical-endpoint.ts';
import { readGoLinkAddress, readGoProperties } from './seed-properties.ts';
import {
  listOf,
  malformed,
  objectOf,
  type Read,
  readBoolean,
  readObject,
  readText,
  textThat,
  withDefault,
} from './state-fields.ts';
import { readInterfaceName } from './state-properties.ts';
import { type EndpointState, isContainerId, type NetworkState, STATE_VERSION } from './state-shape.ts';
import { readDriverName, readPciAddress, readVendorDeviceId } from './state-undo.ts';
import type { LinkUndo, SavedRoute } from './undo-steps.ts';
import type { VhostUserState } from './vhost-user-endpoint.ts';
import type { VirtualState } from './virtual-endpoint.ts';

/** Queues that the seed opened. */
const SEED_QUEUES = 8;

/** Whether it was written by the seed: its fields begin with capitals. */
export const isSeedState = (object: Readonly<Record<string, unknown>>): boolean =>
  Object.hasOwn(object, 'NetNsPath') || Object.hasOwn(object, 'Endpoints');

interface Envelope {
  readonly Type: string;
  readonly Data: Readonly<Record<string, unknown>>;
}

const readEnvelope = objectOf<Envelope>({ Type: readText, Data: readObject });

/** Go writes a list that was never made as null. Without the field the seed fails, too. */
const readEnvelopes: Read<Envelope[]> = (value, path) => {
  if (value === undefined) throw malformed(path, value, 'a list');
  return withDefault(listOf(readEnvelope), [])(value, path);
};

const readNetwork = objectOf<{ NetNsPath: string; NetNsCreated: boolean; Endpoints: Envelope[] }>({
  NetNsPath: withDefault(readText, ''),
  NetNsCreated: withDefault(readBoolean, false),
  Endpoints: readEnvelopes,
});

/** Reads the seed's state. @param warn told of what is skipped @throws LinkpointError ERR_NETWORK_STATE */
export function readSeedState(value: unknown, warn: (message: string) => void): NetworkState {
  const { NetNsPath: path, NetNsCreated: created, Endpoints: envelopes } = readNetwork(value, '');
  const endpoints = envelopes.flatMap((one, i) => readEndpoint(one, `Endpoints[${i}]`, warn));
  const name = basename(path);
  return {
    version: STATE_VERSION,
    networkModel: path === '' ? 'noop' : 'cnm',
    containerId: isContainerId(name) ? name : 'unknown',
    namespace: { path, created },
    model: 'macvtap',
    queues: SEED_QUEUES,
    vhost: 'auto',
    nextIndex: envelopes.length,
    endpoints,
  };
}

function readEndpoint(envelope: Envelope, path: string, warn: (message: string) => void): EndpointState[] {
  const { Type: type, Data: data } = envelope;
  return match(type)
    .returnType<EndpointState[]>()
    .with('virtual', () => [readVirtual(data, `${path}.Data`)])
    .with('physical', () => [readPhysical(data, `${path}.Data`)])
    .with('vhost-user', () => [readVhostUser(data, `${path}.Data`)])
    .otherwise(() => {
      warn(`Skipped "${path}": Unknown endpoint type ${type}`);
      return [];
    });
}

/** Go's constants of NetInterworkingModel; its default was macvtap. */
const readModel: Read<ResolvedModel> = (value, path) => {
  if (value === 1) return 'bridged';
  if (value === 0 || value === 2) return 'macvtap';
  throw malformed(path, value, value === 3 ? 'a supported model (Unsupported networking model), 0 to 2,' : '0 to 2');
};

interface SeedInterface {
  readonly Name: string;
  readonly HardAddr: string;
}

interface SeedPair {
  readonly ID: string;
  readonly Name: string;
  readonly VirtIface: SeedInterface;
  readonly TAPIface: SeedInterface;
  readonly NetInterworkingModel: ResolvedModel;
}

const readSeedInterface = objectOf<SeedInterface>({ Name: readInterfaceName, HardAddr: readGoLinkAddress });

const readSeedVirtual = objectOf<{ NetPair: SeedPair; EndpointProperties?: EndpointProperties }>({
  NetPair: objectOf<SeedPair>({
    ID: readText,
    Name: readInterfaceName,
    VirtIface: readSeedInterface,
    TAPIface: readSeedInterface,
    NetInterworkingModel: readModel,
  }),
  EndpointProperties: readGoProperties,
});

function readVirtual(value: unknown, path: string): VirtualState {
  const { NetPair: seed, EndpointProperties: properties } = readSeedVirtual(value, path);
  const pair: NetworkPair = {
    id: seed.ID,
    name: seed.Name,
    virtualInterface: pairInterface(seed.VirtIface),
    tapInterface: pairInterface(seed.TAPIface),
    model: seed.NetInterworkingModel,
  };
  return { type: 'virtual', pair, ...maybe(properties), undo: undoOf(pair, properties) };
}

const pairInterface = (seed: SeedInterface): PairInterface => ({ name: seed.Name, hardwareAddress: seed.HardAddr });

const maybe = (properties: EndpointProperties | undefined): { properties?: EndpointProperties } =>
  properties === undefined ? {} : { properties };

/** What the seed's attach had changed, first step first. */
function undoOf(pair: NetworkPair, properties?: EndpointProperties): LinkUndo[] {
  const { model, name, virtualInterface, tapInterface } = pair;
  const link = virtualInterface.name;
  const up = properties?.link.isUp === false ? ({ up: false } as const) : {};
  // The TAP got the address that the interface had before.
  const address = tapInterface.hardwareAddress === '' ? {} : { address: tapInterface.hardwareAddress };
  if (model === 'bridged') {
    return [
      { undo: 'set-link', link, ...address, ...up, noMaster: true },
      { undo: 'delete-link', link: name, kind: 'bridge' },
      { undo: 'delete-link', link: tapInterface.name, kind: 'tun' },
    ];
  }
  return [
    ...(properties === undefined ? [] : [restoreOf(link, properties)]),
    { undo: 'set-link', link, ...address, ...up },
    { undo: 'delete-link', link: tapInterface.name, kind: 'macvtap' },
  ];
}

/** The macvtap model removes the addresses, and the kernel the routes with them. */
function restoreOf(link: string, { addresses, routes }: EndpointProperties): LinkUndo {
  const kept = routes.filter(({ protocol }) => protocol !== 'kernel');
  return {
    undo: 'restore-addressing',
    link,
    addresses: addresses.map(savedAddress),
    routes: kept.map(({ index: _, flags, nextHops: _hops, ...route }): SavedRoute => {
      return { ...route, link, ...(flags.includes('onlink') ? { onlink: true } : {}) };
    }),
    neighbours: [],
  };
}

interface SeedPhysical {
  readonly IfaceName: string;
  readonly HardAddr: string;
  readonly BDF: string;
  readonly Driver: string;
  readonly VendorDeviceID: string;
  readonly EndpointProperties?: EndpointProperties;
}

const readSeedPhysical = objectOf<SeedPhysical>({
  IfaceName: readInterfaceName,
  HardAddr: readGoLinkAddress,
  BDF: readPciAddress,
  Driver: readDriverName,
  VendorDeviceID: readVendorDeviceId,
  EndpointProperties: readGoProperties,
});

function readPhysical(value: unknown, path: string): PhysicalState {
  const seed = readSeedPhysical(value, path);
  const { BDF: bdf, Driver: driver, VendorDeviceID: vendorDeviceId } = seed;
  return {
    type: 'physical',
    name: seed.IfaceName,
    hardwareAddress: seed.HardAddr,
    ...{ bdf, driver, vendorDeviceId },
    ...maybe(seed.EndpointProperties),
    undo: [
      { undo: 'pci-bind', bdf, driver },
      { undo: 'pci-remove-id', driver: 'vfio-pci', vendorDeviceId },
      { undo: 'pci-unbind', bdf, driver: 'vfio-pci' },
    ],
  };
}

interface SeedVhostUser extends Pick<SeedPhysical, 'IfaceName' | 'HardAddr' | 'EndpointProperties'> {
  readonly SocketPath: string;
}

const readSeedVhostUser = objectOf<SeedVhostUser>({
  SocketPath: textThat('an absolute path', (text) => text.startsWith('/') && !text.includes('\0')),
  IfaceName: readInterfaceName,
  HardAddr: readGoLinkAddress,
  EndpointProperties: readGoProperties,
});

function readVhostUser(value: unknown, path: string): VhostUserState {
  const { SocketPath: socketPath, IfaceName: name, HardAddr: hardwareAddress, EndpointProperties: properties } =
    readSeedVhostUser(value, path);
  return { type: 'vhost-user', name, hardwareAddress, socketPath, ...maybe(properties) };
}
