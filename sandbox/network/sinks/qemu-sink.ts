/**
 * QEMU drives the devices: arguments for it, and the descriptors that it is to inherit.
 *
 *     this process   fds        [ 17, 18,   23, 24 ]      stdio: ['ignore', 'pipe', 'pipe', ...sink.fds]
 *                                 │   │     │   │
 *     QEMU           firstFd ►    3   4     5   6         -netdev tap,fds=3:4,…   -netdev tap,fds=5:6,…
 */

import { checkInteger } from '../../../link/device.ts';
import type { DeviceSink, ReleaseDevice, SinkPci, SinkTap, SinkVhostUser } from '../device-sink.ts';
import { pciArguments, tapArguments, vhostUserArguments } from './qemu-arguments.ts';

const ACTION = 'Cannot make a sink for QEMU';
/** Descriptors of standard input, output and error. */
const STDIO_FDS = 3;
const QUEUES_MAX = 256;

/** Options of `qemuSink`. */
export interface QemuSinkOptions {
  /** Number that the first of `fds` has in QEMU: how many entries of `stdio` come before it. Default 3. */
  readonly firstFd?: number;
  /** Queues of vhost-user devices, which their back ends must have. Default 1. */
  readonly vhostUserQueues?: number;
  /** Ends QEMU; awaited before each device is let go of, so that nobody uses it. Default: the caller has done that. */
  readonly stop?: () => Promise<void>;
}

interface Entry {
  readonly fds: readonly number[];
  /** @param firstFd number of the first of `fds` in QEMU */
  readonly argv: (firstFd: number) => readonly string[];
  readonly sharesMemory: boolean;
}

/** Arguments and descriptors for QEMU. Made by `qemuSink`. */
export class QemuSink implements DeviceSink {
  readonly #firstFd: number;
  readonly #vhostUserQueues: number;
  readonly #stop: () => Promise<void>;
  readonly #entries: Entry[] = [];
  #ids = 0;

  /** @throws InvalidOptionError */
  constructor({ firstFd = STDIO_FDS, vhostUserQueues = 1, stop = async () => undefined }: QemuSinkOptions = {}) {
    this.#firstFd = checkInteger(ACTION, 'firstFd', firstFd, STDIO_FDS, 0xffff);
    this.#vhostUserQueues = checkInteger(ACTION, 'vhostUserQueues', vhostUserQueues, 1, QUEUES_MAX);
    this.#stop = stop;
  }

  /** Arguments for the devices that are there now, in the order of their coming. */
  get argv(): readonly string[] {
    let next = this.#firstFd;
    return this.#entries.flatMap(({ fds, argv }) => {
      const first = next;
      next += fds.length;
      return argv(first);
    });
  }

  /** Descriptors of this process for `stdio` of spawn(), from entry `firstFd` on. They stay the network's. */
  get fds(): readonly number[] {
    return this.#entries.flatMap(({ fds }) => fds);
  }

  /** There is a vhost-user device: QEMU needs `-object memory-backend-memfd,share=on,…` as its guest's memory. */
  get needsSharedMemory(): boolean {
    return this.#entries.some(({ sharesMemory }) => sharesMemory);
  }

  /** @throws InvalidOptionError */
  async addTap(device: SinkTap): Promise<ReleaseDevice> {
    const fds = [...device.fds, ...device.vhostFds];
    return this.#add({ fds, argv: tapArguments(this.#nextId(), device), sharesMemory: false });
  }

  /** @throws InvalidOptionError */
  async addVhostUser(device: SinkVhostUser): Promise<ReleaseDevice> {
    const argv = vhostUserArguments(this.#nextId(), device, this.#vhostUserQueues);
    return this.#add({ fds: [], argv: () => argv, sharesMemory: true });
  }

  /** @throws InvalidOptionError */
  async addPci(device: SinkPci): Promise<ReleaseDevice> {
    const argv = pciArguments(device);
    return this.#add({ fds: [], argv: () => argv, sharesMemory: false });
  }

  #nextId(): string {
    return `net${this.#ids++}`;
  }

  #add(entry: Entry): ReleaseDevice {
    this.#entries.push(entry);
    return async () => {
      await this.#stop();
      const at = this.#entries.indexOf(entry);
      if (at >= 0) this.#entries.splice(at, 1);
    };
  }
}

/**
 * A sink whose devices a child process, QEMU, drives.
 *
 * @example
 * ```ts
 * const sink = qemuSink();
 * await network.attach(sink);
 * spawn('qemu-system-x86_64', [...sink.argv], { stdio: ['ignore', 'inherit', 'inherit', ...sink.fds] });
 * ```
 */
export const qemuSink = (options: QemuSinkOptions = {}): QemuSink => new QemuSink(options);
