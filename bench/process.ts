/** Children of the harness: started pinned, read line by line, ended by their own handle and no other way. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const running = new Set<ChildProcess>();

/** Ends all children that still run; for signals and for the time limit. */
export function endAllChildren(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** A line of a child, parsed. */
export type Line = Readonly<Record<string, unknown>>;

/** A running program. */
export class Child {
  readonly #child: ChildProcess;
  readonly #lines: Line[] = [];
  readonly #waiting: ((line: Line | null) => void)[] = [];
  readonly #ended: Promise<void>;
  #stderr = '';

  /**
   * @param command program and arguments
   * @param fds what the child gets as fd 3, 4, ...
   * @param cpu the processor that it is pinned to; -1 for any
   */
  constructor(command: readonly string[], fds: readonly number[], cpu: number) {
    const pinned = cpu < 0 ? command : ['taskset', '-c', String(cpu), ...command];
    const [program, ...args] = pinned as [string, ...string[]];
    this.#child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe', ...fds] });
    running.add(this.#child);
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
    createInterface({ input: this.#child.stdout as NonNullable<ChildProcess['stdout']> }).on('line', (line) =>
      this.#onLine(line),
    );
    this.#ended = new Promise((resolve) => {
      this.#child.on('error', (error) => {
        this.#stderr += error.message;
        resolve();
      });
      this.#child.on('close', () => resolve());
    });
    void this.#ended.then(() => {
      running.delete(this.#child);
      for (const give of this.#waiting) give(null);
    });
  }

  /** What it complained of, in one line. */
  get complaint(): string {
    return this.#stderr.trim().split('\n')[0] ?? '';
  }

  /** The next line; null when it has ended without one, or after the time limit, which ends it. */
  async line(milliseconds: number): Promise<Line | null> {
    const ready = this.#lines.shift();
    if (ready !== undefined) return ready;
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), milliseconds);
    const line = await new Promise<Line | null>((resolve) => {
      this.#waiting.push(resolve);
      void this.#ended.then(() => resolve(null));
    });
    clearTimeout(timer);
    return line;
  }

  /** Ends it if it still runs, and waits until it is gone. */
  async end(): Promise<void> {
    if (running.has(this.#child)) this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #onLine(text: string): void {
    let line: Line;
    try {
      line = JSON.parse(text) as Line;
    } catch {
      return; // a package's own words
    }
    const give = this.#waiting.shift();
    if (give === undefined) this.#lines.push(line);
    else give(line);
  }
}
