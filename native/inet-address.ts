/**
 * Socket addresses of ip(7) and ipv6(7), as the bytes that bind(2) and connect(2) take.
 *
 * @packageDocumentation
 */

import { AF_INET, AF_INET6 } from './constants.ts';
import * as layout from './layout.ts';

/**
 * A struct sockaddr_in or sockaddr_in6, by the address's type.
 *
 * @param address IPv4 as a number (192.0.2.1 is 0xc0000201), IPv6 as 16 bytes
 */
export function inetAddress(address: number | Uint8Array, port: number): Uint8Array {
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) {
    throw new RangeError(`Cannot make a socket address: port is ${port}; it must be 0 to 65535`);
  }
  return typeof address === 'number' ? ipv4Address(address, port) : ipv6Address(address, port);
}

function ipv4Address(address: number, port: number): Uint8Array {
  const bytes = new Uint8Array(layout.SOCKADDR_IN_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(layout.SOCKADDR_IN_FAMILY, AF_INET, true);
  view.setUint16(layout.SOCKADDR_IN_PORT, port);
  view.setUint32(layout.SOCKADDR_IN_ADDRESS, address);
  return bytes;
}

function ipv6Address(address: Uint8Array, port: number): Uint8Array {
  if (address.byteLength !== 16) {
    throw new RangeError(`Cannot make a socket address: an IPv6 address has 16 bytes and not ${address.byteLength}`);
  }
  const bytes = new Uint8Array(layout.SOCKADDR_IN6_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(layout.SOCKADDR_IN6_FAMILY, AF_INET6, true);
  view.setUint16(layout.SOCKADDR_IN6_PORT, port);
  bytes.set(address, layout.SOCKADDR_IN6_ADDRESS);
  return bytes;
}
