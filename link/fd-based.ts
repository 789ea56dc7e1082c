/**
 * The fd-based endpoint: gVisor's, from a file descriptor to a network dispatcher and back.
 *
 *        fd ──► LinkDispatcher (readv | recvmmsg | packet-mmap) ──► FdSink ──► dispatcher
 *        fd ◄── FdWriter (sendmmsg | writev) ◄─────────────────── writePackets ◄── dispatcher
 *
 * Reading is the business of a Runner: on this thread's event loop, or in worker threads (see dispatch/). Writing is
 * always done by the thread that calls `writePackets`, straight into the kernel; the fd is chosen by the symmetric flow
 * hash, so that the answers of a flow leave where its packets came in.
 */

import { FdPoll } from '../dispatch/fd-poll.ts';
import { joinFanoutGroup } from '../dispatch/fanout.ts';
import { InlineRunner } from '../dispatch/inline-runner.ts';
import type { DispatchMode } from '../dispatch/link-dispatcher.ts';
import type { LinkEnd } from '../dispatch/link-end.ts';
import { RingRunner } from '../dispatch/ring-runner.ts';
import { openRxRings, type RxRing } from '../dispatch/rx-ring.ts';
import type { Runner, RunnerListener } from '../dispatch/runner.ts';
import type { WorkerDispatcher } from '../dispatch/dispatcher-task.ts';
import { WorkerRunner } from '../dispatch/worker-runner.ts';
import { InvalidOptionError } from '../errors.ts';
import { flowHash } from '../header/flow.ts';
import { HEADER_BYTES as ETHERNET_HEADER_BYTES } from '../header/ethernet.ts';
import type { LinkAddress } from '../header/address.ts';
import { closeFd, duplicate, openEach, setNonblocking } from '../native/fd.ts';
import { pin, unpin } from '../native/memory.ts';
import { Arena } from '../stack/arena.ts';
import { type Capabilities, type GsoSupport, HARDWARE_ETHER, HARDWARE_NONE } from '../stack/link-endpoint.ts';
import type { NetworkDispatcher } from '../stack/network-dispatcher.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';
import type { PacketList } from '../stack/packet-list.ts';
import { PacketPool } from '../stack/packet-pool.ts';
import { LinkStatistics } from '../stack/statistics.ts';
import { EndpointBase } from './endpoint-base.ts';
import { type FdBasedOptions, type FdLink, type HalfOptions, receiveOptions, type ResolvedFdBasedOptions, resolveFdBasedOptions } from './fd-based-options.ts';
import { FdSink } from './fd-sink.ts';
import { FdWriter } from './fd-writer.ts';

/** Stands for a dispatcher that lives in workers: nothing is ever delivered to it. */
const ELSEWHERE: NetworkDispatcher = { deliverNetworkPacket() {} };

/** A link endpoint over file descriptors. Made by `openFdBased`. */
export class FdBasedEndpoint extends EndpointBase {
  readonly mtu: number;
  readonly maxHeaderLength: number;
  readonly linkAddress: LinkAddress;
  readonly hardwareType: number;
  readonly capabilities: Capabilities;
  readonly gso: GsoSupport;
  /** The descriptors, in the order given. */
  readonly fds: readonly number[];
  /** How the fds are read: what `auto` chose. */
  readonly dispatchMode: DispatchMode;
  /** Bytes of virtio-net header before each frame on the fds. */
  readonly vnetHeaderBytes: 0 | 10 | 12;

  readonly #options: ResolvedFdBasedOptions;
  readonly #polls: readonly FdPoll[];
  readonly #writers: readonly FdWriter[];
  readonly #sink: FdSink;
  readonly #runner: Runner;
  readonly #transmit: PacketPool;
  /** The writer of every packet, whatever its flow: of a single fd, and of raw frames. */
  #chosenWriter: FdWriter | null;
  /** Duplicates to poll for writing where another thread reads the fd. */
  readonly #pollFds: readonly number[];
  #wantsDrain = false;
  readonly #rings: readonly RxRing[];
  #ownFdsClosed = false;
  #isEnding = false;

