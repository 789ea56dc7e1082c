/**
 * Traffic control, as far as moving all frames of one link to another needs it: tc(8).
 *
 *     link "eth0" ── ingress qdisc ffff: ── u32 filter, matches all ── action mirred ──► sent by link "tap0"
 *
 *     struct tcmsg: | family u8 | pad 3 | index i32 | handle u32 | parent u32 | info u32: priority, protocol |
 */

import { ETH_P_ALL } from '../../native/constants.ts';
import type { Attributes } from './attributes.ts';
import { sparse } from './link.ts';
import type { Links } from './links.ts';
import { type NetlinkMessage, NLM_F_CREATE, NLM_F_EXCL } from './message.ts';
import type { LinkReference } from './new-link.ts';
import type { Reply, RequestSocket } from './socket.ts';
import { readMirred, readU32, writeRedirect, type MirredAction, type U32Selector } from './tc-u32.ts';

const RTM_NEWQDISC = 36, RTM_DELQDISC = 37, RTM_GETQDISC = 38;
const RTM_NEWTFILTER = 44, RTM_DELTFILTER = 45, RTM_GETTFILTER = 46;
/** Bytes of a struct tcmsg. */
export const TCMSG_BYTES = 20;
const INDEX = 4, HANDLE = 8, PARENT = 12, INFO = 16;
const TCA_KIND = 1, TCA_OPTIONS = 2, TCA_CHAIN = 11;

/** TC_H_INGRESS: where the ingress qdisc hangs. */
const TC_H_INGRESS = 0xffff_fff1;
/** `ffff:`, the ingress qdisc itself, which its filters hang on. */
export const INGRESS_HANDLE = 0xffff_0000;

/** A queueing discipline. */
export interface Qdisc {
  /** Index of its link. */
  readonly index: number;
  /** `ingress`, `noqueue`, … */
  readonly kind: string;
  /** 0xffff0000 is `ffff:`. */
  readonly handle: number;
  /** 0xffffffff is the root, 0xfffffff1 the ingress. */
  readonly parent: number;
}

/** A filter. A u32 filter is listed three times: its classifier, its hash table, and what matches. */
export interface Filter {
  /** Index of its link. */
  readonly index: number;
  readonly kind: string;
  readonly handle: number;
  readonly parent: number;
  readonly priority: number;
  /** EtherType; 3 (ETH_P_ALL) is all. */
  readonly protocol: number;
  readonly chain?: number;
  /** Of a u32 filter that matches. */
  readonly selector?: U32Selector;
  readonly actions?: readonly MirredAction[];
}

/** A filter that moves what it matches. */
export interface NewRedirect {
  /** Link that sends the frames. */
  readonly to: LinkReference;
  /** 1 to 65535, lowest first. Default: the kernel's choice. */
  readonly priority?: number;
  /** EtherType. Default all. */
  readonly protocol?: number;
  /** `mirror`: it gets copies. Default `redirect`. */
  readonly action?: 'redirect' | 'mirror';
  /** `ingress`: as if it had received them. Default `egress`. */
  readonly direction?: 'egress' | 'ingress';
}

/** Queueing disciplines and filters of one namespace. */
export class TrafficControl {
  readonly #socket: RequestSocket;
  readonly #links: Links;

  constructor(socket: RequestSocket, links: Links) {
    this.#socket = socket;
    this.#links = links;
  }

  /** Gives a link the ingress qdisc, for filters to hang on. @throws NetlinkError EEXIST */
  addIngress(link: LinkReference): void {
    this.#changeIngress(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, link, `Cannot add the ingress qdisc of ${quote(link)}`);
  }

  /** Takes the ingress qdisc away, and with it its filters. @throws NetlinkError ENOENT or EINVAL without one */
  deleteIngress(link: LinkReference): void {
    this.#changeIngress(RTM_DELQDISC, 0, link, `Cannot delete the ingress qdisc of ${quote(link)}`);
  }

  /** Moves everything that `link` receives, which must have the ingress qdisc: u32 with one key that all match. */
  addRedirect(link: LinkReference, redirect: NewRedirect): void {
    const { to, priority = 0, protocol = ETH_P_ALL, action = 'redirect', direction = 'egress' } = redirect;
    const toIndex = this.#links.index(to);
    this.#socket.change({
      type: RTM_NEWTFILTER,
      flags: NLM_F_CREATE | NLM_F_EXCL,
      fixed: tcmsg({ index: this.#links.index(link), parent: INGRESS_HANDLE, info: filterInfo(priority, protocol) }),
      attributes: (message) => {
        message.text(TCA_KIND, 'u32');
        message.nest(TCA_OPTIONS, (options) => writeRedirect(options, { action, direction, index: toIndex }));
      },
      action: `Cannot redirect what ${quote(link)} receives to ${quote(to)}`,
    });
  }

