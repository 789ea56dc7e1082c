/**
 * Neighbours, the ARP and NDP caches: RTM_NEWNEIGH, RTM_GETNEIGH, RTM_DELNEIGH, rtnetlink(7).
 *
 *     struct ndmsg: | family u8 | pad 3 | index i32 | state u16 | flags u8 | type u8 |
 */

import { sparse } from './link.ts';
import type { Links } from './links.ts';
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from './message.ts';
import { bitNames, bitsOf, type Names, namesOf } from './names.ts';
import type { LinkReference } from './new-link.ts';
import type { Reply, RequestSocket } from './socket.ts';
import {
  familyName,
  familyNumber,
  ipBytes,
  type IpFamily,
  linkAddressBytes,
  linkAddressText,
  optionalIpText,
} from './text.ts';

const RTM_NEWNEIGH = 28, RTM_DELNEIGH = 29, RTM_GETNEIGH = 30;
/** Bytes of a struct ndmsg. */
export const NDMSG_BYTES = 12;
const INDEX = 4, STATE = 8, FLAGS = 10;
const NDA_DST = 1, NDA_LLADDR = 2, NDA_PROBES = 4, NDA_IFINDEX = 8;
const NTF_PROXY = 0x08;

/** NUD_… of linux/neighbour.h. */
const STATES: Names = namesOf('neighbour state', {
  0: 'none',
  1: 'incomplete',
  2: 'reachable',
  4: 'stale',
  8: 'delay',
  16: 'probe',
  32: 'failed',
  64: 'noarp',
  128: 'permanent',
});
/** NTF_…. */
const FLAG_NAMES: Readonly<Record<number, string>> = {
  0x01: 'use',
  0x02: 'self',
  0x04: 'master',
  0x08: 'proxy',
  0x10: 'extern_learn',
  0x20: 'offload',
  0x80: 'router',
};

/** A neighbour. */
export interface Neighbour {
  readonly family: IpFamily;
  /** Index of the link that it is on. */
  readonly index: number;
  readonly address: string;
  /** `02:00:00:00:00:01`, once it is known. */
  readonly linkAddress?: string;
  /** `permanent`, `reachable`, `stale`, … */
  readonly state: string;
  readonly flags: readonly string[];
  readonly probes?: number;
}

/** A neighbour to add. */
export interface NewNeighbour {
  readonly address: string;
  readonly linkAddress?: string;
  /** Default `permanent`. */
  readonly state?: string;
  /** `proxy`, `router`, … */
  readonly flags?: readonly string[];
  /** Change it where it is there. Default false: EEXIST. */
  readonly replace?: boolean;
}

/** Reads one RTM_NEWNEIGH or RTM_DELNEIGH; undefined for another family than IP. @throws NetlinkMessageError */
export function readNeighbour({ fixed, attributes }: Reply): Neighbour | undefined {
  const family = familyName(fixed.getUint8(0));
  const address = optionalIpText(attributes.bytes(NDA_DST));
  if (family === undefined || address === undefined) return undefined;
  return sparse<Neighbour>({
    family,
    index: fixed.getInt32(INDEX, true),
    address,
    linkAddress: linkAddressText(attributes.bytes(NDA_LLADDR)),
    state: STATES.of(fixed.getUint16(STATE, true)),
    flags: bitNames(fixed.getUint8(FLAGS), FLAG_NAMES),
    probes: attributes.u32(NDA_PROBES),
  });
}

/** The neighbours of one namespace. */
export class Neighbours {
  readonly #socket: RequestSocket;
  readonly #links: Links;

  constructor(socket: RequestSocket, links: Links) {
    this.#socket = socket;
    this.#links = links;
  }

  /** Adds a neighbour. @throws NetlinkError EEXIST */
  add(link: LinkReference, neighbour: NewNeighbour): void {
    const { address, linkAddress, state = 'permanent', flags = [], replace = false } = neighbour;
    const { family, bytes } = ipBytes(address);
    const bits = bitsOf('neighbour flag', flags, FLAG_NAMES);
    this.#socket.change({
      type: RTM_NEWNEIGH,
      flags: NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL),
      fixed: ndmsg({ family, index: this.#links.index(link), state: STATES.number(state), flags: bits }),
      attributes: (message) => {
        message.attribute(NDA_DST, bytes);
        if (linkAddress !== undefined) message.attribute(NDA_LLADDR, linkAddressBytes(linkAddress));
      },
      action: `Cannot add neighbour "${address}" of ${JSON.stringify(link)}`,
    });
  }

  /** Deletes a neighbour. @throws NetlinkError ENOENT */
  delete(link: LinkReference, address: string, { proxy = false }: { proxy?: boolean } = {}): void {
    const { family, bytes } = ipBytes(address);
    this.#socket.change({
      type: RTM_DELNEIGH,
      fixed: ndmsg({ family, index: this.#links.index(link), flags: proxy ? NTF_PROXY : 0 }),
      attributes: (message) => void message.attribute(NDA_DST, bytes),
      action: `Cannot delete neighbour "${address}" of ${JSON.stringify(link)}`,
    });
  }

  /** The neighbours of a link or of all, of a family or of both; those for whom we answer with `proxy`. */
  list(filter: { link?: LinkReference; family?: IpFamily; proxy?: boolean } = {}): Neighbour[] {
    const { link, family, proxy = false } = filter;
    const index = link === undefined ? undefined : this.#links.index(link);
    const families = family === undefined ? (['inet', 'inet6'] as const) : [family];
    return families.flatMap((one) =>
      this.#socket
        .dump({
          type: RTM_GETNEIGH,
          fixed: ndmsg({ family: one, flags: proxy ? NTF_PROXY : 0 }),
          attributes: (message) => void (index === undefined || message.u32(NDA_IFINDEX, index)),
          action: 'Cannot list neighbours',
        })
        .flatMap((reply) => readNeighbour(reply) ?? [])
        .filter((neighbour) => neighbour.index === (index ?? neighbour.index)),
    );
  }
}

interface NeighbourHeader {
  readonly family: IpFamily;
  readonly index?: number;
  readonly state?: number;
  readonly flags?: number;
}

function ndmsg({ family, index = 0, state = 0, flags = 0 }: NeighbourHeader): Uint8Array {
  const view = new DataView(new ArrayBuffer(NDMSG_BYTES));
  view.setUint8(0, familyNumber(family));
  view.setInt32(INDEX, index, true);
  view.setUint16(STATE, state, true);
  view.setUint8(FLAGS, flags);
  return new Uint8Array(view.buffer);
}
