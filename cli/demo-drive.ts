/** Drives an exchange over any transport: sends as long as the window and the link take it, and notices a stall. */

import { asError } from '../errors.ts';
import type { Exchange, Sending } from './demo-exchange.ts';

/** Without an answer for so long, what is outstanding is lost. */
const STALL_MILLISECONDS = 3000;
/** How soon a send is tried again when the link is full and nothing of ours would wake us. */
const RETRY_MILLISECONDS = 2;

/** Runs one exchange. */
export class ExchangeDriver {
  readonly #exchange: Exchange;
  readonly #trySend: (sending: Sending) => boolean;
  readonly #ended: Promise<void>;
  #resolve: () => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  /** @param trySend sends it, or returns false when the link is full */
  constructor(exchange: Exchange, trySend: (sending: Sending) => boolean) {
    this.#exchange = exchange;
    this.#trySend = trySend;
    this.#ended = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Resolves when everything is answered or nothing comes any more; rejects with what `fail` or `trySend` say. */
  async run(): Promise<void> {
    let rightBefore = -1;
    let since = performance.now();
    const timer = setInterval(() => {
      this.step();
      if (rightBefore !== this.#exchange.right) {
        rightBefore = this.#exchange.right;
        since = performance.now();
      } else if (performance.now() - since > STALL_MILLISECONDS) this.#resolve();
    }, RETRY_MILLISECONDS);
    this.step();
    await this.#ended.finally(() => clearInterval(timer));
  }

  /** To be called when answers have come, or the link takes packets again. */
  step(): void {
    try {
      for (let sending = this.#exchange.next(); sending !== null; sending = this.#exchange.next()) {
        const sentAt = performance.now();
        if (!this.#trySend(sending)) break;
        this.#exchange.committed(sending, sentAt);
      }
      if (this.#exchange.isDone) this.#resolve();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Ends the exchange with an error. */
  fail(error: unknown): void {
    this.#reject(asError(error));
  }
}
