/**
 * Connections of QEMU streams, in both directions. Nothing listens unless `listenQemuStream` is called.
 *
 *     QEMU -netdev stream,server=off,addr.type=unix,addr.path=P ──► listenQemuStream({ path: P })
 *     QEMU -netdev stream,server=on,...    passt --socket P     ◄── connectQemuStream({ path: P })
 */

import { unlinkSync } from 'node:fs';

import { LinkClosedError } from '../errors.ts';
import { ERRNO, systemError } from '../native/errno.ts';
import { closeFd } from '../native/fd.ts';
import { boundPort } from '../native/inet-address.ts';
import { accept } from '../native/socket.ts';
import { openQemuStream, type QemuStreamEndpoint, type QemuStreamOptions } from './qemu-stream.ts';
import { formatStreamAddress, type StreamAddress } from './stream-address.ts';
import { connectStream, disableNagle, listenStream, untilReady, type WaitOptions } from './stream-socket.ts';

/** Options of `connectQemuStream`: an address, those of the endpoint, and a signal. */
export type ConnectQemuStreamOptions = StreamAddress & QemuStreamOptions & WaitOptions;

/** Options of `listenQemuStream`: an address, and those of every endpoint. */
export type ListenQemuStreamOptions = StreamAddress &
  QemuStreamOptions & {
    /** Guests that wait in the kernel at most. Default 16. */
    readonly backlog?: number;
  };

const DEFAULT_BACKLOG = 16;
/** Wait before the next accept(2) when the process has no descriptor left. */
const ACCEPT_PAUSE_MILLISECONDS = 100;

/**
 * Connects to a listener: passt, or QEMU with server=on. The endpoint owns the connection.
 *
 * @throws SystemError naming the address and the remedy
 * @throws the signal's reason
 */
export async function connectQemuStream(options: ConnectQemuStreamOptions): Promise<QemuStreamEndpoint> {
  return openOwned(await connectStream(options, options), options);
}

/**
 * Listens for guests. They are accepted one by one, when asked for: until then they wait in the kernel.
 *
 * @throws SystemError EADDRINUSE, EACCES naming the remedy
 */
export async function listenQemuStream(options: ListenQemuStreamOptions): Promise<QemuStreamServer> {
  return new QemuStreamServer(await listenStream(options, options.backlog ?? DEFAULT_BACKLOG), options);
}

/**
 * A listening socket: every connection is an endpoint of its own, which outlives the server.
 *
 * @example
 * ```ts
 * await using server = await listenQemuStream({ path: '/run/guest.sock' });
 * for await (const endpoint of server) endpoint.attach(dispatcher);
 * ```
 */
export class QemuStreamServer implements AsyncDisposable, AsyncIterable<QemuStreamEndpoint> {
  /** The port that the kernel gave, or 0 for a unix socket. */
  readonly port: number;
  readonly #fd: number;
  readonly #options: ListenQemuStreamOptions;
  readonly #action: string;
  readonly #closing = new AbortController();
  /** The end of the line of those who wait: one watches the socket at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(fd: number, options: ListenQemuStreamOptions) {
    this.#fd = fd;
    this.#options = options;
    this.#action = `Cannot accept at "${formatStreamAddress(options)}"`;
    this.port = options.path === undefined ? boundPort(fd) : 0;
  }

  /** `close()` was called. */
  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /**
   * The next guest. Those who wait are served in order. Keeps the process alive while it waits.
   * @throws LinkClosedError when the server is closed
   * @throws the signal's reason
   */
  accept(options: WaitOptions = {}): Promise<QemuStreamEndpoint> {
    const { signal: closing } = this.#closing;
    const signal = options.signal === undefined ? closing : AbortSignal.any([closing, options.signal]);
    const accepted = untilTurn(this.#turn, signal).then(() => this.#accept(signal));
    // Whoever gives up early lets nobody past those who were there before.
    this.#turn = Promise.allSettled([this.#turn, accepted]);
    return accepted;
  }

  /** Guests, until the server is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<QemuStreamEndpoint, void, undefined> {
    while (!this.isClosed) {
      try {
        yield await this.accept();
      } catch (error) {
        if (!this.isClosed) throw error;
      }
    }
  }

  /** Listens no more and removes the path; endpoints go on. Idempotent. */
  close(): void {
    if (this.isClosed) return;
    const { path } = this.#options;
    this.#closing.abort(new LinkClosedError(this.#action, 'closed'));
    closeFd(this.#fd);
    if (path !== undefined && !path.startsWith('\0')) removeSocket(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#turn;
  }

  async #accept(signal: AbortSignal): Promise<QemuStreamEndpoint> {
    for (;;) {
      signal.throwIfAborted();
      const fd = accept(this.#fd);
      if (fd >= 0) return openOwned(fd, this.#options);
      if (fd === -ERRNO.EAGAIN) await untilReady(this.#fd, 'readable', signal);
      else if (isOutOfDescriptors(fd)) await pause(ACCEPT_PAUSE_MILLISECONDS);
      else if (!isPassing(fd)) throw systemError(this.#action, 'accept4', -fd);
    }
  }
}

/** The endpoint over a connection of ours; when an option is absurd the connection is closed. */
function openOwned(fd: number, options: QemuStreamOptions): QemuStreamEndpoint {
  try {
    disableNagle(fd);
    return openQemuStream({ ...options, fd, ownFd: true });
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

/** The connection went before it was accepted, accept(2): the next one may be there. */
function isPassing(result: number): boolean {
  return result === -ERRNO.ECONNABORTED || result === -ERRNO.EINTR || result === -ERRNO.EPROTO;
}

function isOutOfDescriptors(result: number): boolean {
  return result === -ERRNO.EMFILE || result === -ERRNO.ENFILE || result === -ERRNO.ENOBUFS || result === -ERRNO.ENOMEM;
}

/** Resolves with `turn`, or is rejected as soon as the signal aborts. */
function untilTurn(turn: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    void turn.then(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function removeSocket(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
