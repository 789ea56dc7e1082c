/**
 * Changes of a namespace as they happen: the multicast groups of rtnetlink(7).
 *
 * The kernel queues what is not read yet, about a megabyte; what does not fit is lost, and `{ event: 'lost' }` says so,
 * before what is queued: list everything again then.
 */

import { SystemError } from '../../errors.ts';
import { closeFd, ERRNO, netlinkMessage, netlinkSocket, Readiness } from '../../native/index.ts';
import { type Address, IFADDRMSG_BYTES, readAddress } from './addresses.ts';
import { AF_BRIDGE, type BridgePort, readBridgePort } from './bridge-ports.ts';
import { IFINFOMSG_BYTES } from './if-link.ts';
import { type Link, readLink } from './link.ts';
import { NDMSG_BYTES, type Neighbour, readNeighbour } from './neighbours.ts';
import { readRoute, type Route, RTMSG_BYTES } from './route.ts';
import { parseReply } from './socket.ts';

/** Something came or changed (`new`), or went (`delete`). */
export type Change =
  | { readonly event: 'new' | 'delete'; readonly object: 'link'; readonly link: Link }
  | { readonly event: 'new' | 'delete'; readonly object: 'bridge-port'; readonly port: BridgePort }
  | { readonly event: 'new' | 'delete'; readonly object: 'address'; readonly address: Address }
  | { readonly event: 'new' | 'delete'; readonly object: 'route'; readonly route: Route }
  | { readonly event: 'new' | 'delete'; readonly object: 'neighbour'; readonly neighbour: Neighbour }
  | { readonly event: 'lost' };

/** What to watch. */
export type WatchedObject = 'link' | 'address' | 'route' | 'neighbour';

/** Options of `watch`. */
export interface WatchOptions {
  /** Default all. Ports of bridges belong to `link`. */
  readonly objects?: readonly WatchedObject[];
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal;
}

/** RTNLGRP_… as bits of sockaddr_nl. */
const GROUPS: Readonly<Record<WatchedObject, number>> = {
  link: 1 << 0,
  neighbour: 1 << 2,
  address: (1 << 4) | (1 << 8), // IPv4, IPv6
  route: (1 << 6) | (1 << 10),
};

const ALL: readonly WatchedObject[] = ['link', 'address', 'route', 'neighbour'];

/** Opens a socket for these groups, in the namespace that is watched; now or later. */
export type GroupSocketOpener = (groups: number) => number | Promise<number>;

/** The groups of some objects. */
export const groupsOf = (objects: readonly WatchedObject[] = ALL): number =>
  objects.reduce((groups, object) => groups | GROUPS[object], 0);

/**
 * Changes, one by one, from the moment that it was made (`opened` in a rootless namespace): begin to watch, then list. Iterate it to the end, or close it.
 */
export class Watch implements AsyncIterableIterator<Change>, AsyncDisposable {
  /** Resolved when it sees what happens: at once, but for a rootless namespace, whose process opens the socket. */
  readonly opened: Promise<void>;
  readonly #signal: AbortSignal | undefined;
  readonly #queue: Change[] = [];
  #readiness: Readiness | null = null;
  #wakers: (() => void)[] = [];
  #isClosed = false;

  /** @param socket from a GroupSocketOpener; owned */
  constructor(socket: number | Promise<number>, signal?: AbortSignal) {
    this.#signal = signal;
    if (typeof socket === 'number') this.#opened(socket);
    this.opened = typeof socket === 'number' ? Promise.resolve() : socket.then((fd) => this.#opened(fd));
    this.opened.catch(() => undefined); // the first next() throws it
    if (signal?.aborted === true) this.close();
    else signal?.addEventListener('abort', this.#onAbort);
  }

  /** The next change, as soon as there is one. @throws NetlinkMessageError, which ends it */
  async next(): Promise<IteratorResult<Change, undefined>> {
    await this.opened;
    try {
      for (;;) {
        if (this.#readiness === null) return { done: true, value: undefined };
        const value = this.#queue.shift();
        if (value !== undefined) return { done: false, value };
        const changes = receiveChanges(this.#readiness.fd);
        if (changes === null) await this.#readable(this.#readiness);
        else this.#queue.push(...changes);
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Ends the iteration; what waits for a change gets the end. */
  async return(): Promise<IteratorResult<Change, undefined>> {
    this.close();
    return { done: true, value: undefined };
  }

  /** As `return()`, at once. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    const readiness = this.#readiness;
    if (readiness === null) return;
    this.#readiness = null;
    readiness.close();
    closeFd(readiness.fd);
    this.#wake();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  readonly #onAbort = (): void => this.close();

  #opened(fd: number): void {
    if (this.#isClosed) {
      closeFd(fd);
      return;
    }
    const readiness = Readiness.watch(fd, {}, () => {
      readiness.update({}); // level-triggered: until somebody waits again, which also is what keeps the process
      this.#wake();
    });
    this.#readiness = readiness;
  }

  #readable(readiness: Readiness): Promise<void> {
    return new Promise((resolve) => {
      this.#wakers.push(resolve);
      readiness.update({ readable: true });
    });
  }

  #wake(): void {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }
}

/** Changes of one datagram; null when there is none. */
function receiveChanges(fd: number): Change[] | null {
  try {
    return netlinkSocket.receiveMessages(fd, 'Cannot watch for changes')?.flatMap((bytes) => readChange(bytes) ?? []) ?? null;
  } catch (error) {
    if (error instanceof SystemError && error.errno === ERRNO.ENOBUFS) return [{ event: 'lost' }];
    throw error;
  }
}

/** Reads one notification; undefined for what is not watched. @throws NetlinkMessageError */
export function readChange(message: Uint8Array): Change | undefined {
  const type = netlinkMessage.typeOf(message);
  const event = (type & 3) === 0 ? 'new' : 'delete';
  switch (type) {
    case 16:
    case 17:
      return readLinkChange(message, event);
    case 20:
    case 21: {
      const address = readAddress(parseReply(message, IFADDRMSG_BYTES));
      return address === undefined ? undefined : { event, object: 'address', address };
    }
    case 24:
    case 25: {
      const route = readRoute(parseReply(message, RTMSG_BYTES));
      return route === undefined ? undefined : { event, object: 'route', route };
    }
    case 28:
    case 29: {
      const neighbour = readNeighbour(parseReply(message, NDMSG_BYTES));
      return neighbour === undefined ? undefined : { event, object: 'neighbour', neighbour };
    }
    default:
      return undefined;
  }
}

/** A port that leaves its bridge is an RTM_DELLINK too, of the family PF_BRIDGE: the link is still there. */
function readLinkChange(message: Uint8Array, event: 'new' | 'delete'): Change | undefined {
  const reply = parseReply(message, IFINFOMSG_BYTES);
  const family = reply.fixed.getUint8(0);
  if (family === AF_BRIDGE) return { event, object: 'bridge-port', port: readBridgePort(reply) };
  return family === 0 ? { event, object: 'link', link: readLink(reply) } : undefined;
}
