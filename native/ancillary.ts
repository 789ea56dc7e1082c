/**
 * Passing descriptors over unix(7) sockets: SCM_RIGHTS, cmsg(3).
 *
 *     msghdr ──> iovec ──> data, at least one byte
 *        '-----> | cmsghdr: len, SOL_SOCKET, SCM_RIGHTS | fd i32 | fd i32 | … |
 *
 * @packageDocumentation
 */

import { LinkpointError } from '../errors.ts';
import { MSG_CMSG_CLOEXEC, MSG_CTRUNC, MSG_NOSIGNAL, SCM_RIGHTS, SOL_SOCKET } from './constants.ts';
import { ERRNO, systemError } from './errno.ts';
import { closeFd } from './fd.ts';
import * as layout from './layout.ts';
import * as libc from './libc.ts';
import { allocatePinned, freePinned, type PinnedBuffer } from './memory.ts';

/** SCM_MAX_FD, unix(7): descriptors per message. */
export const MAX_FDS_PER_MESSAGE = 253;

const FD_BYTES = 4;

/** What {@link receiveFds} got. Both empty: the peer closed (or sent an empty message). */
export interface ReceivedFds {
  /** Descriptors of this process, closed on exec. The caller closes them. */
  readonly fds: number[];
  /** The bytes that came with them. */
  readonly data: Uint8Array;
}

/** One message: | msghdr | iovec | cmsghdr and fds | data |, pinned while it is under way. */
interface Message {
  readonly memory: PinnedBuffer;
  readonly controlAt: number;
  readonly dataAt: number;
}

/**
 * Sends copies of `fds` with `data` (one zero byte by default: a stream carries no descriptors without data). They can
 * be closed here afterwards.
 *
 * @throws SystemError EAGAIN when the socket is non-blocking and its queue is full
 */
export function sendFds(socketFd: number, fds: readonly number[], data: Uint8Array = new Uint8Array(1)): void {
  checkFdCount(`Cannot send ${fds.length} descriptors over fd ${socketFd}`, fds.length);
  const message = makeMessage(fds.length, data.byteLength);
  const { memory, controlAt, dataAt } = message;
  try {
    const { view } = memory;
    view.setUint32(controlAt + layout.CMSGHDR_LENGTH, layout.CMSGHDR_BYTES + fds.length * FD_BYTES, true);
    view.setInt32(controlAt + layout.CMSGHDR_LEVEL, SOL_SOCKET, true);
    view.setInt32(controlAt + layout.CMSGHDR_TYPE, SCM_RIGHTS, true);
    fds.forEach((fd, index) => view.setInt32(controlAt + layout.CMSGHDR_BYTES + index * FD_BYTES, fd, true));
    memory.bytes.set(data, dataAt);
    if (libc.sendmsg(socketFd, memory.address, MSG_NOSIGNAL) >= 0) return;
    throw systemError(`Cannot send descriptors ${fds.join(', ')} over fd ${socketFd}`, 'sendmsg', libc.errno());
  } finally {
    freePinned(memory);
  }
}

/**
 * Receives one message with up to `maxFds` descriptors and `dataBytes` bytes; `null` when the socket is non-blocking
 * and nothing is there.
 *
 * @throws LinkpointError `ERR_ANCILLARY_TRUNCATED` when more descriptors came than `maxFds`, or than this process may
 * open; the ones that came are closed.
 */
export function receiveFds(socketFd: number, maxFds: number, dataBytes = 1): ReceivedFds | null {
  checkFdCount(`Cannot receive ${maxFds} descriptors over fd ${socketFd}`, maxFds);
  const message = makeMessage(maxFds, dataBytes);
  try {
    const count = libc.recvmsg(socketFd, message.memory.address, MSG_CMSG_CLOEXEC);
    if (count < 0) {
      const errno = libc.errno();
      if (errno === ERRNO.EAGAIN) return null;
      throw systemError(`Cannot receive descriptors over fd ${socketFd}`, 'recvmsg', errno);
    }
    const fds = receivedFds(message);
    if ((message.memory.view.getInt32(layout.MSGHDR_FLAGS, true) & MSG_CTRUNC) !== 0) {
      fds.forEach(closeFd);
      throw new LinkpointError(
        'ERR_ANCILLARY_TRUNCATED',
        `Cannot receive descriptors over fd ${socketFd}: more than ${fds.length} were sent or can be opened; ` +
          'a larger maxFds or open file limit is required',
      );
    }
    return { fds, data: message.memory.bytes.slice(message.dataAt, message.dataAt + count) };
  } finally {
    freePinned(message.memory);
  }
}

function makeMessage(fdCount: number, dataBytes: number): Message {
  const iovecAt = layout.MSGHDR_BYTES;
  const controlAt = iovecAt + layout.IOVEC_BYTES;
  const controlBytes = layout.CMSGHDR_BYTES + fdCount * FD_BYTES;
  const dataAt = controlAt + Math.ceil(controlBytes / layout.CMSGHDR_ALIGNMENT) * layout.CMSGHDR_ALIGNMENT;
  const memory = allocatePinned(dataAt + dataBytes);
  const { view, address } = memory;
  view.setBigUint64(layout.MSGHDR_IOVEC, BigInt(address + iovecAt), true);
  view.setUint32(layout.MSGHDR_IOVEC_COUNT, 1, true);
  view.setBigUint64(layout.MSGHDR_CONTROL, BigInt(address + controlAt), true);
  // Not rounded up: the kernel would put one more descriptor into the padding.
  view.setUint32(layout.MSGHDR_CONTROL_LENGTH, fdCount === 0 ? 0 : controlBytes, true);
  view.setBigUint64(iovecAt + layout.IOVEC_BASE, BigInt(address + dataAt), true);
  view.setUint32(iovecAt + layout.IOVEC_LENGTH, dataBytes, true);
  return { memory, controlAt, dataAt };
}

/** Descriptors of the first control message, the only one that fits. */
function receivedFds({ memory, controlAt }: Message): number[] {
  const { view } = memory;
  if (view.getUint32(layout.MSGHDR_CONTROL_LENGTH, true) < layout.CMSGHDR_BYTES) return [];
  const isRights =
    view.getInt32(controlAt + layout.CMSGHDR_LEVEL, true) === SOL_SOCKET &&
    view.getInt32(controlAt + layout.CMSGHDR_TYPE, true) === SCM_RIGHTS;
  if (!isRights) return [];
  const fdBytes = view.getUint32(controlAt + layout.CMSGHDR_LENGTH, true) - layout.CMSGHDR_BYTES;
  return Array.from({ length: fdBytes / FD_BYTES }, (_, index) =>
    view.getInt32(controlAt + layout.CMSGHDR_BYTES + index * FD_BYTES, true),
  );
}

function checkFdCount(action: string, count: number): void {
  if (Number.isInteger(count) && count >= 0 && count <= MAX_FDS_PER_MESSAGE) return;
  throw new RangeError(`${action}: 0 to ${MAX_FDS_PER_MESSAGE} fit into one message`);
}
