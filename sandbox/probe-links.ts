/** Checks of link kinds: each makes one in the scratch namespace, which takes them all along when it goes. */

import type { NewLink } from './netlink/new-link.ts';
import { Rtnl } from './netlink/rtnl.ts';
import { type Check, type FeatureName, NETWORK_RIGHTS } from './probe-check.ts';

function makeLinks(...links: readonly NewLink[]): void {
  using rtnl = Rtnl.open();
  for (const link of links) rtnl.links.add(link);
}

/** A link to lie on: each kind gets its own, as one carries links of one kind only. */
const lower = (name: string): NewLink => ({ kind: 'veth', name, peer: { name: `${name}-2` } });

const check = (name: FeatureName, what: string, option: string, run: () => void): Check => ({
  name,
  what,
  place: 'scratch',
  run,
  rightRemedy: NETWORK_RIGHTS,
  remedy: `a kernel with ${option}`,
});

/** The checks. */
export const LINK_CHECKS: readonly Check[] = [
  check('veth', 'veth pairs', 'CONFIG_VETH', () => makeLinks(lower('pair'))),
  check('bridge', 'bridges', 'CONFIG_BRIDGE', () => makeLinks({ kind: 'bridge', name: 'bridge' })),
  check('bridge-vlan-filtering', 'bridges that filter by VLAN', 'CONFIG_BRIDGE_VLAN_FILTERING', () =>
    makeLinks({ kind: 'bridge', name: 'filter', bridge: { vlanFiltering: true } }),
  ),
  check('vlan', 'VLAN interfaces', 'CONFIG_VLAN_8021Q', () =>
    makeLinks(lower('low-vlan'), { kind: 'vlan', name: 'vlan', parent: 'low-vlan', id: 7 }),
  ),
  check('macvlan', 'macvlan interfaces', 'CONFIG_MACVLAN', () =>
    makeLinks(lower('low-macvlan'), { kind: 'macvlan', name: 'macvlan', parent: 'low-macvlan' }),
  ),
  check('macvtap', 'macvtap interfaces', 'CONFIG_MACVTAP', () =>
    makeLinks(lower('low-macvtap'), { kind: 'macvtap', name: 'macvtap', parent: 'low-macvtap' }),
  ),
  check('ipvlan', 'ipvlan interfaces', 'CONFIG_IPVLAN', () =>
    makeLinks(lower('low-ipvlan'), { kind: 'ipvlan', name: 'ipvlan', parent: 'low-ipvlan' }),
  ),
];
