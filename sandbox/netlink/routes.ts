/** Routes: RTM_NEWROUTE, RTM_GETROUTE, RTM_DELROUTE, rtnetlink(7). */

import { NetlinkError, NetlinkMessageError } from '../../errors.ts';
import type { Links } from './links.ts';
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from './message.ts';
import type { LinkReference } from './new-link.ts';
import * as codec from './route.ts';
import type { NewRoute, Route } from './route.ts';
import type { RequestSocket } from './socket.ts';
import { familyNumber, ipBytes, type IpFamily } from './text.ts';

const RTM_NEWROUTE = 24, RTM_DELROUTE = 25, RTM_GETROUTE = 26;
const RTA_DST = 1;
/** In rtm_flags of a look-up: the route as it stands in the table, not what became of it. */
const RTM_F_FIB_MATCH = 0x2000;
const RTM_F_CLONED = 0x200;

/** Which routes to list. */
export interface RouteFilter {
  /** Default both. */
  readonly family?: IpFamily;
  /** Number or name, or `all`. Default `main`. */
  readonly table?: number | string;
  /** Those that go out by this link. */
  readonly link?: LinkReference;
}

/** The routes of one namespace. */
export class Routes {
  readonly #socket: RequestSocket;
  readonly #links: Links;

  constructor(socket: RequestSocket, links: Links) {
    this.#socket = socket;
    this.#links = links;
  }

  /**
   * Adds a route.
   * @param how `add`: EEXIST where there is one with this destination and metric; `replace` it; `append` another, or
   * `prepend` it, so that it comes first (IPv6 makes one route of several ways of both)
   * @throws NetlinkError `Nexthop has invalid gateway`, `Network is unreachable`, …
   */
  add(route: NewRoute, how: 'add' | 'replace' | 'append' | 'prepend' = 'add'): void {
    const flags = { add: NLM_F_EXCL, replace: NLM_F_REPLACE, append: NLM_F_APPEND, prepend: 0 }[how] | NLM_F_CREATE;
    this.#change(RTM_NEWROUTE, flags, route, `Cannot ${how} the route to "${route.destination}"`);
  }

  /** Deletes the first route that has what is given. @throws NetlinkError ESRCH */
  delete(route: NewRoute): void {
    this.#change(RTM_DELROUTE, 0, route, `Cannot delete the route to "${route.destination}"`);
  }

  /** The routes of the filter, in the kernel's order. */
  list({ family, table = 'main', link }: RouteFilter = {}): Route[] {
    const index = link === undefined ? undefined : this.#links.index(link);
    const number = table === 'all' ? undefined : codec.tableNumber(table);
    const families = family === undefined ? (['inet', 'inet6'] as const) : [family];
    return families
      .flatMap((one) => this.#dump(one, number, index))
      .filter((route) => route.table === (number ?? route.table) && (index === undefined || leadsTo(route, index)));
  }

  /** The route that a packet to `destination` takes. @throws NetlinkError ENETUNREACH, EHOSTUNREACH */
  lookUp(destination: string, { inTable = false }: { inTable?: boolean } = {}): Route {
    const { family, bytes } = ipBytes(destination);
    const fixed = new DataView(new ArrayBuffer(codec.RTMSG_BYTES));
    fixed.setUint8(0, familyNumber(family));
    fixed.setUint8(1, bytes.byteLength * 8);
    fixed.setUint32(codec.RTM_FLAGS, inTable ? RTM_F_FIB_MATCH : 0, true);
    const action = `Cannot look up the route to "${destination}"`;
    const reply = this.#socket.get({
      type: RTM_GETROUTE,
      fixed: new Uint8Array(fixed.buffer),
      attributes: (message) => void message.attribute(RTA_DST, bytes),
      action,
    });
    const route = codec.readRoute(reply);
    if (route === undefined) throw new NetlinkMessageError(action, 'the kernel answered with another family');
    return route;
  }

  #dump(family: IpFamily, table: number | undefined, index: number | undefined): Route[] {
    const fixed = new Uint8Array(codec.RTMSG_BYTES);
    fixed[0] = familyNumber(family);
    try {
      return this.#socket
        .dump({
          type: RTM_GETROUTE,
          fixed,
          attributes: (message) => {
            if (table !== undefined) message.u32(codec.RTA_TABLE, table);
            if (index !== undefined) message.u32(codec.RTA_OIF, index);
          },
          action: 'Cannot list routes',
        })
        .filter((reply) => (reply.fixed.getUint32(codec.RTM_FLAGS, true) & RTM_F_CLONED) === 0)
        .flatMap((reply) => codec.readRoute(reply) ?? []);
    } catch (error) {
      // A table comes into being with its first route.
      if (error instanceof NetlinkError && error.code === 'ENOENT') return [];
      throw error;
    }
  }

  #change(type: number, flags: number, route: NewRoute, action: string): void {
    this.#socket.change({
      type,
      flags,
      fixed: codec.rtmsg(route, type === RTM_NEWROUTE),
      attributes: (message) => codec.writeRoute(message, route, (link) => this.#links.index(link)),
      action,
    });
  }
}

function leadsTo(route: Route, index: number): boolean {
  return route.index === index || (route.nextHops ?? []).some((hop) => hop.index === index);
}
