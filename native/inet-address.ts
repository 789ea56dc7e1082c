/**
 * Socket addresses of ip(7) and ipv6(7), for bindAddress() and connectAddress(). Those of unix(7) are in socket.ts.
 *
 * @packageDocumentation
 */

import { AF_INET, AF_INET6 } from './constants.ts';
import { systemError } from './errno.ts';
import * as layout from './layout.ts';
import * as libc from './libc.ts';
import { allocatePinned } from './memory.ts';

/** A struct sockaddr_in. @param address as a 32-bit integer, 192.0.2.1 being 0xc0000201 @param port 0 to 65535 */
export function inet4Address(address: number, port: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(layout.SOCKADDR_IN_BYTES));
  view.setUint16(layout.SOCKADDR_IN_FAMILY, AF_INET, true);
  view.setUint16(layout.SOCKADDR_IN_PORT, port);
  view.setUint32(layout.SOCKADDR_IN_ADDRESS, address);
  return new Uint8Array(view.buffer);
}

/** A struct sockaddr_in6. @param address 16 bytes @param scope interface index, which link-local addresses need */
export function inet6Address(address: Uint8Array, port: number, scope = 0): Uint8Array {
  const bytes = new Uint8Array(layout.SOCKADDR_IN6_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(layout.SOCKADDR_IN6_FAMILY, AF_INET6, true);
  view.setUint16(layout.SOCKADDR_IN6_PORT, port);
  bytes.set(address, layout.SOCKADDR_IN6_ADDRESS);
  view.setUint32(layout.SOCKADDR_IN6_SCOPE, scope, true);
  return bytes;
}

// | socklen_t 4, padded to 8 | struct sockaddr_in6 28 … |
const ADDRESS = 8;
const scratch = allocatePinned(ADDRESS + layout.SOCKADDR_IN6_BYTES);

/** getsockname(2): the port that an internet socket is bound to. */
export function boundPort(fd: number): number {
  scratch.words[0] = layout.SOCKADDR_IN6_BYTES;
  if (libc.getsockname(fd, scratch.address + ADDRESS, scratch.address) < 0) {
    throw systemError(`Cannot read the address of fd ${fd}`, 'getsockname', libc.errno());
  }
  // Both families have it at the same place.
  return scratch.view.getUint16(ADDRESS + layout.SOCKADDR_IN_PORT);
}
