/**
 * A sandbox network written down: plain data without descriptors, from which another process can detach.
 *
 *     { version, networkModel, containerId, namespace: { path, created, inode }, model, queues, vhost, nextIndex,
 *       endpoints: [ { type: 'virtual', pair, properties, undo: [ … ] }, { type: 'physical', … }, … ] }
 *
 * Addresses are text, and seconds without end are null or missing. What is read is checked, field by field: a state
 * file is input.
 */

import { match } from 'ts-pattern';

import { asError, LinkpointError } from '../../errors.ts';
import type { EndpointType } from './endpoint.ts';
import { INTERWORKING_MODELS, type ResolvedModel } from './interworking.ts';
import { NETWORK_MODELS } from './network-models.ts';
import type { NamespaceState } from './network-namespace.ts';
import type { NetworkPair, PairInterface } from './network-pair.ts';
import type { PhysicalState } from './physical-endpoint.ts';
import type { QueueEndpointState } from './queue-endpoint.ts';
import { isSeedState, readSeedState } from './seed-state.ts';
import {
  integer,
  listOf,
  malformed,
  objectOf,
  oneOf,
  optional,
  type Read,
  readBoolean,
  readObject,
  readText,
  textThat,
} from './state-fields.ts';
import { readHardwareAddress, readInterfaceName, readProperties } from './state-properties.ts';
import { type EndpointState, isContainerId, type NetworkState, QUEUES_MAX, STATE_VERSION } from './state-shape.ts';
import { readDriverName, readLinkUndo, readPciAddress, readPciUndo, readVendorDeviceId } from './state-undo.ts';
import type { VhostUserState } from './vhost-user-endpoint.ts';
import type { VirtualState } from './virtual-endpoint.ts';

/**
 * Reads a network that was written down, by this package or by the seed.
 * @param input text, or what JSON.parse made of it
 * @param warn told of endpoints of unknown types, which are skipped
 * @throws LinkpointError ERR_NETWORK_STATE naming the field
 */
export function readNetworkState(input: unknown, warn: (message: string) => void): NetworkState {
  const value = typeof input === 'string' ? parse(input) : input;
  const object = readObject(value, '');
  return isSeedState(object) ? readSeedState(object, warn) : readOwnState(object, warn);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = asError(error).message;
    throw new LinkpointError('ERR_NETWORK_STATE', `Cannot read the network state: ${reason}`, { cause: error });
  }
}

const INDEX_MAX = 0x1_0000;
const readInterworkingModel = oneOf(...INTERWORKING_MODELS);
const readResolvedModel: Read<ResolvedModel> = oneOf('bridged', 'macvtap', 'tcfilter', 'none');

function readOwnState(value: unknown, warn: (message: string) => void): NetworkState {
  const state = objectOf<Omit<NetworkState, 'endpoints'> & { readonly endpoints: unknown[] }>({
    version: (one, path) => {
      if (one !== STATE_VERSION) throw malformed(path, one, String(STATE_VERSION));
      return one;
    },
    networkModel: oneOf(...NETWORK_MODELS),
    containerId: textThat('the id of a container', isContainerId),
    namespace: objectOf<NamespaceState>({ path: readText, created: readBoolean, inode: optional(integer(1)) }),
    model: readInterworkingModel,
    queues: integer(1, QUEUES_MAX),
    vhost: oneOf('auto', 'off', 'required'),
    nextIndex: integer(0, INDEX_MAX),
    endpoints: listOf<unknown>((one) => one),
  })(value, '');
  return { ...state, endpoints: state.endpoints.flatMap((one, i) => readEndpoint(one, `endpoints[${i}]`, warn)) };
}

const ENDPOINT_TYPES: readonly EndpointType[] = ['virtual', 'tuntap', 'physical', 'vhost-user', 'tap', 'macvtap'];

function readEndpoint(value: unknown, path: string, warn: (message: string) => void): EndpointState[] {
  const name = readText(readObject(value, path)['type'], `${path}.type`);
  const type = ENDPOINT_TYPES.find((one) => one === name);
  if (type === undefined) {
    warn(`Skipped "${path}": Unknown endpoint type ${name}`);
    return [];
  }
  return match(type)
    .returnType<EndpointState[]>()
    .with('virtual', 'tuntap', () => [readVirtual(value, path)])
    .with('physical', () => [readPhysical(value, path)])
    .with('vhost-user', () => [readVhostUser(value, path)])
    .with('tap', () => [readTap(value, path)])
    .with('macvtap', () => [readMacvtap(value, path)])
    .exhaustive();
}

/** Empty while it is not known. */
const readMaybeAddress: Read<string> = (value, path) => (value === '' ? '' : readHardwareAddress(value, path));

const readPairInterface = objectOf<PairInterface>({ name: readInterfaceName, hardwareAddress: readMaybeAddress });

const readPair = objectOf<NetworkPair>({
  id: textThat('a UUID', (text) => /^[0-9a-f-]{36}$/i.test(text)),
  name: readInterfaceName,
  virtualInterface: readPairInterface,
  tapInterface: readPairInterface,
  model: readResolvedModel,
});

const readVirtual = objectOf<VirtualState>({
  type: oneOf('virtual', 'tuntap'),
  pair: readPair,
  properties: optional(readProperties),
  undo: listOf(readLinkUndo),
});

const readPhysical = objectOf<PhysicalState>({
  type: oneOf('physical'),
  name: readInterfaceName,
  hardwareAddress: readHardwareAddress,
  bdf: readPciAddress,
  driver: readDriverName,
  vendorDeviceId: readVendorDeviceId,
  properties: optional(readProperties),
  undo: listOf(readPciUndo),
});

const readVhostUser = objectOf<VhostUserState>({
  type: oneOf('vhost-user'),
  name: readInterfaceName,
  hardwareAddress: readHardwareAddress,
  socketPath: textThat('an absolute path', (text) => text.startsWith('/') && !text.includes('\0')),
  properties: optional(readProperties),
});

function queueReader<T extends 'tap' | 'macvtap'>(type: T): Read<QueueEndpointState<T>> {
  const read = objectOf<Omit<QueueEndpointState<T>, 'type'>>({
    name: readInterfaceName,
    hardwareAddress: readMaybeAddress,
    properties: optional(readProperties),
    undo: listOf(readLinkUndo),
  });
  return (value, path) => ({ type, ...read(value, path) });
}
const readTap = queueReader('tap');
const readMacvtap = queueReader('macvtap');
