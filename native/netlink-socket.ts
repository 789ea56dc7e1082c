/**
 * A netlink socket, netlink(7): one request, all its replies. What the bytes mean is the caller's matter.
 *
 *     | nlmsghdr 16: len, type, flags, seq, pid | payload … | nlmsghdr … |
 *
 * @packageDocumentation
 */

import { NetlinkMessageError, type NetlinkError } from '../errors.ts';
import * as c from './constants.ts';
import { ERRNO, systemError } from './errno.ts';
import { closeFd, setNonblocking } from './fd.ts';
import * as layout from './layout.ts';
import * as libc from './libc.ts';
import { allocatePinned, type PinnedBuffer, withPinned } from './memory.ts';
import { align4, netlinkError, sequenceOf, splitMessages, typeOf, viewOf } from './netlink-message.ts';
import { bindAddress, openSocket, setOption, trySetOption } from './socket.ts';

/** The kernel fills at most 32 KiB per read of a dump; twice that never truncates. */
const REPLY_BYTES = 64 * 1024;

/** The kernel answers within the call; this bounds the wait if a reply was lost (ENOBUFS). */
const TIMEOUT_SECONDS = 5;

/** Most bytes that notifications may wait in. */
const NOTIFICATION_BUFFER_BYTES = 1 << 20;

/** How an error is to name the request. */
export interface RequestNames {
  /** Such as `RTM_NEWLINK`. Default `netlink`. */
  readonly syscall?: string;
}

/** Opens an rtnetlink(7) socket in the calling thread's namespace: blocking, closed on exec. The caller closes it. */
export function openNetlink(protocol: number = c.NETLINK_ROUTE): number {
  return open(protocol, 0, (fd) => {
    setNonblocking(fd, false);
    setOption(fd, c.SOL_SOCKET, c.SO_RCVTIMEO, timeval(TIMEOUT_SECONDS), 'SO_RCVTIMEO');
    // Older kernels (these came with 4.12, 4.12 and 4.20) lack the words, and take a wrong dump request for another.
    trySetOption(fd, c.SOL_NETLINK, c.NETLINK_EXT_ACK, 1);
    trySetOption(fd, c.SOL_NETLINK, c.NETLINK_CAP_ACK, 1);
    trySetOption(fd, c.SOL_NETLINK, c.NETLINK_GET_STRICT_CHK, 1);
  });
}

/**
 * Opens an rtnetlink(7) socket that gets notifications: non-blocking, closed on exec. The caller closes it.
 * @param groups bits of sockaddr_nl: group n of RTNLGRP_… is bit n - 1
 */
export function openNetlinkGroups(groups: number, protocol: number = c.NETLINK_ROUTE): number {
  return open(protocol, groups, (fd) => {
    // Some hundred changes come in one go; what does not fit is ENOBUFS.
    trySetOption(fd, c.SOL_SOCKET, c.SO_RCVBUFFORCE, NOTIFICATION_BUFFER_BYTES);
  });
}

/** The socket's port id, which the kernel's replies carry; 0 for what is no netlink socket. */
export function netlinkPort(fd: number): number {
  const { view, address } = (scratch ??= allocateScratch());
  view.setUint32(NAME_LENGTH, layout.SOCKADDR_NL_BYTES, true);
  if (libc.getsockname(fd, address + NAME, address + NAME_LENGTH) < 0) {
    throw systemError(`Cannot read the address of fd ${fd}`, 'getsockname', libc.errno());
  }
  const isNetlink = view.getUint16(NAME + layout.SOCKADDR_NL_FAMILY, true) === c.AF_NETLINK;
  return isNetlink ? view.getUint32(NAME + layout.SOCKADDR_NL_PID, true) : 0;
}

/**
 * Sends one message and collects its replies: until the acknowledgement with NLM_F_ACK, until the end of a dump with
 * NLM_F_DUMP, otherwise one. Messages of others (another sender, port id or sequence number) are skipped.
 *
 * @param action for the error: `Cannot create veth "eth0"`
 * @returns copies of the replies with their headers, without acknowledgement and end of dump
 * @throws NetlinkError with the kernel's words; EINTR, once it was read to its end, when a dump changed meanwhile
 * @throws NetlinkMessageError when a reply is malformed
 * @throws SystemError EAGAIN when no reply came for five seconds, EMSGSIZE when one was truncated
 */
export function request(
  fd: number,
  message: Uint8Array,
  action = 'Cannot complete a netlink request',
  { syscall = 'netlink' }: RequestNames = {},
): Uint8Array[] {
  const header = viewOf(message);
  if (message.byteLength < layout.NLMSGHDR_BYTES || header.getUint32(0, true) !== message.byteLength) {
    throw new RangeError(`${action}: the message has ${message.byteLength} bytes and its header says otherwise`);
  }
  withPinned(message, (address) => {
    if (libc.send(fd, address, message.byteLength, c.MSG_NOSIGNAL) < 0) {
      throw systemError(action, 'send', libc.errno());
    }
  });
  return collect(fd, header, { action, syscall });
}

/**
 * Messages of one datagram; null when the socket is non-blocking and there is none.
 * @throws NetlinkMessageError, SystemError ENOBUFS when notifications were lost
 */
export function receiveMessages(fd: number, action: string): Uint8Array[] | null {
  const datagram = receive(fd, action);
  if (datagram === null) return null;
  return datagram.isKernels ? splitMessages(action, datagram.bytes) : [];
}

