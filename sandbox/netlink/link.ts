/** Requests about links, rtnetlink(7), linux/if_link.h. */

import { closeFd, netlinkSocket } from '../../native/index.ts';
import { NetlinkMessage, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST } from './message.ts';

const RTM_NEWLINK = 16;

// struct ifinfomsg: | family u8 | pad u8 | type u16 | index i32 | flags u32 | change mask u32 |
const IFINFOMSG_BYTES = 16;

/** Name of the interface. */
export const IFLA_IFNAME = 3;
/** MTU in bytes. */
export const IFLA_MTU = 4;
/** Nest: what kind of link it is. */
export const IFLA_LINKINFO = 18;
/** Descriptor of the network namespace that it is made in. */
export const IFLA_NET_NS_FD = 28;
/** In IFLA_LINKINFO: the kind's name. */
export const IFLA_INFO_KIND = 1;
/** In IFLA_LINKINFO, a nest: what only this kind has. */
export const IFLA_INFO_DATA = 2;

/** A struct ifinfomsg that leaves everything to the attributes. */
export const anyLink = (): Uint8Array => new Uint8Array(IFINFOMSG_BYTES);

/** A request to make a link that does not exist. */
export function newLink(): NetlinkMessage {
  return new NetlinkMessage(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL).raw(anyLink());
}

/**
 * Sends a request in the thread's network namespace and waits for its acknowledgement.
 * @throws SystemError with the kernel's own words
 */
export function requestLink(message: NetlinkMessage, action: string): void {
  const fd = netlinkSocket.openNetlink();
  try {
    netlinkSocket.request(fd, message.finish(), action);
  } finally {
    closeFd(fd);
  }
}
