/** Received packets as an async iterable: pull instead of push, for the edges of a program. Clones: not for speed. */

import type { ClosedReason, LinkEndpoint } from '../stack/link-endpoint.ts';
import type { NetworkDispatcher } from '../stack/network-dispatcher.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';

/** Packets that wait for their reader at most, by default. */
const DEFAULT_MAX_QUEUED = 1024;

/** How packets are pulled. */
export interface PacketsOptions {
  /** Ends the iteration with the signal's reason, and detaches. */
  readonly signal?: AbortSignal;
  /** Packets that wait for the reader at most, from 1; those beyond are dropped and counted. Default 1024. */
  readonly maxQueued?: number;
}

/** Batches of packets as they came in, each packet a clone that is the reader's to keep. */
export interface PacketBatches extends AsyncIterableIterator<PacketBuffer[]> {
  /** Packets that came in while `maxQueued` waited, and were dropped. */
  readonly droppedCount: number;
  /** Detaches; a reader that waits gets `done`. */
  return(): Promise<IteratorResult<PacketBuffer[]>>;
}

/**
 * Attaches to `endpoint` at once and hands out what comes in, batch by batch: all that waits when the reader asks.
 * Leaving the loop detaches. After a hang-up or close() the iteration ends when everything was handed out; after an
 * error it throws it.
 *
 * @throws AlreadyAttachedError, LinkClosedError as `attach`
 * @throws RangeError when `maxQueued` is no positive integer
 */
export function packets(endpoint: LinkEndpoint, options: PacketsOptions = {}): PacketBatches {
  options.signal?.throwIfAborted();
  return new Batches(endpoint, options);
}

class Batches implements PacketBatches, NetworkDispatcher {
  readonly #endpoint: LinkEndpoint;
  readonly #signal: AbortSignal | undefined;
  readonly #maxQueued: number;
  #queue: PacketBuffer[] = [];
  #droppedCount = 0;
  #isEnded = false;
  #error: unknown = null;
  #wake: (() => void) | null = null;

  constructor(endpoint: LinkEndpoint, { signal, maxQueued = DEFAULT_MAX_QUEUED }: PacketsOptions) {
    if (!Number.isSafeInteger(maxQueued) || maxQueued < 1) {
      throw new RangeError(`Cannot read packets: maxQueued is ${maxQueued}; a positive integer is required`);
    }
    this.#endpoint = endpoint;
    this.#signal = signal;
    this.#maxQueued = maxQueued;
    endpoint.attach(this);
    endpoint.on('closed', this.#onClosed);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get droppedCount(): number {
    return this.#droppedCount;
  }

  deliverNetworkPacket(_protocol: number, packet: PacketBuffer): void {
    if (this.#queue.length < this.#maxQueued) this.#queue.push(packet.clone());
    else this.#droppedCount++;
  }

  deliverBatchEnd(): void {
    this.#wakeReader();
  }

  async next(): Promise<IteratorResult<PacketBuffer[]>> {
    while (this.#queue.length === 0 && !this.#isEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#queue.length > 0) return { done: false, value: this.#takeAll() };
    const error = this.#error;
    this.#error = null;
    if (error !== null) throw error;
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<PacketBuffer[]>> {
    this.#stop();
    this.#endpoint.attach(null);
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #takeAll(): PacketBuffer[] {
    const batch = this.#queue;
    this.#queue = [];
    return batch;
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  #stop(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#endpoint.off('closed', this.#onClosed);
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#wakeReader();
  }

  readonly #onClosed = (reason: ClosedReason): void => {
    if (reason.kind === 'error') this.#error = reason.error ?? null;
    this.#stop();
  };

  readonly #onAbort = (): void => {
    this.#queue = [];
    this.#error = this.#signal?.reason;
    this.#stop();
    this.#endpoint.attach(null);
  };
}
