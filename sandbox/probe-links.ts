/** Checks of link kinds: each makes one in the scratch namespace, which takes them all along when it goes. */

import { closeFd, interfaceIndex, netlinkSocket } from '../native/index.ts';
import { NetlinkMessage, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST } from './netlink/message.ts';
import { type Check, type FeatureName, NETWORK_RIGHTS } from './probe-check.ts';

// linux/rtnetlink.h, linux/if_link.h
const RTM_NEWLINK = 16;
const IFINFOMSG_BYTES = 16;
const IFLA_IFNAME = 3;
const IFLA_LINK = 5;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_BR_VLAN_FILTERING = 7;
const IFLA_VLAN_ID = 1;
/** Any VLAN would do; 16 bits in host byte order. */
const VLAN_ID: Uint8Array = Uint8Array.of(7, 0);

/** What a kind has of its own. */
interface KindOptions {
  /** The link that it lies on. */
  readonly lower?: string;
  /** Appends to IFLA_INFO_DATA. */
  readonly fillData?: (data: NetlinkMessage) => void;
}

function makeLink(name: string, kind: string, { lower, fillData }: KindOptions = {}): void {
  const message = new NetlinkMessage(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  message.raw(new Uint8Array(IFINFOMSG_BYTES)).text(IFLA_IFNAME, name);
  if (lower !== undefined) message.u32(IFLA_LINK, interfaceIndex(lower));
  message.nest(IFLA_LINKINFO, (info) => {
    info.text(IFLA_INFO_KIND, kind);
    if (fillData !== undefined) info.nest(IFLA_INFO_DATA, fillData);
  });
  const fd = netlinkSocket.openNetlink();
  try {
    netlinkSocket.request(fd, message.finish(), `Cannot make a link of kind ${kind}`);
  } finally {
    closeFd(fd);
  }
}

/** Makes a link of `kind` over a veth end of its own: a lower link carries one kind only. */
function makeUpperLink(kind: string, fillData?: (data: NetlinkMessage) => void): void {
  const lower = `${kind}-low`;
  makeLink(lower, 'veth');
  makeLink(kind, kind, fillData === undefined ? { lower } : { lower, fillData });
}

const link = (name: FeatureName, what: string, module: string, run: () => void): Check => ({
  name,
  what,
  place: 'scratch',
  run,
  rightRemedy: NETWORK_RIGHTS,
  remedy: `a kernel with ${module}`,
});

const filterByVlan = (data: NetlinkMessage): void =>
  void data.attribute(IFLA_BR_VLAN_FILTERING, Uint8Array.of(1));

/** The checks. */
export const LINK_CHECKS: readonly Check[] = [
  link('veth', 'veth pairs', 'CONFIG_VETH', () => makeLink('pair', 'veth')),
  link('bridge', 'bridges', 'CONFIG_BRIDGE', () => makeLink('bridge', 'bridge')),
  link('bridge-vlan-filtering', 'bridges that filter by VLAN', 'CONFIG_BRIDGE_VLAN_FILTERING', () =>
    makeLink('filter', 'bridge', { fillData: filterByVlan }),
  ),
  link('vlan', 'VLAN interfaces', 'CONFIG_VLAN_8021Q', () =>
    makeUpperLink('vlan', (data) => void data.attribute(IFLA_VLAN_ID, VLAN_ID)),
  ),
  link('macvlan', 'macvlan interfaces', 'CONFIG_MACVLAN', () => makeUpperLink('macvlan')),
  link('macvtap', 'macvtap interfaces', 'CONFIG_MACVTAP', () => makeUpperLink('macvtap')),
  link('ipvlan', 'ipvlan interfaces', 'CONFIG_IPVLAN', () => makeUpperLink('ipvlan')),
];
