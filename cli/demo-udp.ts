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
  inet4Address,
  inet6Address,
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
import { ExchangeDriver } from './demo-drive.ts';
import type { Exchange, Sending } from './demo-exchange.ts';

/** Longest UDP datagram. */
const RECEIVE_BYTES = 65_536;
/** More than an ordinary user gets: net.core.rmem_max caps it. */
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
  readonly #driver: ExchangeDriver;
  readonly #patternAddress: number;
  readonly #received = allocatePinned(RECEIVE_BYTES);
  #readiness: Readiness | null = null;
  #segmentBytes = 0;

  constructor(address: number | Uint8Array, exchange: Exchange) {
    this.#exchange = exchange;
    this.#driver = new ExchangeDriver(exchange, (sending) => this.#trySend(sending));
    const isIpv4 = typeof address === 'number';
    this.#fd = openSocket(isIpv4 ? c.AF_INET : c.AF_INET6, c.SOCK_DGRAM, 0);
    this.#patternAddress = pin(exchange.pattern);
    setBufferSizes(this.#fd, { receive: RECEIVE_BUFFER_BYTES, force: true });
    connectAddress(this.#fd, isIpv4 ? inet4Address(address, ECHO_PORT) : inet6Address(address, ECHO_PORT));
  }

  async run(): Promise<void> {
    this.#readiness = Readiness.watch(this.#fd, { readable: true }, () => this.#receive());
    await this.#driver.run();
  }

  close(): void {
    this.#readiness?.close();
    closeFd(this.#fd);
    unpin(this.#exchange.pattern);
    freePinned(this.#received);
  }

  #receive(): void {
    let length = read(this.#fd, this.#received.address, RECEIVE_BYTES);
    for (; length >= 0; length = read(this.#fd, this.#received.address, RECEIVE_BYTES)) {
      this.#exchange.answer(this.#received.bytes.subarray(0, length));
    }
    if (length === -ERRNO.EAGAIN) this.#driver.step();
    else this.#driver.fail(systemError('Cannot read an echo over UDP', 'read', -length));
  }

  #trySend(sending: Sending): boolean {
    this.#setSegmentBytes(sending.segmentBytes);
    const sent = write(this.#fd, this.#patternAddress + sending.at, sending.bytes);
    if (sent >= 0) return true;
    if (sent === -ERRNO.EAGAIN || sent === -ERRNO.ENOBUFS) return false;
    throw systemError(`Cannot send ${sending.bytes} bytes over UDP`, 'write', -sent);
  }

  #setSegmentBytes(bytes: number): void {
    if (bytes === this.#segmentBytes) return;
    setOption(this.#fd, c.SOL_UDP, c.UDP_SEGMENT, bytes, 'UDP_SEGMENT');
    this.#segmentBytes = bytes;
  }
}
