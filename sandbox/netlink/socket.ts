/**
 * Requests over one rtnetlink socket. Every request is one synchronous exchange: the kernel does the work within the
 * call, so nothing is gained by waiting elsewhere.
 *
 *     change   request, NLM_F_ACK ─►   ◄─ acknowledgement, or error with the kernel's words
 *     get      request ────────────►   ◄─ one reply, or error
 *     dump     request, NLM_F_DUMP ►   ◄─ replies … end; again when they changed meanwhile (NLM_F_DUMP_INTR)
 */

import { LinkpointError, NetlinkMessageError, SystemError } from '../../errors.ts';
import { ERRNO, Fd, netlinkMessage, netlinkSocket } from '../../native/index.ts';
import { Attributes } from './attributes.ts';
import { NetlinkMessage, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST } from './message.ts';

const HEADER_BYTES = 16;
/** How often an interrupted dump is asked for, before its error is the caller's. */
const DUMP_ATTEMPTS = 20;

const MESSAGE_NAMES: Readonly<Record<number, string>> = {
  16: 'RTM_NEWLINK',
  17: 'RTM_DELLINK',
  18: 'RTM_GETLINK',
  19: 'RTM_SETLINK',
  20: 'RTM_NEWADDR',
  21: 'RTM_DELADDR',
  22: 'RTM_GETADDR',
  24: 'RTM_NEWROUTE',
  25: 'RTM_DELROUTE',
  26: 'RTM_GETROUTE',
  28: 'RTM_NEWNEIGH',
  29: 'RTM_DELNEIGH',
  30: 'RTM_GETNEIGH',
  36: 'RTM_NEWQDISC',
  37: 'RTM_DELQDISC',
  38: 'RTM_GETQDISC',
  44: 'RTM_NEWTFILTER',
  45: 'RTM_DELTFILTER',
  46: 'RTM_GETTFILTER',
  88: 'RTM_NEWNSID',
  90: 'RTM_GETNSID',
};

/** What a request is made of. */
export interface Request {
  /** RTM_…. */
  readonly type: number;
  /** NLM_F_… beyond those that every such request has. */
  readonly flags?: number;
  /** The part that the type has before its attributes: struct ifinfomsg and its like. */
  readonly fixed: Uint8Array;
  /** Appends the attributes. */
  readonly attributes?: (message: NetlinkMessage) => void;
  /** For the error: `Cannot create link "eth0"`. */
  readonly action: string;
}

/** One reply: its type, its fixed part and its attributes. */
export interface Reply {
  /** RTM_…. */
  readonly type: number;
  /** The fixed part. */
  readonly fixed: DataView;
  readonly attributes: Attributes;
}

/** Takes a message apart. @throws NetlinkMessageError when it is too short or its attributes do not fit */
export function parseReply(message: Uint8Array, fixedBytes: number): Reply {
  const attributesAt = HEADER_BYTES + ((fixedBytes + 3) & ~3);
  if (message.byteLength < HEADER_BYTES + fixedBytes) {
    const state = `it has ${message.byteLength} bytes; ${HEADER_BYTES + fixedBytes} are required`;
    throw new NetlinkMessageError('Cannot read a netlink message', state);
  }
  return {
    type: netlinkMessage.typeOf(message),
    fixed: new DataView(message.buffer, message.byteOffset + HEADER_BYTES, fixedBytes),
    attributes: new Attributes(message.subarray(Math.min(attributesAt, message.byteLength))),
  };
}

/** A socket for requests, owned. */
export class RequestSocket implements Disposable {
  readonly #fd: Fd;
  #sequence = 0;

  /** @param fd of a blocking rtnetlink socket */
  constructor(fd: number) {
    this.#fd = new Fd(fd, true);
  }

  /** The descriptor. @throws LinkpointError ERR_CLOSED */
  get fd(): number {
    if (this.#fd.isClosed) throw new LinkpointError('ERR_CLOSED', 'Cannot use the rtnetlink socket: it was closed');
    return this.#fd.number;
  }

  /** Asks for a change and waits until it is made. @throws NetlinkError */
  change(request: Request): void {
    this.#send(request, NLM_F_ACK);
  }

  /** Asks for one thing. @throws NetlinkError */
  get(request: Request): Reply {
    const reply = this.#send(request, 0)[0];
    if (reply !== undefined) return parseReply(reply, request.fixed.byteLength);
    throw new NetlinkMessageError(request.action, 'the kernel acknowledged and said nothing');
  }

  /** Asks for everything. @throws NetlinkError EINTR when it changed again and again while it was read */
  dump(request: Request): Reply[] {
    for (let attempt = 1; ; attempt++) {
      try {
        return this.#send(request, NLM_F_DUMP).map((reply) => parseReply(reply, request.fixed.byteLength));
      } catch (error) {
        const isInterrupted = error instanceof SystemError && error.errno === ERRNO.EINTR;
        if (!isInterrupted || attempt === DUMP_ATTEMPTS) throw error;
      }
    }
  }

  /** Closes the socket. Idempotent. */
  close(): void {
    this.#fd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #send({ type, flags = 0, fixed, attributes, action }: Request, more: number): Uint8Array[] {
    this.#sequence = (this.#sequence % 0xffff_fffe) + 1;
    const message = new NetlinkMessage(type, NLM_F_REQUEST | flags | more, this.#sequence).raw(fixed);
    message.pad();
    attributes?.(message);
    const syscall = MESSAGE_NAMES[type] ?? `netlink ${type}`;
    return netlinkSocket.request(this.fd, message.finish(), action, { syscall });
  }
}
