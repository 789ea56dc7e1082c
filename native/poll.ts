/**
 * Blocking waits with poll(2), and the eventfd(2) that ends them. For worker threads; the event loop's own way to wait
 * is readiness.ts.
 *
 * @packageDocumentation
 */

import { EFD_CLOEXEC, EFD_NONBLOCK } from './constants.ts';
import { systemError } from './errno.ts';
import * as layout from './layout.ts';
import * as libc from './libc.ts';
import { allocatePinned, freePinned, type PinnedBuffer } from './memory.ts';

const single = allocatePinned(layout.POLLFD_BYTES);
const counter = allocatePinned(8);
const one = allocatePinned(8);
one.words[0] = 1;

/**
 * A fixed set of descriptors to wait for.
 *
 *     | fd i32 | events i16 | revents i16 | fd … |      struct pollfd, pinned
 */
export class PollSet {
  readonly count: number;
  readonly #memory: PinnedBuffer;
  readonly #view: DataView;
  #address: number;

  /** @param events POLLIN, POLLOUT, POLLRDHUP per descriptor; POLLERR, POLLHUP and POLLNVAL are always told. */
  constructor(fds: readonly number[], events: readonly number[]) {
    if (fds.length === 0 || fds.length !== events.length) {
      throw new RangeError(`Cannot make a poll set: there are ${fds.length} fds and ${events.length} event masks`);
    }
    this.count = fds.length;
    this.#memory = allocatePinned(fds.length * layout.POLLFD_BYTES);
    this.#view = this.#memory.view;
    this.#address = this.#memory.address;
    fds.forEach((fd, index) => {
      this.#view.setInt32(index * layout.POLLFD_BYTES + layout.POLLFD_FD, fd, true);
      this.setEvents(index, events[index]!);
    });
  }

  /**
   * poll(2): descriptors that are ready, 0 after the timeout, or -errno (-EINTR is usual). Blocks the thread.
   *
   * @param timeoutMilliseconds -1 waits forever, 0 does not wait
   */
  wait(timeoutMilliseconds: number): number {
    const ready = libc.poll(this.#address, this.count, timeoutMilliseconds);
    return ready < 0 ? -libc.errno() : ready;
  }

  /** Events of descriptor `index` that the last `wait` found. */
  returned(index: number): number {
    return this.#view.getInt16(index * layout.POLLFD_BYTES + layout.POLLFD_REVENTS, true);
  }

  /** What to wait for on descriptor `index` from the next `wait` on. */
  setEvents(index: number, events: number): void {
    this.#view.setInt16(index * layout.POLLFD_BYTES + layout.POLLFD_EVENTS, events, true);
  }

  /** Gives up the memory; `wait` answers -EFAULT afterwards. Idempotent. */
  close(): void {
    if (this.#address === 0) return;
    this.#address = 0;
    freePinned(this.#memory);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** poll(2) of one descriptor without waiting: the events that are there (0 for none), or -errno. */
export function pollNow(fd: number, events: number): number {
  single.view.setInt32(layout.POLLFD_FD, fd, true);
  single.view.setInt16(layout.POLLFD_EVENTS, events, true);
  const ready = libc.poll(single.address, 1, 0);
  if (ready < 0) return -libc.errno();
  return ready === 0 ? 0 : single.view.getInt16(layout.POLLFD_REVENTS, true);
}

/** eventfd(2): a counter to wake a poll with, non-blocking and closed on exec. The caller closes it. */
export function createEventFd(): number {
  const fd = libc.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) throw systemError('Cannot create an eventfd', 'eventfd', libc.errno());
  return fd;
}

/** Adds 1 to the counter, which makes it readable: 0, or -errno (-EAGAIN: it is full, hence readable all the same). */
export function signalEventFd(fd: number): number {
  return libc.write(fd, one.address, 8) < 0 ? -libc.errno() : 0;
}

/** Sets the counter to 0; whether it was above 0. */
export function drainEventFd(fd: number): boolean {
  return libc.read(fd, counter.address, 8) === 8;
}
