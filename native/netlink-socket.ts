/**
 * A netlink socket, netlink(7): one request, all its replies. What the bytes mean is the caller's matter.
 *
 *     | nlmsghdr 16: len, type, flags, seq, pid | payload … | nlmsghdr … |
 *
 * @packageDocumentation
 */

import * as c from './constants.ts';
import { ERRNO, missingRight, systemError } from './errno.ts';
import { closeFd, setNonblocking } from './fd.ts';
import * as layout from './layout.ts';
import * as libc from './libc.ts';
import { allocatePinned, freePinned, withPinned } from './memory.ts';
import { bindAddress, openSocket, setOption, trySetOption } from './socket.ts';

/** The kernel fills at most 32 KiB per read of a dump; twice that never truncates. */
const REPLY_BYTES = 64 * 1024;

/** The kernel answers within the call; this bounds the wait if a reply was lost (ENOBUFS). */
const TIMEOUT_SECONDS = 5;

/** Opens an rtnetlink(7) socket in the calling thread's namespace: blocking, closed on exec. The caller closes it. */
export function openNetlink(protocol: number = c.NETLINK_ROUTE): number {
  const fd = openSocket(c.AF_NETLINK, c.SOCK_RAW, protocol);
  try {
    setNonblocking(fd, false);
    setOption(fd, c.SOL_SOCKET, c.SO_RCVTIMEO, timeval(TIMEOUT_SECONDS), 'SO_RCVTIMEO');
    // Without these two (Linux before 4.12) errors come without the kernel's words, which is all that is lost.
    trySetOption(fd, c.SOL_NETLINK, c.NETLINK_EXT_ACK, 1);
    trySetOption(fd, c.SOL_NETLINK, c.NETLINK_CAP_ACK, 1);
    bindAddress(fd, netlinkAddress());
    return fd;
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

/**
 * Sends one message and collects its replies: until the acknowledgement with NLM_F_ACK, until the end of a dump with
 * NLM_F_DUMP, otherwise one.
 *
 * @param action for the error: `Cannot create veth "eth0"`
 * @returns copies of the replies with their headers, without acknowledgement and end of dump
 * @throws SystemError with the kernel's words as its remedy; EINTR when a dump changed while it was read
 */
export function request(fd: number, message: Uint8Array, action = 'Cannot complete a netlink request'): Uint8Array[] {
  const header = new DataView(message.buffer, message.byteOffset, message.byteLength);
  if (message.byteLength < layout.NLMSGHDR_BYTES || header.getUint32(0, true) !== message.byteLength) {
    throw new RangeError(`${action}: the message has ${message.byteLength} bytes and its header says otherwise`);
  }
  withPinned(message, (address) => {
    if (libc.send(fd, address, message.byteLength, 0) < 0) throw systemError(action, 'send', libc.errno());
  });
  return collect(fd, action, header);
}

function collect(fd: number, action: string, header: DataView): Uint8Array[] {
  const flags = header.getUint16(layout.NLMSGHDR_FLAGS, true);
  const sequence = header.getUint32(layout.NLMSGHDR_SEQUENCE, true);
  const isOneReply = (flags & (c.NLM_F_ACK | c.NLM_F_DUMP)) === 0;
  const memory = allocatePinned(REPLY_BYTES);
  const replies: Uint8Array[] = [];
  try {
    for (;;) {
      const byteLength = receive(fd, action, memory.address);
      for (const reply of messagesIn(memory.bytes.slice(0, byteLength))) {
        if (sequenceOf(reply) !== sequence) continue;
        if (isEnd(action, reply)) return replies;
        replies.push(reply);
        if (isOneReply) return replies;
      }
    }
  } finally {
    freePinned(memory);
  }
}

function receive(fd: number, action: string, address: number): number {
  // With MSG_TRUNC the result is the real length, also of what did not fit.
  const byteLength = libc.recv(fd, address, REPLY_BYTES, c.MSG_TRUNC);
  if (byteLength < 0) throw systemError(action, 'recv', libc.errno());
  if (byteLength > REPLY_BYTES) throw systemError(action, 'recv', ERRNO.EMSGSIZE);
  return byteLength;
}

function* messagesIn(bytes: Uint8Array): Generator<Uint8Array> {
  const view = viewOf(bytes);
  for (let at = 0; at + layout.NLMSGHDR_BYTES <= bytes.byteLength; ) {
    const length = view.getUint32(at + layout.NLMSGHDR_LENGTH, true);
    if (length < layout.NLMSGHDR_BYTES || at + length > bytes.byteLength) return;
    yield bytes.subarray(at, at + length);
    at += align4(length);
  }
}

function sequenceOf(reply: Uint8Array): number {
  return viewOf(reply).getUint32(layout.NLMSGHDR_SEQUENCE, true);
}

/** Whether `reply` is the acknowledgement or the end of the dump; throws when it is an error. */
function isEnd(action: string, reply: Uint8Array): boolean {
  const view = viewOf(reply);
  const type = view.getUint16(layout.NLMSGHDR_TYPE, true);
  if ((view.getUint16(layout.NLMSGHDR_FLAGS, true) & c.NLM_F_DUMP_INTR) !== 0) {
    throw systemError(action, 'netlink', ERRNO.EINTR, 'the dump changed while it was read; ask again');
  }
  if (type !== c.NLMSG_ERROR && type !== c.NLMSG_DONE) return false;
  if (reply.byteLength < layout.NLMSGHDR_BYTES + 4) return true;
  const errno = -view.getInt32(layout.NLMSGHDR_BYTES + layout.NLMSGERR_ERROR, true);
  if (errno === 0) return true;
  const words = type === c.NLMSG_ERROR ? kernelWords(reply) : undefined;
  const right = missingRight(errno, 'CAP_NET_ADMIN');
  const remedy = [right, words === undefined ? undefined : `the kernel says "${words}"`];
  throw systemError(action, 'netlink', errno, remedy.filter((part) => part !== undefined).join('; ') || undefined);
}

/**
 * The text of an extended acknowledgement:
 *
 *     | nlmsghdr 16 | error 4 | the request's nlmsghdr 16 | its payload unless NLM_F_CAPPED | nlattr … |
 */
function kernelWords(reply: Uint8Array): string | undefined {
  const view = viewOf(reply);
  const flags = view.getUint16(layout.NLMSGHDR_FLAGS, true);
  if ((flags & c.NLM_F_ACK_TLVS) === 0) return undefined;
  const requestAt = layout.NLMSGHDR_BYTES + layout.NLMSGERR_REQUEST;
  const isCapped = (flags & c.NLM_F_CAPPED) !== 0;
  const requestBytes = isCapped ? layout.NLMSGHDR_BYTES : view.getUint32(requestAt, true);
  for (let at = requestAt + align4(requestBytes); at + layout.NLATTR_BYTES <= reply.byteLength; ) {
    const length = view.getUint16(at + layout.NLATTR_LENGTH, true);
    if (length < layout.NLATTR_BYTES) return undefined;
    if (view.getUint16(at + layout.NLATTR_TYPE, true) === c.NLMSGERR_ATTR_MSG) {
      return Buffer.from(reply.subarray(at + layout.NLATTR_BYTES, at + length - 1)).toString('utf8');
    }
    at += align4(length);
  }
  return undefined;
}

function netlinkAddress(): Uint8Array {
  const address = new Uint8Array(layout.SOCKADDR_NL_BYTES);
  new DataView(address.buffer).setUint16(layout.SOCKADDR_NL_FAMILY, c.AF_NETLINK, true);
  return address;
}

/** struct timeval: | seconds i64 | microseconds i64 | */
function timeval(seconds: number): Uint8Array {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, seconds, true);
  return bytes;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** NLMSG_ALIGN and NLA_ALIGN. */
function align4(length: number): number {
  return (length + 3) & ~3;
}
