/**
 * Rtnetlink of one namespace, rtnetlink(7): what `ip`, `bridge` and `tc` do, without a process.
 *
 * A netlink socket stays in the namespace that it was made in, whichever thread uses it. The verbs are synchronous; the
 * kernel does their work within the call, in some hundred microseconds.
 */

import { type Namespace, openIn } from '../../link/device.ts';
import { type DriverInfo, driverInfo, Fd, netlinkSocket, openNamespace } from '../../native/index.ts';
import { Addresses } from './addresses.ts';
import { BridgePorts } from './bridge-ports.ts';
import { Links } from './links.ts';
import { NamespaceIds } from './namespace-ids.ts';
import { Neighbours } from './neighbours.ts';
import type { LinkReference } from './new-link.ts';
import { Routes } from './routes.ts';
import { RequestSocket } from './socket.ts';
import { TrafficControl } from './tc.ts';
import { groupsOf, type GroupSocketOpener, Watch, type WatchOptions } from './watch.ts';

/** Sockets of an Rtnl that somebody else opened. */
export interface RtnlSockets {
  /** Blocking, for requests; the Rtnl's from now on. */
  readonly requests: number;
  /** Opens a socket for notifications; the watcher's from then on. */
  readonly openGroups: GroupSocketOpener;
  /** Called when the Rtnl is closed. */
  readonly onClose?: () => void;
}

/** Links, addresses, routes and so on of one network namespace. Close it, or `using` it. */
export class Rtnl implements Disposable, AsyncDisposable {
  readonly links: Links;
  readonly addresses: Addresses;
  readonly routes: Routes;
  readonly neighbours: Neighbours;
  readonly bridgePorts: BridgePorts;
  readonly tc: TrafficControl;
  readonly namespaceIds: NamespaceIds;
  readonly #socket: RequestSocket;
  readonly #openGroups: GroupSocketOpener;
  #onClose: (() => void) | undefined;

  /**
   * Opens the rtnetlink of a namespace: a descriptor, a path, or by default the thread's own.
   * @throws SystemError ENOENT; EPERM where the thread may not enter the namespace
   */
  static open(namespace?: Namespace): Rtnl {
    // The namespace must be found again for watch(), whatever becomes of the path or the caller's descriptor.
    const home = openIn(namespace, () => new Fd(openNamespace(), true));
    try {
      return new Rtnl({
        requests: openIn(home.number, () => netlinkSocket.openNetlink()),
        openGroups: (groups) => openIn(home.number, () => netlinkSocket.openNetlinkGroups(groups)),
        onClose: () => home.close(),
      });
    } catch (error) {
      home.close();
      throw error;
    }
  }

  /** Uses sockets that are there, such as those that another process passed. */
  constructor({ requests, openGroups, onClose }: RtnlSockets) {
    this.#socket = new RequestSocket(requests);
    this.#openGroups = openGroups;
    this.#onClose = onClose;
    this.links = new Links(this.#socket);
    this.addresses = new Addresses(this.#socket, this.links);
    this.routes = new Routes(this.#socket, this.links);
    this.neighbours = new Neighbours(this.#socket, this.links);
    this.bridgePorts = new BridgePorts(this.#socket, this.links);
    this.tc = new TrafficControl(this.#socket, this.links);
    this.namespaceIds = new NamespaceIds(this.#socket);
  }

  /**
   * Changes as they happen, from this call on (rootless: from `await changes.opened` on), until `signal` or the end of the loop. Outlives `close()`.
   */
  watch({ objects, signal }: WatchOptions = {}): Watch {
    return new Watch(this.#openGroups(groupsOf(objects)), signal);
  }

  /**
   * Driver and place of a link, as `ethtool -i` shows them.
   * @throws SystemError ENODEV, EOPNOTSUPP for a link without a driver, such as the loopback
   */
  driver(link: LinkReference): DriverInfo {
    return driverInfo(this.#socket.fd, typeof link === 'string' ? link : this.links.get(link).name);
  }

  /** Closes the sockets. Idempotent. */
  close(): void {
    this.#socket.close();
    this.#onClose?.();
    this.#onClose = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
