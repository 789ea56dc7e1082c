/**
 * The configuration of host-local: from the `ipam` key, from what the runtime adds to it, and from `CNI_ARGS`.
 *
 *     ranges     runtimeConfig.ipRanges, then ipam.subnet (old style, one range), then ipam.ranges
 *     requested  CNI_ARGS IP=…, then args.cni.ips, then runtimeConfig.ips
 *
 * Texts are the reference's.
 */

import { isAbsolute, join, normalize } from 'node:path';

import { parseAddress, parseCidr } from '../addresses.ts';
import { parseCniArgs } from '../args.ts';
import { CNI_ERROR, CniError } from '../error.ts';
import { arrayAt, asObjects, type JsonObject, nameStruct, objectAt, refuse } from '../json.ts';
import { stringAt, stringsAt, valueAt } from '../json.ts';
import { parseRoute } from '../result.ts';
import type { CniRoute, PluginContext } from '../types.ts';
import { CNI_DEFAULT_VERSION, isAtLeast } from '../version.ts';
import { type Address, toAddress } from './address.ts';
import { firstPair, parseRangeSet, type RangeSet, setsOverlap } from './range.ts';

/** What the reference reads these into. */
const IPAM = 'allocator.IPAMConfig';
const ARGS = 'struct { A *allocator.IPAMArgs "json:\\"cni\\"" }';
const RUNTIME_CONFIG =
  'struct { IPRanges []allocator.RangeSet "json:\\"ipRanges,omitempty\\""; IPs []*ip.IP "json:\\"ips,omitempty\\"" }';

const SET = 'allocator.RangeSet';

const DEFAULT_DATA_DIR = '/var/lib/cni/networks';

/** The configuration, checked. */
export interface HostLocalConfig {
  /** Folder of the network's leases: the data folder, and in it the network's name. */
  readonly directory: string;
  /** The container gets one address of each. */
  readonly sets: readonly RangeSet[];
  readonly routes: readonly CniRoute[];
  /** File to take the result's dns from; undefined for none. */
  readonly resolvConf: string | undefined;
  /** Addresses that the container is to get. */
  readonly requested: readonly Address[];
}

/** What `config` comes to. @throws Error, TypeError or CniError, with the reference's words where it has any */
export function readConfig({ config, args }: PluginContext): HostLocalConfig {
  const ipam = objectAt(nameStruct(config, 'Net'), 'ipam', IPAM);
  if (ipam === undefined) throw new Error("IPAM config missing 'ipam' key");
  const requested = readRequested(config, args);
  const sets = readSets(config, ipam);
  checkSets(sets, stringAt(config, 'cniVersion') ?? '');
  return {
    directory: join(readPath(ipam, 'dataDir') ?? DEFAULT_DATA_DIR, stringAt(config, 'name') ?? ''),
    sets,
    routes: readRoutes(ipam),
    resolvConf: readPath(ipam, 'resolvConf'),
    requested,
  };
}

/** A route reads its own members in the reference: errors stop at the list. */
function readRoutes(ipam: JsonObject): CniRoute[] {
  return arrayAt(ipam, 'routes', '[]*types.Route').map((route) => {
    const [object = {}] = asObjects({}, 'routes', [route], 'types.Route');
    return parseRoute(object);
  });
}

function readRequested(config: JsonObject, args: string): Address[] {
  const fromArgs = parseCniArgs(args, ['IP']).get('IP');
  const cniArgs = objectAt(objectAt(config, 'args', ARGS) ?? {}, 'cni', 'allocator.IPAMArgs') ?? {};
  const ofRuntime = objectAt(config, 'runtimeConfig', RUNTIME_CONFIG) ?? {};
  const listed = [...stringsAt(cniArgs, 'ips', '[]*ip.IP'), ...stringsAt(ofRuntime, 'ips', '[]*ip.IP')];
  // Empty is as good as absent in CNI_ARGS, and an address that nobody understands in the configuration.
  if (listed.includes('')) throw new Error('cannot understand ip: IP <nil> not v4 nor v6');
  return [...(fromArgs ? [parseArgument(fromArgs)] : []), ...listed.map(parseRequested)];
}

function parseArgument(text: string): Address {
  try {
    return parseRequested(text);
  } catch (cause) {
    const pair = JSON.stringify(`IP=${text}`);
    throw new Error(`ARGS: error parsing value of pair ${pair}: ${(cause as Error).message}`, { cause });
  }
}

/** An address may come with its prefix, which is then ignored: the range has its own. */
function parseRequested(text: string): Address {
  try {
    return toAddress(text.includes('/') ? parseCidr(text).ip : parseAddress(text));
  } catch (cause) {
    throw new TypeError(`invalid IP address ${text}`, { cause });
  }
}

function readSets(config: JsonObject, ipam: JsonObject): RangeSet[] {
  const lists = listSets(config, ipam);
  if (lists.length === 0) throw new Error('no IP ranges specified');
  return lists.map((list, index) => {
    try {
      return parseRangeSet(list);
    } catch (cause) {
      // What is no address at all, the reference finds before it looks at sets.
      if (cause instanceof TypeError) throw cause;
      throw new Error(`invalid range set ${index}: ${(cause as Error).message}`, { cause });
    }
  });
}

/** The sets as they are written, in their order. @throws TypeError */
function listSets(config: JsonObject, ipam: JsonObject): readonly (readonly JsonObject[])[] {
  const ofRuntime = objectAt(config, 'runtimeConfig', RUNTIME_CONFIG) ?? {};
  return [
    ...setsAt(ofRuntime, 'ipRanges'),
    ...((stringAt(ipam, 'subnet') ?? '') === '' ? [] : [[ipam]]),
    ...setsAt(ipam, 'ranges'),
  ];
}

/** A list of lists of objects. */
function setsAt(from: JsonObject, key: string): readonly (readonly JsonObject[])[] {
  return arrayAt(from, key, `[]${SET}`).map((set) => {
    const list: unknown = set ?? [];
    return Array.isArray(list) ? asObjects(from, key, list, 'allocator.Range') : refuse(from, key, list, SET);
  });
}

/** Whether the ranges are yet to come from the runtime, with each container: STATUS is not told them. */
export function awaitsRanges(config: JsonObject): boolean {
  const capabilities = objectAt(config, 'capabilities') ?? {};
  return valueAt(capabilities, 'ipRanges') === true && listSets(config, objectAt(config, 'ipam') ?? {}).length === 0;
}

function checkSets(sets: readonly RangeSet[], cniVersion: string): void {
  const ipv4Count = sets.filter(([first]) => first?.family === 4).length;
  if (Math.max(ipv4Count, sets.length - ipv4Count) > 1 && !isAtLeast(cniVersion || CNI_DEFAULT_VERSION, '0.3.0')) {
    throw new Error(`CNI version ${cniVersion} does not support more than 1 address per family`);
  }
  const clash = firstPair(sets, setsOverlap);
  if (clash !== null) throw new Error(`range set ${clash[0]} overlaps with ${clash[1]}`);
}

/** An absolute path without `..`; undefined where it is absent or empty. */
function readPath(ipam: JsonObject, key: string): string | undefined {
  const path = stringAt(ipam, key) ?? '';
  if (path === '') return undefined;
  if (isAbsolute(path) && !path.split('/').includes('..') && !path.includes('\0')) return normalize(path);
  const details = `it is ${JSON.stringify(path)}; an absolute path without ".." is expected`;
  throw new CniError(CNI_ERROR.invalidNetworkConfig, `invalid ${key}`, details);
}
