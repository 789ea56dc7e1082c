/**
 * host-local: addresses of configured ranges, kept in files of this machine (lease-store.ts). The reference's plugin of
 * the same name, and GC and STATUS, which that one lacks.
 */

import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';

import { readValidAttachments } from '../attachments.ts';
import { CNI_ERROR, CniError } from '../error.ts';
import { causeText } from '../strerror.ts';
import type { CniIp, CniPlugin, CniResult, PluginContext } from '../types.ts';
import { CNI_VERSIONS } from '../version.ts';
import { type Address, addressText } from './address.ts';
import { allocate } from './allocator.ts';
import { awaitsRanges, type HostLocalConfig, readConfig } from './config.ts';
import { type LeaseStore, withExistingLeases, withLeases } from './lease-store.ts';
import { type RangeSet, setContains, setText } from './range.ts';
import { readResolvConf } from './resolv-conf.ts';

/** The plugin. */
export const hostLocalPlugin: CniPlugin = {
  about: 'CNI host-local plugin linkpoint',
  versions: CNI_VERSIONS,
  add,
  check,
  del,
  gc,
  status,
};

function add(context: PluginContext): CniResult {
  const config = readConfig(context);
  const dns = config.resolvConf === undefined ? {} : readResolvConf(config.resolvConf);
  const ips = withLeases(config.directory, (store) => allocateAll(store, context, config));
  return { interfaces: [], ips, routes: config.routes, dns };
}

/** An address of every set, or none: what was taken before a failure is given back. */
function allocateAll(store: LeaseStore, context: PluginContext, { sets, requested }: HostLocalConfig): CniIp[] {
  const open = new Map(requested.map((address) => [addressText(address), address]));
  const ips: CniIp[] = [];
  try {
    for (const [setIndex, set] of sets.entries()) {
      ips.push(allocateOne({ store, attachment: context, set, setIndex }, open));
    }
    if (open.size > 0) throw new Error(`failed to allocate all requested IPs: ${[...open.keys()].join(' ')}`);
    return ips;
  } catch (error) {
    for (const { address } of ips) store.release(address.slice(0, address.indexOf('/')));
    throw error;
  }
}

/** The address of a set; a requested one is taken out of `open`. */
function allocateOne(allocation: Parameters<typeof allocate>[0], open: Map<string, Address>): CniIp {
  const wanted = [...open].find(([, address]) => setContains(allocation.set, address));
  if (wanted !== undefined) open.delete(wanted[0]);
  try {
    return allocate(allocation, wanted?.[1]);
  } catch (cause) {
    throw new Error(`failed to allocate for range ${allocation.setIndex}: ${(cause as Error).message}`, { cause });
  }
}

function check(context: PluginContext): void {
  const { directory } = readConfig(context);
  const hasLease = withLeases(directory, (store) => store.leasesOf(context).length > 0);
  if (hasLease) return;
  throw new Error(`host-local: Failed to find address added by container ${context.containerId}`);
}

function del(context: PluginContext): void {
  const { directory } = readConfig(context);
  // It makes the folder, as the reference does: whoever compares cannot tell the two.
  withLeases(directory, (store) => store.releaseOf(context));
}

function gc(context: PluginContext): void {
  const valid = readValidAttachments(context.config);
  const { directory } = readConfig(context);
  withExistingLeases(directory, undefined, (store) => store.releaseAllBut(valid));
}

/** Whether an ADD can succeed: leases can be written, and every set has an address left. @throws CniError 50 */
function status(context: PluginContext): void {
  if (awaitsRanges(context.config)) return;
  const { directory, sets } = readConfig(context);
  requireWritable(directory);
  withExistingLeases(directory, undefined, (store) => {
    const taken = store.leases().map(({ address }) => address);
    const full = sets.find((set) => freeCount(set, taken) <= 0n);
    if (full !== undefined) throw unavailable(`no IP addresses available in range set: ${setText(full)}`);
  });
}

/** The folder is writable, or what there is of the way to it. */
function requireWritable(directory: string): void {
  for (let path = directory; ; path = dirname(path)) {
    try {
      return accessSync(path, constants.W_OK | constants.X_OK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && path !== '/') continue;
      throw unavailable(`cannot write leases: access ${path}: ${causeText(error)}`);
    }
  }
}

/** Addresses of the set that are neither taken nor a gateway. */
function freeCount(set: RangeSet, taken: readonly Address[]): bigint {
  const gateways = set.map(({ gateway }) => gateway).filter((each) => setContains(set, each));
  const used = new Set([...taken.filter((address) => setContains(set, address)), ...gateways].map(addressText));
  return set.reduce((sum, { start, end }) => sum + end - start + 1n, BigInt(-used.size));
}

const unavailable = (message: string): CniError => new CniError(CNI_ERROR.pluginNotAvailable, message);