  /** @param rings of the fds, with dispatch mode packet-mmap, to be closed with the endpoint */
  constructor(
    options: ResolvedFdBasedOptions,
    statistics: LinkStatistics = new LinkStatistics(1),
    block = 0,
    rings: readonly RxRing[] = [],
  ) {
    super(statistics, block);
    const { links } = options;
    const first = links[0] as FdLink;
    this.#options = options;
    this.#rings = rings;
    this.mtu = options.mtu;
    this.linkAddress = options.linkAddress;
    this.capabilities = options.capabilities;
    this.gso = options.gso;
    this.maxHeaderLength = options.ethernetHeader ? ETHERNET_HEADER_BYTES : 0;
    this.hardwareType = options.ethernetHeader ? HARDWARE_ETHER : HARDWARE_NONE;
    this.fds = links.map((link) => link.fd);
    this.dispatchMode = first.mode;
    this.vnetHeaderBytes = first.vnetHeaderBytes;
    this.#transmit = new PacketPool(new Arena(options.transmitSlots, Math.max(this.mtu, this.gso.maxSize)));
    this.#pollFds = options.run === 'inline' ? [] : openEach(links.length, (index) => duplicate((links[index] as FdLink).fd));
    this.#polls = (options.run === 'inline' ? this.fds : this.#pollFds).map((fd) => new FdPoll(fd));
    this.#sink = new FdSink(this.counters, options);
    try {
      this.#runner = this.#openRunner();
    } catch (error) {
      for (const fd of this.#pollFds) closeFd(fd);
      throw error;
    }
    // Last, for the kernel may have refused the ring of a reader: nothing is pinned then.
    this.#transmit.arena.address = pin(this.#transmit.arena.bytes);
    this.#writers = links.map((link, index) => this.#openWriter(link, index));
    this.#chosenWriter = this.#writers.length === 1 ? (this.#writers[0] as FdWriter) : null;
  }

  override get statistics(): LinkStatistics {
    this.collectKernelDrops();
    return super.statistics;
  }

  /**
   * Starts delivery. With run `worker` the dispatcher is a module that each worker imports, else an object of this
   * thread; null ends delivery.
   * @throws InvalidOptionError when the dispatcher is not of the kind that `run` needs
   */
  override attach(dispatcher: NetworkDispatcher | WorkerDispatcher | null): void {
    if (dispatcher === null) return super.attach(null);
    const isModule = 'module' in dispatcher;
    if (isModule !== this.#runner instanceof WorkerRunner) {
      const needed = isModule ? 'needs a NetworkDispatcher' : 'needs { module, data }';
      throw new InvalidOptionError(`Cannot attach a dispatcher: run "${this.#options.run}" ${needed}`);
    }
    if (!isModule) return super.attach(dispatcher);
    if (!this.isAttached) (this.#runner as WorkerRunner).dispatcher = dispatcher;
    super.attach(ELSEWHERE);
  }

  /** The endpoint has ended, by close(), hang-up or error. */
  get isClosed(): boolean {
    return this.hasEnded;
  }

  /** Brings the counter `kernelDrops` up to date, where this thread reads the fds. */
  collectKernelDrops(): void {
    this.#runner.collectKernelDrops();
  }

  /** Delivers what the fds still hold, past the event loop's work budget. */
  drainInbound(): void {
    this.#runner.drainAll();
  }

  /** Writes one frame as it is to the first fd. */
  override writeRawPacket(bytes: Uint8Array): boolean {
    const chosen = this.#chosenWriter;
    this.#chosenWriter = this.#writers[0] as FdWriter;
    try {
      return super.writeRawPacket(bytes);
    } finally {
      this.#chosenWriter = chosen;
    }
  }

  protected override takeSlot(payloadBytes: number): PacketBuffer | null {
    return this.#transmit.allocate(payloadBytes);
  }

  protected override onAttach(): void {
    this.#sink.dispatcher = this.dispatcher;
    try {
      this.#runner.start();
    } catch (error) {
      this.onDetach(); // somebody else polls one of the fds: none is read
      throw error;
    }
  }

  protected override onDetach(): void {
    this.#sink.dispatcher = null;
    this.#runner.stop();
  }

  protected override onClose(): void {
    this.#runner.close();
    for (const writer of this.#writers) writer.close();
    for (const poll of this.#polls) poll.close();
    unpin(this.#transmit.arena.bytes);
    for (const fd of this.#pollFds) closeFd(fd);
    if (!this.#runner.isBusy) this.#releaseFds();
  }

  protected override get isStopping(): boolean {
    return this.#runner.isBusy;
  }

  /** Writes runs of consecutive packets that go to one fd, in order, until one of them is full. */
  protected override transmit(list: PacketList): number {
    let from = 0;
    while (from < list.length) {
      const writer = this.#writerOf(list.at(from));
      let to = from + 1;
      while (to < list.length && this.#writerOf(list.at(to)) === writer) to++;
      from += writer.write(list, from, to);
      if (from < to) {
        this.#wantsDrain = true;
        break;
      }
    }
    return from;
  }

  #writerOf(packet: PacketBuffer): FdWriter {
    if (this.#chosenWriter !== null) return this.#chosenWriter;
    const writers = this.#writers;
    const network = packet.networkOffset < 0 ? packet.start : packet.networkOffset;
    const hash = packet.hash !== 0 ? packet.hash : flowHash(packet.view, network, packet.end, packet.egress.protocol);
    packet.hash = hash;
    return writers[(hash >>> 0) % writers.length] as FdWriter;
  }

  /** A stop has taken effect: nothing reads the fds any more. */
  #onIdle(): void {
    if (this.hasEnded && !this.#runner.isBusy) this.#releaseFds();
    this.settle();
  }

  /** For good, when nobody reads the fds any more. */
  #releaseFds(): void {
    for (const ring of this.#rings) ring.close();
    if (!this.#options.ownFds || this.#ownFdsClosed) return;
    this.#ownFdsClosed = true;
    for (const fd of this.fds) closeFd(fd);
  }

  #onDrain(): void {
    if (!this.#wantsDrain || this.hasEnded) return;
    this.#wantsDrain = false;
    this.emit('drain');
  }

  /** One fd's end is the endpoint's; what the others still hold is delivered first. */
  #onLinkEnd(end: LinkEnd): void {
    const { kind, fd, error } = end;
    if (kind === 'thrown') return this.fail(error, fd);
    if (this.#isEnding) return; // the draining below has met another fd's end
    this.#isEnding = true;
    this.#runner.drainAll();
    this.end({ kind, fd, ...(error === undefined ? {} : { error }) });
  }

  #openRunner(): Runner {
    const { links, run } = this.#options;
    const listener: RunnerListener = {
      onEnd: (end) => this.#onLinkEnd(end),
      onLeave: (how, fd) => (how === 'detached' ? this.detach(fd) : this.close()),
      onDrain: () => void (this.hasEnded || this.emit('drain')),
      onIdle: () => this.#onIdle(),
    };
    const receive = links.map((link) => receiveOptions(link, this.#options));
    if (run === 'inline') return new InlineRunner(receive, this.#polls, this.#sink, this.counters, listener);
    if (run === 'ring') return new RingRunner(receive, this.#sink, super.statistics, listener);
    const halfModule = new URL('./fd-based-half.js', import.meta.url).href;
    const halfOf = (link: FdLink, index: number): HalfOptions => ({
      options: { ...this.#options, links: [link], run: 'inline', ownFds: false },
      statistics: super.statistics.buffer,
      statisticsBlock: index + 1,
    });
    return new WorkerRunner(links.map((link, index) => ({ fd: link.fd, halfModule, halfOptions: halfOf(link, index) })), listener);
  }

  #openWriter(link: FdLink, index: number): FdWriter {
    return new FdWriter(link.fd, this.#polls[index] as FdPoll, this.counters, {
      isSocket: link.description.kind === 'socket',
      vnetHeaderBytes: link.vnetHeaderBytes,
      maxFrameBytes: Math.max(this.mtu, this.gso.maxSize) + this.maxHeaderLength,
      onDrain: () => this.#onDrain(),
    });
  }
}

/**
 * Opens an endpoint over descriptors that keep packet boundaries: TUN, TAP, macvtap, AF_PACKET, SEQPACKET, DGRAM.
 *
 * @throws InvalidOptionError when options contradict each other or the kernel
 * @throws SystemError when a descriptor is closed, or the kernel refuses a ring or a fan-out group
 */
export async function openFdBased(options: FdBasedOptions): Promise<FdBasedEndpoint> {
  const resolved = resolveFdBasedOptions(options);
  for (const { fd } of resolved.links) setNonblocking(fd);
  const packetSockets = resolved.links.filter((link) => link.description.isPacketSocket).map((link) => link.fd);
  if (packetSockets.length > 1) joinFanoutGroup(packetSockets, resolved.fanout);
  const endpoint = openEndpoint(resolved);
  if (options.closed !== undefined) endpoint.on('closed', options.closed);
  return endpoint;
}

function openEndpoint(options: ResolvedFdBasedOptions): FdBasedEndpoint {
  const { links, ring, run } = options;
  const ringFds = links.filter(({ mode }) => mode === 'packet-mmap').map(({ fd }) => fd);
  const rings = openRxRings(ringFds, ring);
  try {
    const statistics = new LinkStatistics(1 + (run === 'inline' ? 0 : links.length));
    return new FdBasedEndpoint(options, statistics, 0, rings);
  } catch (error) {
    for (const opened of rings) opened.close();
    throw error;
  }
}
