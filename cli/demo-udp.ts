/**
 * The kernel's side of the UDP exchange: a socket of the namespace sends by an exchange's plan and reads the echoes.
 *
 * Super-sends use UDP_SEGMENT (udp(7)): one write(2), which the kernel hands down as one super-packet where the link
 * takes that, and cuts itself where it does not.
 */

import {
  allocatePinned,
  closeFd,
  connectAddress,
  constants as c,
  ERRNO,
  freePinned,
  inetAddress,
  openSocket,
  pin,
  read,
  Readiness,
  setBufferSizes,
  setOption,
  systemError,
  unpin,
  write,
} from '../native/index.ts';
import { ECHO_PORT } from './demo-addresses.ts';
import type { Exchange, Sending } from './demo-exchange.ts';

/** Without an answer for so long, what is outstanding is lost. */
const STALL_MILLISECONDS = 3000;
/** How soon a send is tried again when the socket's queue is full and nothing is outstanding. */
const RETRY_MILLISECONDS = 2;
/** Longest UDP datagram. */
const RECEIVE_BYTES = 65_536;
/** As much as an ordinary user gets (net.core.rmem_max caps it). */
const RECEIVE_BUFFER_BYTES = 1 << 20;

/** Runs the whole exchange with port 7 of `address`; resolves when it is done or stalls, rejects when a call fails. */
export async function exchangeUdp(address: number | Uint8Array, exchange: Exchange): Promise<void> {
  const client = new UdpClient(address, exchange);
  try {
    await client.run();
  } finally {
    client.close();
  }
}

class UdpClient {
  readonly #fd: number;
  readonly #exchange: Exchange;
  readonly #patternAddress: number;
  readonly #received = allocatePinned(RECEIVE_BYTES);
  #readiness: Readiness | null = null;
  #segmentBytes = 0;
  #progress = 0;

  constructor(address: number | Uint8Array, exchange: Exchange) {
    this.#exchange = exchange;
    this.#fd = openSocket(typeof address === 'number' ? c.AF_INET : c.AF_INET6, c.SOCK_DGRAM, 0);
    this.#patternAddress = pin(exchange.pattern);
    setBufferSizes(this.#fd, { receive: RECEIVE_BUFFER_BYTES, force: true });
    connectAddress(this.#fd, inetAddress(address, ECHO_PORT));
  }

  async run(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      const step = (): void => {
        try {
          this.#receive();
          this.#send();
          if (this.#exchange.isDone) resolve();
        } catch (error) {
          reject(error as Error);
        }
      };
      this.#readiness = Readiness.watch(this.#fd, { readable: true }, step);
      timer = this.#watchStall(step, resolve);
      step();
    }).finally(() => clearInterval(timer));
  }

  close(): void {
    this.#readiness?.close();
    closeFd(this.#fd);
    unpin(this.#exchange.pattern);
    freePinned(this.#received);
  }

  /** Also tries again to send: a full queue that holds nothing of ours wakes nobody. */
  #watchStall(step: () => void, resolve: () => void): NodeJS.Timeout {
    let seen = -1;
    let since = performance.now();
    return setInterval(() => {
      step();
      if (seen !== this.#progress) {
        seen = this.#progress;
        since = performance.now();
      } else if (performance.now() - since > STALL_MILLISECONDS) resolve();
    }, RETRY_MILLISECONDS);
  }

  #receive(): void {
    for (;;) {
      const length = read(this.#fd, this.#received.address, RECEIVE_BYTES);
      if (length === -ERRNO.EAGAIN) return;
      if (length < 0) throw systemError('Cannot read an echo over UDP', 'read', -length);
      this.#progress++;
      this.#exchange.answer(this.#received.bytes.subarray(0, length));
    }
  }

  #send(): void {
    for (let sending = this.#exchange.next(); sending !== null; sending = this.#exchange.next()) {
      this.#setSegmentBytes(sending.segmentBytes);
      const sentAt = performance.now();
      const sent = write(this.#fd, this.#patternAddress + sending.at, sending.bytes);
      if (sent === -ERRNO.EAGAIN || sent === -ERRNO.ENOBUFS) return;
      if (sent < 0) throw systemError(`Cannot ${describe(sending)} over UDP`, 'write', -sent);
      this.#exchange.committed(sending, sentAt);
    }
  }

  #setSegmentBytes(bytes: number): void {
    if (bytes === this.#segmentBytes) return;
    setOption(this.#fd, c.SOL_UDP, c.UDP_SEGMENT, bytes, 'UDP_SEGMENT');
    this.#segmentBytes = bytes;
  }
}

function describe({ bytes, segmentBytes }: Sending): string {
  return segmentBytes === 0 ? `send ${bytes} bytes` : `send ${bytes} bytes in segments of ${segmentBytes}`;
}
