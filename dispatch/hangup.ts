/**
 * Hang-up of a message socket, told from an empty datagram.
 *
 * Both read as zero bytes. The other side of a SEQPACKET pair is gone when three things hold: a read gave zero bytes,
 * AND poll(2) says POLLHUP or POLLRDHUP, AND nothing is queued (FIONREAD is 0). POLLHUP alone would lose frames that
 * are still queued; zero bytes alone is an empty datagram. On SOCK_DGRAM nothing tells, and nothing is guessed.
 */

import { POLLHUP, POLLRDHUP } from '../native/constants.ts';
import { bytesReadable } from '../native/io.ts';
import { pollNow } from '../native/poll.ts';

/** To be asked after a zero-length result on a connection-mode socket. Two system calls. */
export function isHungUp(fd: number): boolean {
  const events = pollNow(fd, POLLRDHUP);
  return events > 0 && (events & (POLLHUP | POLLRDHUP)) !== 0 && bytesReadable(fd) === 0;
}
