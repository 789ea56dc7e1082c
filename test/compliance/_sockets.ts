/** The other end of a socket pair, for the compliance suite. */

import { Fd, pin, read, unpin, write } from '../../native/index.ts';

const ROOM_BYTES = 131_072;

/** A descriptor that is closed once, and the memory that it is read into. */
export class PeerSocket {
  readonly #fd: Fd;
  readonly #room = new Uint8Array(ROOM_BYTES);
  readonly #address: number = pin(this.#room);

  constructor(fd: number) {
    this.#fd = new Fd(fd, true);
  }

  /** Writes all of `bytes`; waits for room. A peer that is gone takes nothing. */
  async write(bytes: Uint8Array): Promise<void> {
    const address = pin(bytes);
    let at = 0;
    while (at < bytes.length && !this.#fd.isClosed) {
      const count = write(this.#fd.number, address + at, bytes.length - at);
      if (count < 0) await new Promise(setImmediate);
      else at += count;
    }
    unpin(bytes);
  }

  /** What can be read now: a message, or bytes of a stream; null while there is nothing, or nothing any more. */
  read(): Uint8Array | null {
    if (this.#fd.isClosed) return null;
    const count = read(this.#fd.number, this.#address, ROOM_BYTES);
    return count > 0 ? this.#room.slice(0, count) : null;
  }

  /** Idempotent. */
  close(): void {
    this.#fd.close();
    unpin(this.#room);
  }
}
