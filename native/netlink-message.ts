/**
 * Netlink messages as far as every protocol has them alike: a datagram taken apart, and what its errors say.
 *
 *     error:        | nlmsghdr 16 | error 4 | the request's nlmsghdr 16 | its payload unless NLM_F_CAPPED | nlattr … |
 *     end of dump:  | nlmsghdr 16 | error 4 | nlattr … |
 *
 * @packageDocumentation
 */

import { NetlinkError, NetlinkMessageError } from '../errors.ts';
import * as c from './constants.ts';
import { errnoName, missingRight } from './errno.ts';
import * as layout from './layout.ts';

/**
 * The messages of one datagram, each with its header: views of `bytes`.
 * @throws NetlinkMessageError when the lengths do not add up
 */
export function splitMessages(action: string, bytes: Uint8Array): Uint8Array[] {
  const view = viewOf(bytes);
  const messages: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const rest = bytes.byteLength - at;
    const length = rest < layout.NLMSGHDR_BYTES ? rest : view.getUint32(at + layout.NLMSGHDR_LENGTH, true);
    if (length < layout.NLMSGHDR_BYTES || length > rest) {
      throw new NetlinkMessageError(action, `a message says ${length} of ${rest} bytes; its header has 16`);
    }
    messages.push(bytes.subarray(at, at + length));
    at += align4(length);
  }
  return messages;
}

/** The error of an NLMSG_ERROR or NLMSG_DONE; null when it says that all went well. */
export function netlinkError(reply: Uint8Array, names: { action: string; syscall: string }): NetlinkError | null {
  const { action, syscall } = names;
  if (reply.byteLength < layout.NLMSGHDR_BYTES + 4) {
    if (typeOf(reply) === c.NLMSG_DONE) return null;
    throw new NetlinkMessageError(action, `an acknowledgement has ${reply.byteLength} bytes; 20 are required`);
  }
  const errno = -viewOf(reply).getInt32(layout.NLMSGHDR_BYTES + layout.NLMSGERR_ERROR, true);
  if (errno <= 0) return null; // some dumps end with a positive count
  const right = missingRight(errno, 'CAP_NET_ADMIN');
  const failure = { syscall, errno, name: errnoName(errno), extAck: kernelWords(reply) };
  return new NetlinkError(action, right === undefined ? failure : { ...failure, remedy: right });
}

/** The text of an extended acknowledgement. */
function kernelWords(reply: Uint8Array): string | undefined {
  const view = viewOf(reply);
  if ((view.getUint16(layout.NLMSGHDR_FLAGS, true) & c.NLM_F_ACK_TLVS) === 0) return undefined;
  for (let at = wordsAt(reply, view); at + layout.NLATTR_BYTES <= reply.byteLength; ) {
    const length = view.getUint16(at + layout.NLATTR_LENGTH, true);
    if (length < layout.NLATTR_BYTES || at + length > reply.byteLength) return undefined;
    if (view.getUint16(at + layout.NLATTR_TYPE, true) === c.NLMSGERR_ATTR_MSG) {
      return Buffer.from(reply.subarray(at + layout.NLATTR_BYTES, at + length)).toString('utf8').replace(/\0+$/, '');
    }
    at += align4(length);
  }
  return undefined;
}

function wordsAt(reply: Uint8Array, view: DataView): number {
  const requestAt = layout.NLMSGHDR_BYTES + layout.NLMSGERR_REQUEST;
  if (typeOf(reply) === c.NLMSG_DONE || reply.byteLength < requestAt + layout.NLMSGHDR_BYTES) return requestAt;
  const isCapped = (view.getUint16(layout.NLMSGHDR_FLAGS, true) & c.NLM_F_CAPPED) !== 0;
  return requestAt + (isCapped ? layout.NLMSGHDR_BYTES : align4(view.getUint32(requestAt, true)));
}

/** Type of a message (NLMSG_… or RTM_…). */
export function typeOf(message: Uint8Array): number {
  return viewOf(message).getUint16(layout.NLMSGHDR_TYPE, true);
}

/** Sequence number of a message. */
export function sequenceOf(message: Uint8Array): number {
  return viewOf(message).getUint32(layout.NLMSGHDR_SEQUENCE, true);
}

/** The bytes, for fields of any width. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** NLMSG_ALIGN and NLA_ALIGN. */
export function align4(length: number): number {
  return Math.ceil(length / 4) * 4;
}
