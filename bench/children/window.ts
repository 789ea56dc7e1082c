/**
 * The window that every program of the benchmark measures in; see peers/c/bench.h.
 *
 *     ready ── first packet ──► warm-up ──► measure ──► go on until nothing has come for a while ──► one line of JSON
 */

import { parseArgs } from 'node:util';

/** How often the clock is looked at, in packets. */
const TICK_PACKETS = 64;
/** No packet for so long after the window: the generator has ended. */
export const QUIET_MILLISECONDS = 100;
/** Longest wait for the first packet, and for the end of a window that gets no more packets. */
export const PATIENCE_MILLISECONDS = 3000;

interface Mark {
  readonly at: number;
  readonly packets: number;
  readonly bytes: number;
  readonly calls: number;
  readonly cpu: NodeJS.CpuUsage;
}

/** Counts packets and prints what the measured part of them cost this process, all its threads included. */
export class Window {
  packets = 0;
  bytes = 0;
  /** System calls, where the program counts them; 0 else. */
  calls = 0;
  /** Where somebody else counts them. */
  callsOf: (() => number) | null = null;
  readonly #warm: number;
  readonly #measure: number;
  #first = 0;
  #from: Mark | null = null;
  #to: Mark | null = null;

  /** @param warm milliseconds from the first packet; @param measure milliseconds */
  constructor(warm: number, measure: number) {
    this.#warm = warm;
    this.#measure = measure;
  }

  /** The measured part is over. */
  get hasEnded(): boolean {
    return this.#to !== null;
  }

  /** One packet was delivered. */
  count(byteLength: number): void {
    this.bytes += byteLength;
    if ((++this.packets & (TICK_PACKETS - 1)) === 0) this.tick();
  }

  /** Looks at the clock; to be called after each wait, too, where there is one. */
  tick(): void {
    if (this.#to !== null || this.packets === 0) return;
    const now = performance.now();
    if (this.#first === 0) this.#first = now;
    if (this.#from === null) {
      if (now - this.#first >= this.#warm) this.#from = this.#mark(now);
    } else if (now - this.#from.at >= this.#measure) this.#to = this.#mark(now);
  }

  /** Prints the result line. */
  print(): void {
    const from = this.#from;
    const to = this.#to;
    if (from === null || to === null) return printLine({ error: 'no full window', total: this.packets });
    printLine({
      packets: to.packets - from.packets,
      bytes: to.bytes - from.bytes,
      calls: to.calls - from.calls,
      seconds: (to.at - from.at) / 1e3,
      userNs: (to.cpu.user - from.cpu.user) * 1e3,
      systemNs: (to.cpu.system - from.cpu.system) * 1e3,
      total: this.packets,
    });
  }

  /** Resolves when nothing has come for a while; for programs that live on the event loop. */
  async quiet(): Promise<void> {
    let last = -1;
    let since = performance.now();
    for (;;) {
      const now = performance.now();
      if (this.packets !== last) {
        last = this.packets;
        since = now;
      } else if (now - since > (this.hasEnded ? QUIET_MILLISECONDS : PATIENCE_MILLISECONDS)) return;
      await new Promise((resolve) => setTimeout(resolve, QUIET_MILLISECONDS / 4));
    }
  }

  #mark(at: number): Mark {
    const calls = this.callsOf?.() ?? this.calls;
    return { at, packets: this.packets, bytes: this.bytes, calls, cpu: process.cpuUsage() };
  }
}

/** One line for the harness. */
export function printLine(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Everything is set up: packets may come. */
export function sayReady(): void {
  printLine({ ready: true });
}

/** `--name value` options of a child; a name that is not there is ''. */
export class ChildOptions {
  readonly #values: Readonly<Record<string, string | undefined>>;

  /** @param names the options that the child knows, besides warm-ms and measure-ms */
  constructor(names: readonly string[]) {
    const known = [...names, 'warm-ms', 'measure-ms'].map((name) => [name, { type: 'string' as const }]);
    this.#values = parseArgs({ options: Object.fromEntries(known) as Record<string, { type: 'string' }> }).values;
  }

  /** The text of an option. */
  text(name: string, fallback = ''): string {
    return this.#values[name] ?? fallback;
  }

  /** The number of an option. */
  number(name: string, fallback: number): number {
    const text = this.#values[name];
    return text === undefined ? fallback : Number(text);
  }

  /** The window that the options ask for. */
  window(): Window {
    return new Window(this.number('warm-ms', 300), this.number('measure-ms', 250));
  }
}
