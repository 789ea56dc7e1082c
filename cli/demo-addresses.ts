/**
 * Who is who in the demo. Addresses of the documentation ranges (RFC 5737, RFC 3849).
 *
 *     kernel, or scripted peer                  the endpoint: us
 *     192.0.2.1      2001:db8::1    ════════    192.0.2.2      2001:db8::2
 *                                               02:00:00:00:00:02, UDP echo on port 7 (RFC 862)
 */

import type { LinkAddress } from '../header/address.ts';
import { parseIpv4, parseIpv6 } from '../header/address.ts';

/** What one side of the link is called. */
export interface Identity {
  readonly linkAddress: LinkAddress;
  readonly ipv4: number;
  readonly ipv6: Uint8Array;
}

/** The endpoint's side. */
export const OURS: Identity = {
  linkAddress: 0x0200_0000_0002,
  ipv4: parseIpv4('192.0.2.2'),
  ipv6: parseIpv6('2001:db8::2'),
};

/** The other side; the kernel has a link address of its own. */
export const THEIRS: Identity = {
  linkAddress: 0x0200_0000_0001,
  ipv4: parseIpv4('192.0.2.1'),
  ipv6: parseIpv6('2001:db8::1'),
};

/** Prefix lengths of the link's networks. */
export const IPV4_PREFIX_LENGTH = 24;
/** The same for IPv6. */
export const IPV6_PREFIX_LENGTH = 64;

/** The port that echoes. */
export const ECHO_PORT = 7;

/** MTU of the link in bytes. */
export const MTU = 1500;
