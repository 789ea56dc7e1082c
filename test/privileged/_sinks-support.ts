/**
 * What the tests of sinks share: a sandbox's namespace with one interface, and the namespace of its other side.
 *
 *     | sandbox                                     |      | peer                              |
 *     |  eth0 192.0.2.2, 2001:db8::2, `linkAddress` ╪══════╪ peer0 192.0.2.1, 2001:db8::1      |
 */

import { writeFileSync } from 'node:fs';

import type { ExecutionContext } from 'ava';

import { OURS, THEIRS } from '../../cli/demo-addresses.ts';
import { formatIp, formatLinkAddress, type LinkAddress } from '../../header/address.ts';
import {
  createNetNamespace,
  type DeviceSink,
  type NetNamespace,
  SandboxNetwork,
  type SandboxNetworkOptions,
} from '../../sandbox/index.ts';

/** The interworking models that make devices. */
export const MODELS = ['tcfilter', 'bridged', 'macvtap'] as const;

/** Duplicate address detection takes a second. */
const ACCEPT_DAD = '/proc/sys/net/ipv6/conf/default/accept_dad';

/** A sandbox and its other side. */
export interface Site {
  readonly sandbox: NetNamespace;
  readonly peer: NetNamespace;
}

/** Makes both; they go with the test. @param linkAddress of eth0, and so of whoever drives the device */
export async function makeSite(
  t: ExecutionContext,
  linkAddress: LinkAddress,
  theirs: LinkAddress = THEIRS.linkAddress,
): Promise<Site> {
  const [sandbox, peer] = [await createNetNamespace(), await createNetNamespace()];
  t.teardown(async () => {
    await sandbox.delete();
    await peer.delete();
  });
  for (const each of [sandbox, peer]) each.runSync(() => writeFileSync(ACCEPT_DAD, '0'));
  using rtnl = await sandbox.rtnl();
  using other = await peer.rtnl();
  const end = { name: 'peer0', namespace: peer.fd, address: formatLinkAddress(theirs) };
  rtnl.links.add({ kind: 'veth', name: 'eth0', address: formatLinkAddress(linkAddress), peer: end });
  const ends = [[rtnl, 'eth0', OURS], [other, 'peer0', THEIRS]] as const;
  for (const [{ links, addresses }, name, { ipv4, ipv6 }] of ends) {
    links.set(name, { up: true });
    addresses.add(name, { address: `${formatIp(ipv4)}/24` });
    addresses.add(name, { address: `${formatIp(ipv6)}/64`, flags: ['nodad'] });
  }
  return { sandbox, peer };
}

/** Hands eth0 to a sink by a model; it is taken back with the test, and may be before. */
export async function attachNetwork(
  t: ExecutionContext,
  { sandbox }: Site,
  sink: DeviceSink,
  options: SandboxNetworkOptions,
): Promise<SandboxNetwork> {
  const network = await SandboxNetwork.create({ namespace: sandbox, vhost: 'off', ...options });
  t.teardown(() => network.remove());
  await network.scan();
  await network.attach(sink);
  return network;
}