function open(protocol: number, groups: number, prepare: (fd: number) => void): number {
  const fd = openSocket(c.AF_NETLINK, c.SOCK_RAW, protocol);
  try {
    prepare(fd);
    bindAddress(fd, netlinkAddress(groups));
    return fd;
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

function collect(fd: number, header: DataView, names: { action: string; syscall: string }): Uint8Array[] {
  const flags = header.getUint16(layout.NLMSGHDR_FLAGS, true);
  const sequence = header.getUint32(layout.NLMSGHDR_SEQUENCE, true);
  const isOneReply = (flags & (c.NLM_F_ACK | c.NLM_F_DUMP)) === 0;
  const port = netlinkPort(fd);
  const replies: Uint8Array[] = [];
  let interrupted = false;
  for (let deadline = inSeconds(); ; ) {
    for (const reply of awaitMessages(fd, names.action, deadline)) {
      if (sequenceOf(reply) !== sequence || viewOf(reply).getUint32(layout.NLMSGHDR_PID, true) !== port) continue;
      deadline = inSeconds();
      interrupted ||= (viewOf(reply).getUint16(layout.NLMSGHDR_FLAGS, true) & c.NLM_F_DUMP_INTR) !== 0;
      const failure = isEnd(reply) ? endOf(reply, names) : null;
      if (failure !== null && failure !== 'well') throw failure;
      if (failure === 'well' && interrupted) throw interruption(names);
      if (failure === 'well') return replies;
      if (typeOf(reply) === c.NLMSG_NOOP) continue;
      replies.push(reply);
      if (isOneReply) return replies;
    }
  }
}

/** Blocks for a datagram; what others send over and over does not put the deadline off. */
function awaitMessages(fd: number, action: string, deadline: number): Uint8Array[] {
  const messages = Date.now() > deadline ? null : receiveMessages(fd, action);
  if (messages !== null) return messages;
  throw systemError(action, 'recvmsg', ERRNO.EAGAIN, 'no reply came');
}

const inSeconds = (): number => Date.now() + TIMEOUT_SECONDS * 1000;

const isEnd = (reply: Uint8Array): boolean => typeOf(reply) === c.NLMSG_ERROR || typeOf(reply) === c.NLMSG_DONE;

function endOf(reply: Uint8Array, names: { action: string; syscall: string }): NetlinkError | 'well' {
  return netlinkError(reply, names) ?? 'well';
}

function interruption({ action, syscall }: { action: string; syscall: string }): Error {
  return systemError(action, syscall, ERRNO.EINTR, 'the dump changed while it was read; ask again');
}

// | msghdr 56 | iovec 16 | sockaddr_nl 12 | its length 4 | datagram … |
const IOVEC = layout.MSGHDR_BYTES;
const NAME = IOVEC + layout.IOVEC_BYTES;
const NAME_LENGTH = NAME + layout.SOCKADDR_NL_BYTES;
const DATA = align4(NAME_LENGTH + 4);
/** Of this thread; whoever uses it does not return to the event loop meanwhile. */
let scratch: PinnedBuffer | undefined;

function allocateScratch(): PinnedBuffer {
  const memory = allocatePinned(DATA + REPLY_BYTES);
  const { view, address } = memory;
  view.setBigUint64(layout.MSGHDR_NAME, BigInt(address + NAME), true);
  view.setBigUint64(layout.MSGHDR_IOVEC, BigInt(address + IOVEC), true);
  view.setUint32(layout.MSGHDR_IOVEC_COUNT, 1, true);
  view.setBigUint64(IOVEC + layout.IOVEC_BASE, BigInt(address + DATA), true);
  view.setUint32(IOVEC + layout.IOVEC_LENGTH, REPLY_BYTES, true);
  return memory;
}

/** One datagram, copied; null on EAGAIN. */
function receive(fd: number, action: string): { bytes: Uint8Array; isKernels: boolean } | null {
  const { view, bytes, address } = (scratch ??= allocateScratch());
  view.setUint32(layout.MSGHDR_NAME_LENGTH, layout.SOCKADDR_NL_BYTES, true);
  // With MSG_TRUNC the result is the real length, also of what did not fit.
  const byteLength = libc.recvmsg(fd, address, c.MSG_TRUNC);
  if (byteLength < 0) {
    const errno = libc.errno();
    if (errno === ERRNO.EAGAIN) return null;
    throw systemError(action, 'recvmsg', errno, errno === ERRNO.ENOBUFS ? 'messages were lost' : undefined);
  }
  if (byteLength > REPLY_BYTES) throw systemError(action, 'recvmsg', ERRNO.EMSGSIZE);
  if (byteLength === 0) throw new NetlinkMessageError(action, 'the other end is closed, or sent nothing');
  // Any process may send to our port id; the kernel's is 0. A socket without addresses (a test's) has no other sender.
  const isNamed = view.getUint32(layout.MSGHDR_NAME_LENGTH, true) >= layout.SOCKADDR_NL_BYTES;
  const sender = isNamed ? view.getUint32(NAME + layout.SOCKADDR_NL_PID, true) : 0;
  return { bytes: bytes.slice(DATA, DATA + byteLength), isKernels: sender === 0 };
}

function netlinkAddress(groups: number): Uint8Array {
  const address = new Uint8Array(layout.SOCKADDR_NL_BYTES);
  const view = viewOf(address);
  view.setUint16(layout.SOCKADDR_NL_FAMILY, c.AF_NETLINK, true);
  view.setUint32(layout.SOCKADDR_NL_GROUPS, groups, true);
  return address;
}

/** struct timeval: | seconds i64 | microseconds i64 | */
function timeval(seconds: number): Uint8Array {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, seconds, true);
  return bytes;
}
