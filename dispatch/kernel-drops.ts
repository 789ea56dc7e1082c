/** PACKET_STATISTICS of one AF_PACKET socket, accumulated: reading it resets it, so one owner reads it and nobody else. */

import { readPacketStatistics, STATISTICS_DROPS } from '../native/packet-socket.ts';
import { Counter, type StatisticsBlock } from '../stack/statistics.ts';

/** Adds the kernel's drops since the last call to the `kernelDrops` counter. */
export class KernelDrops {
  readonly #fd: number;
  readonly #counters: StatisticsBlock;
  readonly #counts = new Int32Array(3);

  constructor(fd: number, counters: StatisticsBlock) {
    this.#fd = fd;
    this.#counters = counters;
  }

  /** One getsockopt(2). A socket that is gone adds nothing. */
  collect(): void {
    if (readPacketStatistics(this.#fd, this.#counts) < 0) return;
    this.#counters.add(Counter.kernelDrops, (this.#counts[STATISTICS_DROPS] as number) >>> 0);
  }
}
