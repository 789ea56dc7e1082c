/**
 * Ids of other namespaces, as links name them (`parentNamespaceId`): RTM_NEWNSID, RTM_GETNSID, ip-netns(8) `list-id`.
 *
 * Every namespace numbers the others for itself; the kernel gives a number when a link needs one.
 */

import { NetlinkMessageError } from '../../errors.ts';
import type { Namespace } from '../../link/device.ts';
import { Fd } from '../../native/fd.ts';
import { openNamespace } from '../../native/namespace.ts';
import type { NetlinkMessage } from './message.ts';
import type { RequestSocket } from './socket.ts';

const RTM_NEWNSID = 88, RTM_GETNSID = 90;
const NETNSA_NSID = 1, NETNSA_FD = 3;
/** struct rtgenmsg: | family u8 |, padded. */
const rtgenmsg = (): Uint8Array => new Uint8Array(4);

/** The ids that one namespace has for others. */
export class NamespaceIds {
  readonly #socket: RequestSocket;

  constructor(socket: RequestSocket) {
    this.#socket = socket;
  }

  /** Id of a namespace; undefined where it has none yet. */
  get(namespace: Namespace): number | undefined {
    return withFd(namespace, (fd) => {
      const action = `Cannot read the id of namespace ${JSON.stringify(namespace)}`;
      const attributes = (message: NetlinkMessage): void => void message.u32(NETNSA_FD, fd);
      const reply = this.#socket.get({ type: RTM_GETNSID, fixed: rtgenmsg(), attributes, action });
      const id = reply.attributes.i32(NETNSA_NSID);
      if (id === undefined) throw new NetlinkMessageError(action, 'the kernel named none');
      return id < 0 ? undefined : id;
    });
  }

  /** Gives a namespace an id. @param id default: the kernel's choice @throws NetlinkError EEXIST */
  set(namespace: Namespace, id = -1): void {
    withFd(namespace, (fd) =>
      this.#socket.change({
        type: RTM_NEWNSID,
        fixed: rtgenmsg(),
        attributes: (message) => void message.u32(NETNSA_NSID, id >>> 0).u32(NETNSA_FD, fd),
        action: `Cannot give namespace ${JSON.stringify(namespace)} the id ${id}`,
      }),
    );
  }

  /** All ids that are given. */
  list(): number[] {
    return this.#socket
      .dump({ type: RTM_GETNSID, fixed: rtgenmsg(), action: 'Cannot list namespace ids' })
      .flatMap(({ attributes }) => attributes.i32(NETNSA_NSID) ?? []);
  }
}

function withFd<T>(namespace: Namespace, use: (fd: number) => T): T {
  if (typeof namespace === 'number') return use(namespace);
  using file = new Fd(openNamespace(namespace), true);
  return use(file.number);
}
