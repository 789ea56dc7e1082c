/**
 * `linkpoint bench --self`: the device, and a child process on its other side that writes to it (rx) or reads it (tx).
 *
 *     socketpair    this endpoint ═════════════ child's endpoint
 *     veth          AF_PACKET on veth1 ════════ veth0: child's AF_PACKET
 *     tap, tun      queue ───────── interface ─ child's AF_PACKET (rx); the kernel, which drops it all (tx)
 *
 * The child ends with this process; what it writes is bounded in time besides.
 */

import { fileURLToPath } from 'node:url';

import { LinkpointError } from '../errors.ts';
import { closeFd, socketPair } from '../native/index.ts';
import type { BenchChildMessage, BenchChildTask, BenchParentMessage } from './bench-child.ts';
import type { BenchOptions, SelfDevice } from './bench-options.ts';
import { Child } from '../sandbox/child.ts';

const SCRIPT = fileURLToPath(new URL('./bench-child-main.js', import.meta.url));
/** Of the pair: some hundred frames, as of a network device's queue. */
const BUFFER_BYTES = 1 << 20;
/** Longer than any run: waiting, warm-up and start. */
const SPARE_MILLISECONDS = 15_000;

type BenchChild = Child<BenchChildMessage, BenchParentMessage>;

/** One side of a device, and somebody on the other. */
export class SelfLink implements AsyncDisposable {
  /** This side, owned. */
  readonly fd: number;
  readonly #child: BenchChild;

  private constructor(child: BenchChild, fd: number) {
    this.#child = child;
    this.fd = fd;
  }

  /** @throws LinkpointError naming what is missing */
  static async open(device: SelfDevice, options: BenchOptions): Promise<SelfLink> {
    const { direction, frames, link, durationMilliseconds } = options;
    const task: BenchChildTask = {
      device,
      direction: direction === 'rx' ? 'tx' : 'rx',
      vnetHeaderBytes: link.vnetHeaderBytes ?? 0,
      ethernetHeader: link.ethernetHeader ?? false,
      frames,
      boundMilliseconds: durationMilliseconds + SPARE_MILLISECONDS,
    };
    return device === 'socketpair' ? SelfLink.#openPair(task) : SelfLink.#openDevice(task);
  }

  /** Has the other side begin. */
  start(): void {
    this.#child.send({ kind: 'start' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    closeFd(this.fd);
    await this.#child.close();
  }

  static async #openPair(task: BenchChildTask): Promise<SelfLink> {
    const [fd, other] = socketPair(undefined, { sendBufferBytes: BUFFER_BYTES, receiveBufferBytes: BUFFER_BYTES });
    const child: BenchChild = new Child({ script: SCRIPT, task, makesNamespaces: false, fds: [other] });
    closeFd(other);
    try {
      await receiveDevice(child);
      return new SelfLink(child, fd);
    } catch (error) {
      closeFd(fd);
      throw error;
    }
  }

  static async #openDevice(task: BenchChildTask): Promise<SelfLink> {
    const child: BenchChild = new Child({ script: SCRIPT, task, makesNamespaces: true });
    const [fd] = await receiveDevice(child);
    return new SelfLink(child, fd as number);
  }
}

async function receiveDevice(child: BenchChild): Promise<readonly number[]> {
  try {
    const { message, fds } = await child.receive();
    if (message.kind === 'device') return fds;
    throw new LinkpointError(message.code, message.message);
  } catch (error) {
    await child.close();
    throw error;
  }
}
