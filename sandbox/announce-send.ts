/**
 * Sending announcements out of one interface and no other.
 *
 * IPv4 goes over packet(7), whose address names the interface. IPv6 goes over a raw socket to ff02::1, which is on
 * every link: without a scope the routing table would choose the interface, and on a host with two it chooses the wrong
 * one. So the socket is bound to the device and the address has the interface as its scope.
 */

import { formatIp, LINK_BROADCAST } from '../header/address.ts';
import type { Ipv4Address, Ipv6Address, LinkAddress } from '../header/address.ts';
import { PROTOCOL_ICMPV6 } from '../header/protocol.ts';
import { LinkpointError } from '../errors.ts';
import {
  closeFd,
  constants as c,
  ERRNO,
  inet6Address,
  interfaceHardwareType,
  interfaceIndex,
  interfaceLinkAddress,
  openPacketSocketFd,
  openSocket,
  packetAddress,
  sendTo,
  setOption,
  systemError,
} from '../native/index.ts';
import { buildGratuitousArp, buildUnsolicitedAdvertisement, type GratuitousArpForm } from './announce-message.ts';

/** Level of the options of ipv6(7), <netinet/in.h>. */
const SOL_IPV6 = 41;
/** Hop limit of multicasts, <linux/in6.h>. */
const IPV6_MULTICAST_HOPS = 18;
/** Neighbour messages that have passed a router are ignored (RFC 4861 section 7.1.2). */
const HOP_LIMIT = 255;
/** ff02::1, all nodes of the link (RFC 4291 section 2.7.1). */
const ALL_NODES: Ipv6Address = Uint8Array.of(0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

/** The interface that announces, as it is at this moment. */
export interface Announcer {
  readonly name: string;
  readonly index: number;
  readonly linkAddress: LinkAddress;
}

/**
 * Looks up interface `name` in the thread's network namespace.
 * @throws SystemError ENODEV, LinkpointError `ERR_NO_LINK_ADDRESS` when it has no link address to announce
 */
export function findAnnouncer(name: string): Announcer {
  const index = interfaceIndex(name);
  const linkAddress = interfaceLinkAddress(name);
  const isEthernet = interfaceHardwareType(name) === c.ARPHRD_ETHER;
  if (isEthernet && linkAddress !== 0 && linkAddress !== LINK_BROADCAST) return { name, index, linkAddress };
  const state = isEthernet ? 'its link address is all zeros or all ones' : 'it is no Ethernet interface';
  const remedy = 'an Ethernet address of one station is required';
  throw new LinkpointError('ERR_NO_LINK_ADDRESS', `Cannot announce on "${name}": ${state}; ${remedy}`);
}

/** Broadcasts a gratuitous ARP packet. The kernel makes the link header. */
export function sendGratuitousArp(announcer: Announcer, address: Ipv4Address, form: GratuitousArpForm): void {
  const { index, linkAddress } = announcer;
  // Protocol 0: it is there to send, and receives nothing.
  const fd = openPacketSocketFd({ interfaceIndex: index, protocol: 0, type: 'dgram', ignoreOutgoing: false });
  try {
    const everybody = packetAddress(index, c.ETH_P_ARP, LINK_BROADCAST);
    checkSent(announcer, address, sendTo(fd, buildGratuitousArp(linkAddress, address, form), everybody));
  } finally {
    closeFd(fd);
  }
}

/** Sends an unsolicited neighbour advertisement to all nodes. The kernel makes the headers and the checksum. */
export function sendUnsolicitedAdvertisement(announcer: Announcer, address: Ipv6Address): void {
  const { name, index, linkAddress } = announcer;
  const fd = openSocket(c.AF_INET6, c.SOCK_RAW, PROTOCOL_ICMPV6);
  try {
    setOption(fd, c.SOL_SOCKET, c.SO_BINDTODEVICE, new Uint8Array(Buffer.from(`${name}\0`)), 'SO_BINDTODEVICE');
    setOption(fd, SOL_IPV6, IPV6_MULTICAST_HOPS, HOP_LIMIT, 'IPV6_MULTICAST_HOPS');
    const allNodes = inet6Address(ALL_NODES, 0, index);
    checkSent(announcer, address, sendTo(fd, buildUnsolicitedAdvertisement(linkAddress, address), allNodes));
  } finally {
    closeFd(fd);
  }
}

function checkSent({ name }: Announcer, address: Ipv4Address | Ipv6Address, result: number): void {
  if (result >= 0) return;
  throw systemError(`Cannot announce ${formatIp(address)} on "${name}"`, 'sendto', -result, remedyOf(-result));
}

function remedyOf(errno: number): string | undefined {
  if (errno === ERRNO.ENETDOWN) return 'bring the interface up first';
  if (errno !== ERRNO.EADDRNOTAVAIL && errno !== ERRNO.ENETUNREACH) return undefined;
  return 'the interface needs an IPv6 address that is past duplicate address detection to send from';
}
