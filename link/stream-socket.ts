/**
 * Stream sockets for endpoints: connected, or listening. Not node:net's, for a net.Socket keeps its descriptor to
 * itself and copies every chunk.
 */

import { SystemError } from '../errors.ts';
import * as c from '../native/constants.ts';
import { ERRNO, systemError } from '../native/errno.ts';
import { closeFd } from '../native/fd.ts';
import { Readiness } from '../native/readiness.ts';
import { bindAddress, connectAddress, getOption, listen, openSocket, setOption } from '../native/socket.ts';
import { formatStreamAddress, resolveStreamAddress, type SocketAddress, type StreamAddress } from './stream-address.ts';

/** Waits that can be given up. */
export interface WaitOptions {
  /** Gives up: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * A connected, non-blocking stream socket; a name is tried address by address. The caller closes it.
 * @throws SystemError ENOENT, ECONNREFUSED, ... of the last address
 */
export async function connectStream(address: StreamAddress, options: WaitOptions = {}): Promise<number> {
  const { signal } = options;
  signal?.throwIfAborted();
  const action = `Cannot connect to "${formatStreamAddress(address)}"`;
  let failure: unknown;
  for (const candidate of await resolveStreamAddress(address)) {
    signal?.throwIfAborted();
    try {
      return await connectOne(action, candidate, signal);
    } catch (error) {
      if (signal?.aborted === true) throw error;
      failure = error;
    }
  }
  throw failure;
}

/**
 * A listening, non-blocking stream socket. The caller closes it, and removes the path.
 * @throws SystemError EADDRINUSE, EACCES, ...
 */
export async function listenStream(address: StreamAddress, backlog: number): Promise<number> {
  const action = `Cannot listen at "${formatStreamAddress(address)}"`;
  const [first] = (await resolveStreamAddress(address)) as [SocketAddress];
  return withSocket(first, (fd) => {
    if (first.domain !== c.AF_UNIX) setOption(fd, c.SOL_SOCKET, c.SO_REUSEADDR, 1, 'SO_REUSEADDR');
    explain(action, () => {
      bindAddress(fd, first.bytes);
      listen(fd, backlog);
    });
    return fd;
  });
}

/** Small frames go at once; a unix(7) socket always works so. */
export function disableNagle(fd: number): void {
  if (getOption(fd, c.SOL_SOCKET, c.SO_DOMAIN, 'SO_DOMAIN') === c.AF_UNIX) return;
  setOption(fd, c.SOL_TCP, c.TCP_NODELAY, 1, 'TCP_NODELAY');
}

/** Resolves when `fd` is readable or writable, or has failed. */
export function untilReady(fd: number, event: 'readable' | 'writable', signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      readiness.close();
      signal?.removeEventListener('abort', onAbort);
      finish();
    };
    const onAbort = (): void => settle(() => reject(signal?.reason));
    const readiness = Readiness.watch(fd, { [event]: true }, () => settle(resolve));
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

async function connectOne(action: string, address: SocketAddress, signal: AbortSignal | undefined): Promise<number> {
  const fd = openSocket(address.domain, c.SOCK_STREAM, 0);
  try {
    if (!explain(action, () => connectAddress(fd, address.bytes))) await untilConnected(action, fd, signal);
    disableNagle(fd);
    return fd;
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

async function untilConnected(action: string, fd: number, signal: AbortSignal | undefined): Promise<void> {
  await untilReady(fd, 'writable', signal);
  const errno = getOption(fd, c.SOL_SOCKET, c.SO_ERROR, 'SO_ERROR');
  if (errno !== 0) throw systemError(action, 'connect', errno, remedyOf(errno));
}

function withSocket(address: SocketAddress, use: (fd: number) => number): number {
  const fd = openSocket(address.domain, c.SOCK_STREAM, 0);
  try {
    return use(fd);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

/** Says of a failed call which address it was about, and what to do. */
function explain<T>(action: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw systemError(action, error.syscall, error.errno, remedyOf(error.errno));
  }
}

function remedyOf(errno: number): string | undefined {
  switch (errno) {
    case ERRNO.ENOENT:
    case ERRNO.ECONNREFUSED:
      return 'a listener is required there, such as passt or QEMU with server=on';
    case ERRNO.EADDRINUSE:
      return 'another one listens there, or left its socket file behind: stop it, or remove the file';
    case ERRNO.EACCES:
      return 'write access to the socket, and to the folder for listening, is required';
    case ERRNO.EAGAIN:
      return "the listener's backlog is full: try again";
    default:
      return undefined;
  }
}
