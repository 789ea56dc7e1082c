/**
 * JSON messages, and descriptors with them, between this program and its child processes: a SEQPACKET pair.
 *
 * The end of either process closes its end of the pair, which the other notices: nobody is left behind, whatever killed
 * whom.
 */

import { MAX_FDS_PER_MESSAGE, Readiness, receiveFds, sendFds } from '../native/index.ts';

const MESSAGE_BYTES = 64 * 1024;

/** One end of the conversation; `In` is what the other says, `Out` what this one does. */
export class MessageSocket<In, Out> {
  readonly fd: number;
  #readiness: Readiness | null;

  /**
   * Calls `received` for every message and once, with null, when the other end is closed.
   * @param fd a non-blocking SEQPACKET socket; it stays the caller's
   */
  constructor(fd: number, received: (message: In | null, fds: readonly number[]) => void) {
    this.fd = fd;
    this.#readiness = Readiness.watch(fd, { readable: true, disconnect: true }, () => {
      const incoming = receiveFds(fd, MAX_FDS_PER_MESSAGE, MESSAGE_BYTES);
      if (incoming === null) return;
      if (incoming.data.byteLength > 0) {
        received(JSON.parse(Buffer.from(incoming.data).toString('utf8')) as In, incoming.fds);
        return;
      }
      this.close();
      received(null, []);
    });
  }

  /** Says something; descriptors are copied to the other process. */
  send(message: Out, fds: readonly number[] = []): void {
    sendFds(this.fd, fds, Buffer.from(JSON.stringify(message)));
  }

  /** Listens no more. Idempotent. */
  close(): void {
    this.#readiness?.close();
    this.#readiness = null;
  }
}
