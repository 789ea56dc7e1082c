/** Where a stream socket connects to or listens at, and the kernel's form of it. Cold. */

import { lookup } from 'node:dns/promises';

import { InvalidOptionError } from '../errors.ts';
import { parseIpv4, parseIpv6 } from '../header/ip-text.ts';
import { AF_INET, AF_INET6, AF_UNIX } from '../native/constants.ts';
import { inet4Address, inet6Address } from '../native/inet-address.ts';
import { interfaceIndex } from '../native/interface.ts';
import { unixAddress } from '../native/socket.ts';

/** A unix(7) socket; a path that begins with NUL is an abstract name. */
export interface UnixStreamAddress {
  readonly path: string;
  readonly host?: never;
  readonly port?: never;
}

/** A tcp(7) socket. */
export interface TcpStreamAddress {
  readonly path?: never;
  /** Name or address, with a zone (`fe80::1%eth0`) where it needs one. Default 127.0.0.1. */
  readonly host?: string;
  /** 0 to 65535; 0 lets the kernel choose, which only makes sense for listening. */
  readonly port: number;
}

/** Where to connect to, or to listen at. */
export type StreamAddress = UnixStreamAddress | TcpStreamAddress;

/** One socket address of a StreamAddress. */
export interface SocketAddress {
  readonly domain: number;
  readonly bytes: Uint8Array;
}

const LOCAL_HOST = '127.0.0.1';

/** The address as text: a path, or `192.0.2.1:1234`. */
export function formatStreamAddress(address: StreamAddress): string {
  if (address.path !== undefined) return address.path.replace(/^\0/, '@');
  const { host = LOCAL_HOST, port } = address;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * All socket addresses that it stands for: a name may have several.
 * @throws InvalidOptionError, RangeError (a path too long), and what node:dns throws
 */
export async function resolveStreamAddress(address: StreamAddress): Promise<SocketAddress[]> {
  if (address.path !== undefined) return [{ domain: AF_UNIX, bytes: unixAddress(address.path) }];
  const { host = LOCAL_HOST, port } = address;
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) {
    throw new InvalidOptionError(`Cannot use port ${port}: an integer from 0 to 65535 is required`);
  }
  const [name, zone] = host.split('%', 2) as [string, string?];
  const scope = zone === undefined ? 0 : interfaceIndex(zone);
  const found = await lookup(name, { all: true });
  return found.map(({ address: text, family }) =>
    family === 4
      ? { domain: AF_INET, bytes: inet4Address(parseIpv4(text), port) }
      : { domain: AF_INET6, bytes: inet6Address(parseIpv6(text), port, scope) },
  );
}
