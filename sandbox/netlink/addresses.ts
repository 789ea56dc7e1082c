/**
 * Addresses of links: RTM_NEWADDR, RTM_GETADDR, RTM_DELADDR, rtnetlink(7).
 *
 *     struct ifaddrmsg: | family u8 | prefix length u8 | flags u8 | scope u8 | index u32 |
 */

import { sparse } from './link.ts';
import type { Links } from './links.ts';
import { type NetlinkMessage, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from './message.ts';
import { bitNames, bitsOf, SCOPES } from './names.ts';
import type { LinkReference } from './new-link.ts';
import type { Reply, RequestSocket } from './socket.ts';
import { familyName, familyNumber, ipBytes, type IpFamily, optionalIpText, parsePrefix, type Prefix } from './text.ts';

const RTM_NEWADDR = 20, RTM_DELADDR = 21, RTM_GETADDR = 22;
/** Bytes of a struct ifaddrmsg. */
export const IFADDRMSG_BYTES = 8;
const PREFIX_LENGTH = 1, FLAGS = 2, SCOPE = 3, INDEX = 4;
const IFA_ADDRESS = 1, IFA_LOCAL = 2, IFA_LABEL = 3, IFA_BROADCAST = 4, IFA_ANYCAST = 5, IFA_CACHEINFO = 6;
const IFA_FLAGS = 8, IFA_RT_PRIORITY = 9, IFA_PROTO = 11;

/** IFA_F_… of linux/if_addr.h, as ip(8) calls them. */
const FLAG_NAMES: Readonly<Record<number, string>> = {
  0x01: 'secondary',
  0x02: 'nodad',
  0x04: 'optimistic',
  0x08: 'dadfailed',
  0x10: 'home',
  0x20: 'deprecated',
  0x40: 'tentative',
  0x80: 'permanent',
  0x100: 'mngtmpaddr',
  0x200: 'noprefixroute',
  0x400: 'autojoin',
  0x800: 'stable-privacy',
};
/** Seconds of what has no end. */
const FOREVER = 0xffff_ffff;

/** An address of a link. What the kernel does not say of it is left out. */
export interface Address {
  readonly family: IpFamily;
  /** Index of the link. */
  readonly index: number;
  /** `192.0.2.1`. */
  readonly address: string;
  readonly prefixLength: number;
  /** The other end of a point-to-point link, where that is not the address itself. */
  readonly peer?: string;
  readonly broadcast?: string;
  readonly anycast?: string;
  readonly label?: string;
  /** `global`, `link`, `host`, `site`. */
  readonly scope: string;
  /** `permanent`, `tentative`, `nodad`, … */
  readonly flags: readonly string[];
  /** Seconds; Infinity for ever. */
  readonly validLifetime: number;
  /** Seconds; Infinity for ever. */
  readonly preferredLifetime: number;
  /** Metric of the route of its prefix. */
  readonly metric?: number;
  readonly protocol?: number;
}

/** An address to add. */
export interface NewAddress {
  /** `192.0.2.1/24`. */
  readonly address: string;
  /** Of a point-to-point link: `192.0.2.2`. */
  readonly peer?: string;
  /** IPv4; `auto` for the last address of the prefix. Default none. */
  readonly broadcast?: string;
  readonly label?: string;
  /** Default `global`. */
  readonly scope?: string;
  /** `nodad`, `noprefixroute`, `home`, … */
  readonly flags?: readonly string[];
  readonly metric?: number;
  /** Seconds. Default for ever. */
  readonly validLifetime?: number;
  /** Seconds. Default for ever. */
  readonly preferredLifetime?: number;
  /** IFAPROT_…: who made it; Linux 5.18. Default none. */
  readonly protocol?: number;
  /** Change it where it is there. Default false: EEXIST. */
  readonly replace?: boolean;
}

/** Reads one RTM_NEWADDR or RTM_DELADDR; undefined for another family than IP. @throws NetlinkMessageError */
export function readAddress({ fixed, attributes }: Reply): Address | undefined {
  const family = familyName(fixed.getUint8(0));
  const local = optionalIpText(attributes.bytes(IFA_LOCAL));
  const prefix = optionalIpText(attributes.bytes(IFA_ADDRESS));
  const address = local ?? prefix;
  if (family === undefined || address === undefined) return undefined;
  const times = attributes.bytes(IFA_CACHEINFO);
  return sparse<Address>({
    family,
    index: fixed.getUint32(INDEX, true),
    address,
    prefixLength: fixed.getUint8(PREFIX_LENGTH),
    peer: prefix === address ? undefined : prefix,
    broadcast: optionalIpText(attributes.bytes(IFA_BROADCAST)),
    anycast: optionalIpText(attributes.bytes(IFA_ANYCAST)),
    label: attributes.text(IFA_LABEL),
    scope: SCOPES.of(fixed.getUint8(SCOPE)),
    flags: bitNames(attributes.u32(IFA_FLAGS) ?? fixed.getUint8(FLAGS), FLAG_NAMES),
    preferredLifetime: lifetime(times, 0),
    validLifetime: lifetime(times, 4),
    metric: attributes.u32(IFA_RT_PRIORITY),
    protocol: attributes.u8(IFA_PROTO),
  });
}

/** The addresses of one namespace. */
export class Addresses {
  readonly #socket: RequestSocket;
  readonly #links: Links;

  constructor(socket: RequestSocket, links: Links) {
    this.#socket = socket;
    this.#links = links;
  }

  /** Adds an address; the kernel adds the route of its prefix. @throws NetlinkError EEXIST */
  add(link: LinkReference, address: NewAddress): void {
    const flags = NLM_F_CREATE | (address.replace === true ? NLM_F_REPLACE : NLM_F_EXCL);
    this.#change(RTM_NEWADDR, flags, link, address, `Cannot add address "${address.address}" to ${JSON.stringify(link)}`);
  }

  /** Removes an address, `192.0.2.1/24`. @throws NetlinkError EADDRNOTAVAIL */
  delete(link: LinkReference, address: string | NewAddress): void {
    const one = typeof address === 'string' ? { address } : address;
    this.#change(RTM_DELADDR, 0, link, one, `Cannot delete address "${one.address}" of ${JSON.stringify(link)}`);
  }

  /** The addresses of a link or of all, of a family or of both; in the kernel's order. */
  list({ link, family }: { link?: LinkReference; family?: IpFamily } = {}): Address[] {
    const index = link === undefined ? undefined : this.#links.index(link);
    const families = family === undefined ? (['inet', 'inet6'] as const) : [family];
    return families.flatMap((one) =>
      this.#socket
        .dump({ type: RTM_GETADDR, fixed: ifaddrmsg({ family: one, index }), action: 'Cannot list addresses' })
        .flatMap((reply) => readAddress(reply) ?? [])
        .filter((address) => address.index === (index ?? address.index)),
    );
  }

  #change(type: number, flags: number, link: LinkReference, address: NewAddress, action: string): void {
    const prefix = parsePrefix(address.address);
    const scope = SCOPES.number(address.scope ?? 'global');
    const fixed = ifaddrmsg({ family: prefix.family, length: prefix.length, scope, index: this.#links.index(link) });
    const attributes = (message: NetlinkMessage): void => writeAddress(message, prefix, address);
    this.#socket.change({ type, flags, fixed, attributes, action });
  }
}

interface AddressHeader {
  readonly family: IpFamily;
  readonly index: number | undefined;
  readonly length?: number;
  readonly scope?: number;
}

function ifaddrmsg({ family, index = 0, length = 0, scope = 0 }: AddressHeader): Uint8Array {
  const view = new DataView(new ArrayBuffer(IFADDRMSG_BYTES));
  view.setUint8(0, familyNumber(family));
  view.setUint8(PREFIX_LENGTH, length);
  view.setUint8(SCOPE, scope);
  view.setUint32(INDEX, index, true);
  return new Uint8Array(view.buffer);
}

function writeAddress(message: NetlinkMessage, prefix: Prefix, options: NewAddress): void {
  const { peer, broadcast, label, flags, metric, protocol, validLifetime, preferredLifetime } = options;
  message.attribute(IFA_LOCAL, prefix.bytes);
  message.attribute(IFA_ADDRESS, peer === undefined ? prefix.bytes : ipBytes(peer).bytes);
  if (broadcast !== undefined) message.attribute(IFA_BROADCAST, broadcastBytes(broadcast, prefix));
  if (label !== undefined) message.text(IFA_LABEL, label);
  if (flags !== undefined) message.u32(IFA_FLAGS, bitsOf('address flag', flags, FLAG_NAMES));
  if (metric !== undefined) message.u32(IFA_RT_PRIORITY, metric);
  if (protocol !== undefined) message.u8(IFA_PROTO, protocol);
  if (validLifetime === undefined && preferredLifetime === undefined) return;
  const times = new DataView(new ArrayBuffer(16)); // | preferred | valid | created | updated |
  times.setUint32(0, Math.min(preferredLifetime ?? validLifetime ?? FOREVER, FOREVER), true);
  times.setUint32(4, Math.min(validLifetime ?? FOREVER, FOREVER), true);
  message.attribute(IFA_CACHEINFO, new Uint8Array(times.buffer));
}

function broadcastBytes(broadcast: string, { bytes, length }: Prefix): Uint8Array {
  if (broadcast !== 'auto') return ipBytes(broadcast).bytes;
  return bytes.map((byte, i) => byte | (0xff >>> Math.min(Math.max(length - i * 8, 0), 8)));
}

function lifetime(times: Uint8Array | undefined, at: number): number {
  if (times === undefined || times.byteLength < at + 4) return Number.POSITIVE_INFINITY;
  const seconds = new DataView(times.buffer, times.byteOffset, times.byteLength).getUint32(at, true);
  return seconds === FOREVER ? Number.POSITIVE_INFINITY : seconds;
}