  /** Deletes the filters of a priority, or all, that hang on the ingress qdisc. @throws NetlinkError ENOENT */
  deleteFilters(link: LinkReference, { priority, protocol }: { priority?: number; protocol?: number } = {}): void {
    const info = priority === undefined ? 0 : filterInfo(priority, protocol ?? ETH_P_ALL);
    this.#socket.change({
      type: RTM_DELTFILTER,
      fixed: tcmsg({ index: this.#links.index(link), parent: INGRESS_HANDLE, info }),
      action: `Cannot delete filters of ${quote(link)}`,
    });
  }

  /** The queueing disciplines of a link, or of all. */
  qdiscs(link?: LinkReference): Qdisc[] {
    const index = link === undefined ? undefined : this.#links.index(link);
    return this.#socket
      .dump({ type: RTM_GETQDISC, fixed: tcmsg({ index: index ?? 0 }), action: 'Cannot list qdiscs' })
      .map(readQdisc)
      .filter((qdisc) => qdisc.index === (index ?? qdisc.index));
  }

  /** The filters of a link that hang on `parent`, by default the ingress qdisc. */
  filters(link: LinkReference, parent: number = INGRESS_HANDLE): Filter[] {
    const fixed = tcmsg({ index: this.#links.index(link), parent });
    return this.#socket.dump({ type: RTM_GETTFILTER, fixed, action: `Cannot list filters of ${quote(link)}` }).map(readFilter);
  }

  #changeIngress(type: number, flags: number, link: LinkReference, action: string): void {
    this.#socket.change({
      type,
      flags,
      fixed: tcmsg({ index: this.#links.index(link), handle: INGRESS_HANDLE, parent: TC_H_INGRESS }),
      attributes: (message: NetlinkMessage) => void message.text(TCA_KIND, 'ingress'),
      action,
    });
  }
}

const quote = (link: LinkReference): string => JSON.stringify(link);

/** tcm_info of a filter: | protocol u16 in network order | priority u16 |. */
function filterInfo(priority: number, protocol: number): number {
  const swapped = ((protocol & 0xff) << 8) | (protocol >>> 8);
  return ((priority << 16) | swapped) >>> 0;
}

interface TcHeader {
  readonly index: number;
  readonly handle?: number;
  readonly parent?: number;
  readonly info?: number;
}

function tcmsg({ index, handle = 0, parent = 0, info = 0 }: TcHeader): Uint8Array {
  const view = new DataView(new ArrayBuffer(TCMSG_BYTES));
  view.setInt32(INDEX, index, true);
  view.setUint32(HANDLE, handle, true);
  view.setUint32(PARENT, parent, true);
  view.setUint32(INFO, info, true);
  return new Uint8Array(view.buffer);
}

function readQdisc({ fixed, attributes }: Reply): Qdisc {
  return {
    index: fixed.getInt32(INDEX, true),
    kind: attributes.text(TCA_KIND) ?? '',
    handle: fixed.getUint32(HANDLE, true),
    parent: fixed.getUint32(PARENT, true),
  };
}

/** Reads one RTM_NEWTFILTER. @throws NetlinkMessageError */
export function readFilter({ fixed, attributes }: Reply): Filter {
  const kind = attributes.text(TCA_KIND) ?? '';
  const options = kind === 'u32' ? attributes.nest(TCA_OPTIONS) : undefined;
  return sparse<Filter>({
    index: fixed.getInt32(INDEX, true),
    kind,
    handle: fixed.getUint32(HANDLE, true),
    parent: fixed.getUint32(PARENT, true),
    priority: fixed.getUint16(INFO + 2, true),
    protocol: fixed.getUint16(INFO), // network order
    chain: attributes.u32(TCA_CHAIN),
    ...readOptions(options),
  });
}

function readOptions(options: Attributes | undefined): {
  selector: U32Selector | undefined;
  actions: MirredAction[] | undefined;
} {
  if (options === undefined) return { selector: undefined, actions: undefined };
  return { selector: readU32(options), actions: readMirred(options) };
}
