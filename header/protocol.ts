/** Protocol numbers of the IPv4 Protocol and IPv6 Next Header fields (IANA, "Assigned Internet Protocol Numbers"). */

/** IPv6 Hop-by-Hop Options header (RFC 8200 section 4.3). */
export const PROTOCOL_HOP_BY_HOP = 0;
/** ICMP for IPv4 (RFC 792). */
export const PROTOCOL_ICMPV4 = 1;
/** IGMP (RFC 3376). */
export const PROTOCOL_IGMP = 2;
/** TCP (RFC 9293). */
export const PROTOCOL_TCP = 6;
/** UDP (RFC 768). */
export const PROTOCOL_UDP = 17;
/** DCCP (RFC 4340). */
export const PROTOCOL_DCCP = 33;
/** IPv6 Routing header (RFC 8200 section 4.4). */
export const PROTOCOL_ROUTING = 43;
/** IPv6 Fragment header (RFC 8200 section 4.5). */
export const PROTOCOL_FRAGMENT = 44;
/** GRE (RFC 2784). */
export const PROTOCOL_GRE = 47;
/** Encapsulating Security Payload (RFC 4303): what follows is opaque. */
export const PROTOCOL_ESP = 50;
/** Authentication Header (RFC 4302). */
export const PROTOCOL_AUTHENTICATION = 51;
/** ICMP for IPv6 (RFC 4443). */
export const PROTOCOL_ICMPV6 = 58;
/** Nothing follows this IPv6 header (RFC 8200 section 4.7). */
export const PROTOCOL_NO_NEXT_HEADER = 59;
/** IPv6 Destination Options header (RFC 8200 section 4.6). */
export const PROTOCOL_DESTINATION_OPTIONS = 60;
/** SCTP (RFC 9260). */
export const PROTOCOL_SCTP = 132;
/** UDP-Lite (RFC 3828). */
export const PROTOCOL_UDP_LITE = 136;

const NAMES: ReadonlyMap<number, string> = new Map([
  [PROTOCOL_HOP_BY_HOP, 'hop-by-hop options'],
  [PROTOCOL_ICMPV4, 'ICMP'],
  [PROTOCOL_IGMP, 'IGMP'],
  [PROTOCOL_TCP, 'TCP'],
  [PROTOCOL_UDP, 'UDP'],
  [PROTOCOL_DCCP, 'DCCP'],
  [PROTOCOL_ROUTING, 'routing header'],
  [PROTOCOL_FRAGMENT, 'fragment header'],
  [PROTOCOL_GRE, 'GRE'],
  [PROTOCOL_ESP, 'ESP'],
  [PROTOCOL_AUTHENTICATION, 'AH'],
  [PROTOCOL_ICMPV6, 'ICMP6'],
  [PROTOCOL_NO_NEXT_HEADER, 'no next header'],
  [PROTOCOL_DESTINATION_OPTIONS, 'destination options'],
  [PROTOCOL_SCTP, 'SCTP'],
  [PROTOCOL_UDP_LITE, 'UDP-Lite'],
]);

/** Name of a protocol number for people, `protocol 253` where it has none here. Cold. */
export const formatProtocol = (protocol: number): string => NAMES.get(protocol) ?? `protocol ${protocol}`;
