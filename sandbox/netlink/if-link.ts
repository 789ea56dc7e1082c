/**
 * Numbers of linux/if_link.h and struct ifinfomsg, rtnetlink(7), under the kernel's own names.
 *
 *     struct ifinfomsg: | family u8 | pad u8 | type u16 | index i32 | flags u32 | change mask u32 |
 */

/** Make, or change, a link. */
export const RTM_NEWLINK = 16;
/** Delete a link. */
export const RTM_DELLINK = 17;
/** Read links. */
export const RTM_GETLINK = 18;
/** Change a link. */
export const RTM_SETLINK = 19;

/** Bytes of a struct ifinfomsg. */
export const IFINFOMSG_BYTES = 16;
/** Where its fields are. */
export const IFI_FAMILY = 0, IFI_TYPE = 2, IFI_INDEX = 4, IFI_FLAGS = 8, IFI_CHANGE = 12;

/** Attributes of a link. */
export const IFLA_ADDRESS = 1, IFLA_BROADCAST = 2, IFLA_IFNAME = 3, IFLA_MTU = 4, IFLA_LINK = 5, IFLA_QDISC = 6;
/** Attributes of a link, continued. */
export const IFLA_MASTER = 10, IFLA_PROTINFO = 12, IFLA_TXQLEN = 13, IFLA_OPERSTATE = 16, IFLA_LINKMODE = 17;
/** Attributes of a link, continued. */
export const IFLA_LINKINFO = 18, IFLA_NET_NS_PID = 19, IFLA_IFALIAS = 20, IFLA_STATS64 = 23, IFLA_AF_SPEC = 26;
/** Attributes of a link, continued. */
export const IFLA_GROUP = 27, IFLA_NET_NS_FD = 28, IFLA_EXT_MASK = 29, IFLA_PROMISCUITY = 30;
/** Attributes of a link, continued. */
export const IFLA_NUM_TX_QUEUES = 31, IFLA_NUM_RX_QUEUES = 32, IFLA_CARRIER = 33, IFLA_CARRIER_CHANGES = 35;
/** Attributes of a link, continued. */
export const IFLA_LINK_NETNSID = 37, IFLA_GSO_MAX_SEGS = 40, IFLA_GSO_MAX_SIZE = 41, IFLA_MIN_MTU = 50;
/** Attributes of a link, continued. */
export const IFLA_MAX_MTU = 51, IFLA_PROP_LIST = 52, IFLA_ALT_IFNAME = 53, IFLA_PERM_ADDRESS = 54;
/** Attributes of a link, continued. */
export const IFLA_PARENT_DEV_NAME = 56, IFLA_PARENT_DEV_BUS_NAME = 57, IFLA_GRO_MAX_SIZE = 58;
/** Attributes of a link, continued. */
export const IFLA_TSO_MAX_SIZE = 59, IFLA_TSO_MAX_SEGS = 60, IFLA_ALLMULTI = 61;

/** In IFLA_LINKINFO. */
export const IFLA_INFO_KIND = 1, IFLA_INFO_DATA = 2, IFLA_INFO_SLAVE_KIND = 4, IFLA_INFO_SLAVE_DATA = 5;

/** A struct ifinfomsg. */
export function ifinfomsg(fields: { family?: number; index?: number; flags?: number; change?: number } = {}): Uint8Array {
  const view = new DataView(new ArrayBuffer(IFINFOMSG_BYTES));
  view.setUint8(IFI_FAMILY, fields.family ?? 0);
  view.setInt32(IFI_INDEX, fields.index ?? 0, true);
  view.setUint32(IFI_FLAGS, fields.flags ?? 0, true);
  view.setUint32(IFI_CHANGE, fields.change ?? 0, true);
  return new Uint8Array(view.buffer);
}
