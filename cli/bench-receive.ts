/**
 * `linkpoint bench rx`: counts what an endpoint delivers.
 *
 *     attach ── up to 10 s ──► first packet ── 300 ms: warm-up ──► from ── duration ──► to
 *
 * A link that ends (or a queue that runs dry) before there is anything to measure is reported whole, since its first
 * packet: a finite, prefilled queue is over in milliseconds.
 */

import type { FdBasedEndpoint } from '../link/fd-based.ts';
import type { RunMode } from '../link/fd-based-options.ts';
import type { ClosedReason } from '../stack/link-endpoint.ts';
import { type BenchResult, measure, type Moment, takeMoment } from './bench-result.ts';
import { clock, CountingDispatcher, Tally } from './bench-tally.ts';

const FIRST_PACKET_MILLISECONDS = 10_000;
const WARM_UP_MILLISECONDS = 300;
/** Nothing for so long at the end: the queue has run dry, and the time is counted to its last packet. */
const DRY_MILLISECONDS = 100;
/** How often the counters are looked at: also how late the first packet may be noticed. */
const LOOK_MILLISECONDS = 1;

/** Attaches a counting dispatcher and measures; null when no packet came. The endpoint is the caller's to close. */
export class Receiver {
  readonly #endpoint: FdBasedEndpoint;
  readonly #run: RunMode;
  readonly #tally: Tally;
  #closed: ClosedReason | null = null;
  #wake: () => void = () => undefined;

  constructor(endpoint: FdBasedEndpoint, run: RunMode) {
    this.#endpoint = endpoint;
    this.#run = run;
    this.#tally = new Tally(endpoint.fds.length);
    endpoint.on('closed', (reason) => {
      this.#closed = reason;
      this.#wake();
    });
    endpoint.attach(run === 'worker' ? this.#dispatcherModule() : new CountingDispatcher(this.#tally));
  }

  /** Why the link has ended; null as long as it has not. */
  get closed(): ClosedReason | null {
    return this.#closed;
  }

  /** Frames that came, whatever became of them. */
  get hasReceived(): boolean {
    return this.#endpoint.statistics.get('receivedPackets') > 0;
  }

  /** Waits for the first packet, warms up, measures. */
  async measure(durationMilliseconds: number): Promise<BenchResult> {
    const before = await this.#awaitFirstPacket();
    const firstAt = Math.min(this.#tally.firstAt, clock());
    if (!this.hasReceived) return this.#result(before, before, 0, 'whole');
    await this.#sleepUntil(firstAt + WARM_UP_MILLISECONDS);
    const from = this.#moment();
    if (this.#closed === null) await this.#sleepUntil(from.at + durationMilliseconds);
    const to = this.#moment();
    if (to.packets > from.packets) {
      const isOver = this.#closed !== null || to.at - this.#tally.lastAt > DRY_MILLISECONDS;
      return this.#result(from, to, (isOver ? this.#tally.lastAt : to.at) - from.at, 'steady');
    }
    return this.#result(before, to, Math.max(this.#tally.lastAt - firstAt, 0), 'whole');
  }

  /**
   * The moment just before the first packet: the processor time of then, and the counters of the start, which count
   * nothing but packets. (A worker may be in the middle of its first batch when we look.)
   */
  async #awaitFirstPacket(): Promise<Moment> {
    const started = this.#moment();
    let { cpu } = started;
    while (!this.hasReceived && this.#closed === null && clock() < started.at + FIRST_PACKET_MILLISECONDS) {
      cpu = process.cpuUsage();
      await this.#sleepUntil(clock() + LOOK_MILLISECONDS);
    }
    return { ...started, cpu };
  }

  #moment(): Moment {
    return takeMoment(this.#endpoint, 'rx', this.#tally.count());
  }

  #result(from: Moment, to: Moment, milliseconds: number, window: BenchResult['window']): BenchResult {
    const { dispatchMode: mode } = this.#endpoint;
    return measure(from, to, milliseconds, { direction: 'rx', mode, run: this.#run, window });
  }

  /** Until then, or until the link ends. */
  async #sleepUntil(at: number): Promise<void> {
    if (this.#closed !== null) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, at - clock()));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #dispatcherModule(): { module: URL; data: SharedArrayBuffer } {
    return { module: new URL('./bench-counting-dispatcher.js', import.meta.url), data: this.#tally.buffer };
  }
}
