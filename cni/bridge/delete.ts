/**
 * DEL: takes back what ADD has made, as far as it is there, however often it is called.
 *
 * Nothing depends on the container's namespace: when it is gone or empty, IPAM, rules and the port are found by the
 * names of the attachment and by the previous result. Every part is tried whatever becomes of the others.
 */

import { NetlinkError } from '../../errors.ts';
import { ERRNO } from '../../native/errno.ts';
import { Rtnl } from '../../sandbox/netlink/rtnl.ts';
import { type Cidr, formatCidr, parseCidr } from '../addresses.ts';
import { execDel } from '../delegate.ts';
import { toCniError } from '../error.ts';
import { failure } from '../failure.ts';
import { tearDownMasquerade } from '../masquerade.ts';
import { isOwnNamespace, NetnsMissingError, openNetns } from '../netns.ts';
import { waitForNetns } from '../netns-hold.ts';
import { objectAt } from '../json.ts';
import { parseResult } from '../result.ts';
import { tearDownSpoofCheck } from '../spoof-check.ts';
import type { CniResult, PluginContext } from '../types.ts';
import { type BridgeConfig, readBridgeConfig } from './config.ts';

/** Runs DEL. @throws CniError the first failure, when everything was tried */
export async function deleteFromBridge(context: PluginContext): Promise<void> {
  const config = readBridgeConfig(context);
  const errors: unknown[] = [];
  const attempt = async (work: () => unknown): Promise<void> => {
    try {
      await work();
    } catch (error) {
      errors.push(error);
    }
  };
  const previous = previousResult(context);
  const addresses = addressesOf(previous);
  await attempt(async () => addresses.push(...(await deleteContainerLink(context))));
  await attempt(() => deletePorts(config, previous));
  const { ipam } = config;
  if (ipam !== undefined) await attempt(() => execDel(ipam, context));
  if (config.spoofCheck) await attempt(() => tearDownSpoofCheck(context));
  if (ipam !== undefined && config.masquerade) await attempt(() => removeMasquerade(context, config, addresses));
  const [first, ...more] = errors;
  for (const error of more) context.warn(toCniError(error).message);
  if (first !== undefined) throw toCniError(first);
}

/** What the runtime says ADD has answered, in any version. DEL must work with one that nobody can read, too. */
function previousResult({ config, cniVersion, warn }: PluginContext): CniResult | undefined {
  try {
    const previous = objectAt(config, 'prevResult');
    return previous && parseResult(previous, cniVersion);
  } catch (error) {
    warn(`could not parse prevResult: ${toCniError(error).message}`);
    return undefined;
  }
}

const addressesOf = (previous: CniResult | undefined): Cidr[] =>
  (previous?.ips ?? []).map(({ address }) => parseCidr(address));

/** Deletes the container's interface, and the port with it. @returns the global addresses that it had */
async function deleteContainerLink({ netns, ifName, env, warn }: PluginContext): Promise<Cidr[]> {
  if (netns === '') return [];
  try {
    await using namespace = openNetns(netns);
    const isOverridden = /^(?:TRUE|1)$/i.test(env['CNI_NETNS_OVERRIDE'] ?? '');
    // In our own namespace the name is that of an interface of the host. Who called is told so when this is done.
    if (isOwnNamespace(namespace) && !isOverridden) return [];
    await waitForNetns(namespace, warn);
    using container = Rtnl.open(namespace.fd);
    return deleteLink(container, ifName);
  } catch (error) {
    if (error instanceof NetnsMissingError) return [];
    throw error;
  }
}

function deleteLink(container: Rtnl, name: string): Cidr[] {
  const link = container.links.find(name);
  if (link === undefined) return [];
  const addresses = container.addresses.list({ link: link.index }).filter(({ scope }) => scope === 'global');
  const explain = (error: Error): Error => failure(`failed to delete ${JSON.stringify(name)}`, error);
  unlessGone(() => container.links.delete(link.index), explain);
  return addresses.map(({ address, prefixLength }) => parseCidr(`${address}/${prefixLength}`));
}

/**
 * Deletes what is left of the attachment on the host: the port that ADD has named, unless another link has its name.
 * The kernel takes it away with the container's namespace, but later, and not while something holds that.
 */
function deletePorts({ bridge }: BridgeConfig, previous: CniResult | undefined): void {
  const named = (previous?.interfaces ?? []).filter(({ sandbox, name }) => (sandbox ?? '') === '' && name !== bridge);
  if (named.length === 0) return;
  using host = Rtnl.open();
  const master = host.links.find(bridge)?.index;
  for (const { name, mac } of named) {
    const link = /^veth[0-9a-f]{8}$/.test(name) ? host.links.find(name) : undefined;
    if (link === undefined || link.kind !== 'veth' || link.address !== mac || link.master !== master) continue;
    unlessGone(() => host.links.delete(link.index), (error) => error);
  }
}

/** The kernel may be faster than we are. */
function unlessGone(change: () => void, explain: (error: Error) => Error): void {
  try {
    change();
  } catch (error) {
    if (error instanceof NetlinkError && error.errno === ERRNO.ENODEV) return;
    throw error instanceof Error ? explain(error) : error;
  }
}

async function removeMasquerade(
  { containerId, ifName }: PluginContext,
  { network }: BridgeConfig,
  addresses: readonly Cidr[],
): Promise<void> {
  const unique = new Map(addresses.map((cidr) => [formatCidr(cidr), cidr]));
  const owner = { network, containerId, ifName };
  await tearDownMasquerade([...unique.values()], owner);
}
