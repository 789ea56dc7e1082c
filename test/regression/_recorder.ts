/**
 * A dispatcher that writes down what it gets, the same in all three ways of running: an object of this thread, or, as
 * the default export of this module, one in each worker.
 *
 *     words of the shared memory:   | count | packet 0: sequence, length, worker | packet 1: ... |
 */

import type { CreateDispatcher } from '../../dispatch/dispatcher-task.ts';
import type { RunMode } from '../../link/fd-based-options.ts';
import type { FdBasedEndpoint } from '../../link/fd-based.ts';
import type { LinkEndpoint } from '../../stack/link-endpoint.ts';
import type { NetworkDispatcher } from '../../stack/network-dispatcher.ts';

const COUNT = 0;
const FIRST_PACKET = 4;
const PACKET_WORDS = 3;
const SEQUENCE_AT = 4;

/** What the dispatcher is given; structured-cloned on the way to workers. */
export interface RecorderOptions {
  readonly shared: SharedArrayBuffer;
  /** EtherType of the packets to record; the others are left out. Default: all. */
  readonly protocol?: number;
  /** At which packet, from 1, to do `action`. */
  readonly at?: number;
  /** What to do there. */
  readonly action?: 'throw' | 'detach' | 'close' | 'exit' | 'detach-and-throw';
}

/** What has been recorded so far. */
export class Recording {
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array;

  /** @param limit most packets that are written down; further ones are only counted */
  constructor(limit = 8192) {
    this.shared = new SharedArrayBuffer((FIRST_PACKET + limit * PACKET_WORDS) * 4);
    this.#words = new Int32Array(this.shared);
  }

  /** Packets delivered. */
  get count(): number {
    return Atomics.load(this.#words, COUNT);
  }

  /** The 32-bit number at byte 4 of each packet's network header, in order of delivery. */
  get sequences(): number[] {
    return this.#column(0);
  }

  /** Length of each packet from the network header on. */
  get lengths(): number[] {
    return this.#column(1);
  }

  /** Index of the worker that delivered each packet. */
  get workers(): number[] {
    return this.#column(2);
  }

  #column(offset: number): number[] {
    const written = Math.min(this.count, Math.floor((this.#words.length - FIRST_PACKET) / PACKET_WORDS));
    return Array.from({ length: written }, (_, packet) => this.#words[FIRST_PACKET + packet * PACKET_WORDS + offset] as number);
  }
}

/** Attaches a recorder in the way that `run` needs. */
export function attachRecorder(endpoint: FdBasedEndpoint, run: RunMode, options: RecorderOptions): void {
  if (run === 'worker') endpoint.attach({ module: import.meta.url, data: options });
  else endpoint.attach(createRecorder(endpoint, options, 0));
}

function createRecorder(link: LinkEndpoint, options: RecorderOptions, worker: number): NetworkDispatcher {
  const words = new Int32Array(options.shared);
  return {
    deliverNetworkPacket(protocol, packet) {
      if (options.protocol !== undefined && options.protocol !== protocol) return;
      const index = Atomics.add(words, COUNT, 1);
      const at = FIRST_PACKET + index * PACKET_WORDS;
      if (at + PACKET_WORDS <= words.length) {
        const sequenceAt = packet.networkOffset + SEQUENCE_AT;
        words[at] = sequenceAt + 4 <= packet.end ? packet.view.getUint32(sequenceAt) : -1;
        words[at + 1] = packet.networkBytes;
        words[at + 2] = worker;
      }
      if (index + 1 === options.at) act(link, options.action);
    },
  };
}

function act(link: LinkEndpoint, action: RecorderOptions['action']): void {
  if (action === 'detach' || action === 'detach-and-throw') link.attach(null);
  if (action === 'close') link.close();
  if (action === 'exit') process.exit(3);
  if (action === 'throw' || action === 'detach-and-throw') throw new TypeError('as the test asked');
}

const createDispatcher: CreateDispatcher<RecorderOptions> = (link, options, { index }) => createRecorder(link, options, index);

export default createDispatcher;
