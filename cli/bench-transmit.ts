/** `linkpoint bench tx`: writes equal frames to an endpoint as fast as it takes them. */

import type { FdBasedEndpoint } from '../link/fd-based.ts';
import type { RunMode } from '../link/fd-based-options.ts';
import type { ClosedReason } from '../stack/link-endpoint.ts';
import type { PacketList } from '../stack/packet-list.ts';
import { makePackets } from './bench-frame.ts';
import type { FramePlan } from './bench-options.ts';
import { type BenchResult, measure, type Moment, takeMoment } from './bench-result.ts';
import { clock } from './bench-tally.ts';

const FIRST_PACKET_MILLISECONDS = 10_000;
const WARM_UP_MILLISECONDS = 300;
/** Writes per turn of the event loop: in between it sees hang-ups and timers. */
const WRITES_PER_TURN = 16;
/** How long a full link is waited for before the clock is looked at again. */
const LOOK_MILLISECONDS = 20;

/** Writes to an attached endpoint. The endpoint is the caller's to close. */
export class Transmitter {
  readonly #endpoint: FdBasedEndpoint;
  readonly #run: RunMode;
  readonly #packets: PacketList;
  #closed: ClosedReason | null = null;
  #wake: () => void = () => undefined;

  constructor(endpoint: FdBasedEndpoint, run: RunMode, plan: FramePlan) {
    this.#endpoint = endpoint;
    this.#run = run;
    this.#packets = makePackets(endpoint, plan);
    endpoint.on('drain', () => this.#wake());
    endpoint.on('closed', (reason) => {
      this.#closed = reason;
      this.#wake();
    });
  }

  /** Why the link has ended; null as long as it has not. */
  get closed(): ClosedReason | null {
    return this.#closed;
  }

  /** Warms up from the first packet that the link takes, then measures. */
  async measure(durationMilliseconds: number): Promise<BenchResult> {
    const before = this.#moment();
    await this.writeUntil(before.at + FIRST_PACKET_MILLISECONDS, () => this.#written > 0);
    const first = this.#moment();
    if (first.packets === 0) return this.#result(before, first, 0, 'whole');
    await this.writeUntil(first.at + WARM_UP_MILLISECONDS);
    const from = this.#moment();
    await this.writeUntil(from.at + durationMilliseconds);
    const to = this.#moment();
    if (to.packets > from.packets) return this.#result(from, to, to.at - from.at, 'steady');
    return this.#result(before, from, from.at - before.at, 'whole');
  }

  /** Writes until that moment, until `isEnough`, or until the link ends. */
  async writeUntil(at: number, isEnough: () => boolean = () => false): Promise<void> {
    while (this.#closed === null && clock() < at && !isEnough()) {
      if (this.#writeTurn(at)) await new Promise((resolve) => setImmediate(resolve));
      else await this.#awaitDrain();
    }
  }

  /** A turn's worth of writes; false when the link is full. A short write is no loss: all packets are alike. */
  #writeTurn(at: number): boolean {
    for (let write = 0; write < WRITES_PER_TURN && clock() < at; write++) {
      if (this.#endpoint.writePackets(this.#packets) < this.#packets.length) return false;
    }
    return true;
  }

  async #awaitDrain(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LOOK_MILLISECONDS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  get #written(): number {
    return this.#endpoint.statistics.get('transmittedPackets');
  }

  #moment(): Moment {
    const bytes = this.#endpoint.statistics.get('transmittedBytes');
    return takeMoment(this.#endpoint, 'tx', { packets: this.#written, bytes });
  }

  #result(from: Moment, to: Moment, milliseconds: number, window: BenchResult['window']): BenchResult {
    const { dispatchMode: mode } = this.#endpoint;
    return measure(from, to, milliseconds, { direction: 'tx', mode, run: this.#run, window });
  }
}
