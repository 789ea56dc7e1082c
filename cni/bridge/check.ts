/**
 * CHECK: is what ADD has answered still so? Bridge, container's interface, the veth between them, addresses and routes.
 * A network of layer 2 has no IPAM plugin to ask, and passes (the reference fails there).
 */

import type { NetNamespace } from '../../sandbox/net-namespace.ts';
import type { Link } from '../../sandbox/netlink/link.ts';
import { Rtnl } from '../../sandbox/netlink/rtnl.ts';
import { execCheck } from '../delegate.ts';
import { refusal } from '../failure.ts';
import { openContainer } from '../netns.ts';
import { parsePrevResult } from '../result.ts';
import type { CniInterface, CniResult, PluginContext } from '../types.ts';
import { requireAddresses, requireRoutes } from './check-addresses.ts';
import { type BridgeConfig, readBridgeConfig } from './config.ts';

/** Runs CHECK. @throws CniError with the reference's words */
export async function checkBridge(context: PluginContext): Promise<void> {
  const config = readBridgeConfig(context);
  await using namespace = openContainer(context.netns);
  if (config.ipam !== undefined) await execCheck(config.ipam, context);
  const previous = parsePrevResult(context.config, context.cniVersion);
  if (previous === undefined) throw refusal('Required prevResult missing');
  checkLinks(context, config, previous, namespace);
}

function checkLinks(context: PluginContext, config: BridgeConfig, previous: CniResult, namespace: NetNamespace): void {
  const { ifName, netns } = context;
  const isContainers = ({ name, sandbox }: CniInterface): boolean => name === ifName && sandbox === netns;
  const inside = previous.interfaces.find(isContainers);
  const outside = previous.interfaces.find(({ name }) => name === config.bridge);
  using host = Rtnl.open();
  using container = Rtnl.open(namespace.fd);
  const bridge = checkBridgeLink(host, outside, config);
  if (inside === undefined) throw refusal(`Sandbox in prevResult  doesn't match configured netns: ${netns}`);
  const link = checkContainerLink(container, inside);
  const ports = previous.interfaces.filter(({ name }) => name !== config.bridge && name !== ifName);
  if (!ports.some((port) => isPortOf(host, port, bridge, link))) {
    throw refusal(`CNI veth created for bridge ${config.bridge} was not found`);
  }
  requireAddresses(container, ifName, previous.ips);
  requireRoutes(container, previous.routes);
}

function findLink(rtnl: Rtnl, named: CniInterface | undefined, isInSandbox: boolean): Link {
  const name = named?.name ?? '';
  if (name === '') throw refusal('Interface name missing ');
  const link = rtnl.links.find(name);
  if (link === undefined) throw refusal(`Interface name ${name} not found`);
  const hasSandbox = (named?.sandbox ?? '') !== '';
  if (isInSandbox && !hasSandbox) throw refusal(`Interface ${name} is expected to be in a sandbox`);
  if (!isInSandbox && hasSandbox) throw refusal(`Interface ${name} should not be in sandbox`);
  return link;
}

function checkBridgeLink(host: Rtnl, named: CniInterface | undefined, { promiscuous }: BridgeConfig): Link {
  const link = findLink(host, named, false);
  const { name, kind, address } = link;
  if (kind !== 'bridge') throw refusal(`Interface ${name} does not have link type of bridge`);
  if (!hasAddress(named, address)) throw refusal(`Bridge interface ${name} Mac doesn't match: ${named?.mac}`);
  const isPromiscuous = link.flagNames.includes('PROMISC');
  if (isPromiscuous !== promiscuous) {
    const states = `configured Promisc Mode ${promiscuous} doesn't match current state: ${isPromiscuous} `;
    throw refusal(`Bridge interface ${name} ${states}`);
  }
  return link;
}

function checkContainerLink(container: Rtnl, named: CniInterface): Link {
  const link = findLink(container, named, true);
  const { name, kind, address } = link;
  if (kind !== 'veth') throw refusal(`Error: Container interface ${name} not of type veth`);
  if (hasAddress(named, address)) return link;
  throw refusal(`Interface ${name} Mac ${named.mac} doesn't match container Mac: ${address}`);
}

/** Whether the named link is the other end of the container's, and a port of the bridge. Others may be named, too. */
function isPortOf(host: Rtnl, named: CniInterface, bridge: Link, inside: Link): boolean {
  const link = findLink(host, named, false);
  if (link.kind !== 'veth' || link.index !== inside.parent || link.parent !== inside.index) return false;
  if (link.master !== bridge.index) return false;
  if (hasAddress(named, link.address)) return true;
  throw refusal(`Interface ${named.name} Mac doesn't match: ${named.mac} not found`);
}

/** A result may leave the address out. */
const hasAddress = (named: CniInterface | undefined, address: string | undefined): boolean =>
  (named?.mac ?? '') === '' || named?.mac === address;
