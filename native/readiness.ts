/**
 * Polling on the event loop: libuv's poll handle, through koffi, behind a guard.
 *
 * What the guard is for (libuv and koffi as they are, measured):
 *  - a second handle for one descriptor, and a descriptor that epoll(7) refuses, abort the process; both are typed
 *    errors here. A descriptor that Node itself polls (a net.Socket's) is invisible to us: do not hand it in;
 *  - a call on a closed handle reads a null pointer; here it does nothing;
 *  - a handle that nobody refers to is collected and its polling ends silently; here it is held until `close()`;
 *  - an exception in the callback surfaces later, from an unrelated stack; here it is thrown again by setImmediate;
 *  - koffi aborts the process when a worker thread ends (process.exit() in it, an uncaught exception) inside a callback,
 *    or before one: in workers, callbacks run in the check phase of the same loop turn, outside of koffi, and the exit of
 *    the worker closes its handles. `worker.terminate()` gives no notice: close them first;
 *  - making a handle sets O_NONBLOCK on the open file, which duplicates and other processes share.
 *
 * `disconnect` is POLLRDHUP: the peer closed or shut down its writing half. A plain POLLHUP sets what is watched of the
 * three. POLLERR (an AF_PACKET socket whose link went down) stops the handle and calls back once with a negative
 * status: `restart()` goes on.
 *
 * @packageDocumentation
 */

import { isMainThread } from 'node:worker_threads';

import { LinkpointError } from '../errors.ts';
import { isPollable } from './describe-fd.ts';
import { requireKoffi } from './koffi.ts';
import { polledFds, requireNotPolled } from './polled.ts';

/** What to wait for. What is left out is not waited for. */
export interface ReadinessEvents {
  readonly readable?: boolean;
  readonly writable?: boolean;
  readonly disconnect?: boolean;
}

/**
 * Called once per event loop turn while the descriptor is ready (level-triggered).
 *
 * @param status 0, or negative when polling was stopped by an error condition
 */
export type ReadinessCallback = (
  status: number,
  readable: boolean,
  writable: boolean,
  disconnect: boolean,
) => void;

/** What koffi really calls back with: its typings leave the status out. */
type PollListener = (status: number, events: Required<ReadinessEvents>) => void;

interface PollHandle {
  start(events: ReadinessEvents, listener: PollListener): void;
  stop(): void;
  close(): void;
  ref(): void;
  unref(): void;
}

/** Every open handle of this thread: the reference that keeps it from being collected. */
const open = new Map<number, Readiness>();

/**
 * From Node 26 on (25 was not tried), ticks and promises made in a callback of koffi's wait until JavaScript is entered
 * again, if ever. An immediate enters it, in the same turn of the event loop; scheduled before the callback, it comes
 * before those that the callback schedules.
 */
const NEEDS_ENTRY = Number.parseInt(process.versions.node, 10) >= 25;
const enter = (): void => {};

let closesOnExit = isMainThread;

function closeAll(): void {
  for (const readiness of [...open.values()]) readiness.close();
}

/**
 * One descriptor watched by this thread's event loop. It keeps the process alive unless `unref()` is called. Close it
 * before the descriptor: closeFd() refuses otherwise.
 */
export class Readiness {
  readonly fd: number;
  #handle: PollHandle | null = null;
  #events: ReadinessEvents;
  readonly #listener: PollListener;

  /**
   * Starts to watch `fd`.
   *
   * @throws LinkpointError `ERR_FD_POLLED` when this thread watches it already
   * @throws LinkpointError `ERR_FD_NOT_POLLABLE` when epoll(7) refuses it
   * @throws SystemError EBADF
   */
  static watch(fd: number, events: ReadinessEvents, callback: ReadinessCallback): Readiness {
    const action = `Cannot watch fd ${fd}`;
    const koffi = requireKoffi(action);
    requireNotPolled(action, fd);
    if (!isPollable(fd)) {
      throw new LinkpointError('ERR_FD_NOT_POLLABLE', `${action}: epoll refuses it; a socket or device is required`);
    }
    const readiness = new Readiness(fd, events, callback);
    // A handle cannot be made without being started; a start without events stops it again.
    const poll = koffi.node.poll as unknown as (
      fd: number,
      events: ReadinessEvents,
      listener: PollListener,
    ) => PollHandle;
    readiness.#handle = poll(fd, { ...events }, readiness.#listener);
    polledFds.add(fd);
    open.set(fd, readiness);
    if (!closesOnExit) process.on('exit', closeAll);
    closesOnExit = true;
    return readiness;
  }

  private constructor(fd: number, events: ReadinessEvents, callback: ReadinessCallback) {
    this.fd = fd;
    this.#events = events;
    const call = (status: number, readable: boolean, writable: boolean, disconnect: boolean): void => {
      // An event of this loop turn may still be under way when close() was called by another callback.
      if (this.#handle !== null) callback(status, readable, writable, disconnect);
    };
    this.#listener = (status, { readable, writable, disconnect }) => {
      if (!isMainThread) return void setImmediate(call, status, readable, writable, disconnect);
      if (NEEDS_ENTRY) setImmediate(enter);
      try {
        call(status, readable, writable, disconnect);
      } catch (error) {
        setImmediate(() => {
          throw error;
        });
      }
    };
  }

  /** Whether `close()` was called. */
  get isClosed(): boolean {
    return this.#handle === null;
  }

  /** Waits for these events from now on; `update({})` pauses. Does nothing once closed. */
  update(events: ReadinessEvents): void {
    this.#events = events;
    this.restart();
  }

  /** Goes on after a negative status. Does nothing once closed. */
  restart(): void {
    this.#handle?.start({ ...this.#events }, this.#listener);
  }

  /** Stops watching for good; no callback comes after it. Idempotent. The descriptor stays open. */
  close(): void {
    const handle = this.#handle;
    if (handle === null) return;
    this.#handle = null;
    handle.close();
    polledFds.delete(this.fd);
    open.delete(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Keeps the process alive, as at first. */
  ref(): void {
    this.#handle?.ref();
  }

  /** Does not keep the process alive. */
  unref(): void {
    this.#handle?.unref();
  }
}
