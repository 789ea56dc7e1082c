/** How much the demo sends to each of our addresses, in every tier. */

import * as ipv4 from '../header/ipv4.ts';
import * as ipv6 from '../header/ipv6.ts';
import * as udp from '../header/udp.ts';
import { MTU } from './demo-addresses.ts';
import type { ExchangePlan } from './demo-exchange.ts';

/** One super-send for so many datagrams. */
const DATAGRAMS_PER_SUPER_SEND = 200;

/** Half of `count` datagrams for each family: up to 1,472 bytes over IPv4, 1,452 over IPv6; and a few super-sends. */
export function planExchange(count: number, address: number | Uint8Array): ExchangePlan {
  const isIpv4 = typeof address === 'number';
  const share = isIpv4 ? Math.ceil(count / 2) : Math.floor(count / 2);
  return {
    count: share,
    superSends: Math.max(1, Math.round(share / DATAGRAMS_PER_SUPER_SEND)),
    maxBytes: MTU - (isIpv4 ? ipv4.HEADER_BYTES : ipv6.HEADER_BYTES) - udp.HEADER_BYTES,
  };
}
