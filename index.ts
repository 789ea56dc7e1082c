/**
 * The link layer for sandboxes: endpoints over file descriptors and memory, a small stack, and the devices to put them on.
 *
 *     device or socket ──► endpoint ──► Nic ──► your protocol handler        or
 *                          endpoint ──► your NetworkDispatcher
 *
 * The codecs of the headers, the system calls and the test tools have doors of their own: `linkpoint/header`,
 * `linkpoint/native`, `linkpoint/testing`.
 *
 * @packageDocumentation
 */

export {
  AlreadyAttachedError,
  HostUnreachableError,
  InvalidOptionError,
  LinkClosedError,
  LinkpointError,
  NetlinkError,
  NetlinkMessageError,
  NotAttachedError,
  PacketTooLongError,
  SystemError,
  UnsupportedPlatformError,
  UseAfterReturnError,
} from './errors.ts';
export {
  formatIp,
  formatIpv4,
  formatIpv6,
  formatLinkAddress,
  LINK_BROADCAST,
  parseIp,
  parseIpv4,
  parseIpv6,
  parseLinkAddress,
} from './header/address.ts';
export type { IpAddress, Ipv4Address, Ipv6Address, LinkAddress } from './header/address.ts';
export { ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from './header/ethernet.ts';
export { PROTOCOL_ICMPV4, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP } from './header/protocol.ts';
export * from './gso/index.ts';
export * from './stack/index.ts';
export * from './dispatch/index.ts';
export * from './link/index.ts';
export * from './sandbox/index.ts';
