/** What `linkpoint bench` measures, and its one line. */

import type { DispatchMode } from '../dispatch/link-dispatcher.ts';
import type { FdBasedEndpoint } from '../link/fd-based.ts';
import type { RunMode } from '../link/fd-based-options.ts';
import type { ClosedReason } from '../stack/link-endpoint.ts';
import type { StatisticsSnapshot } from '../stack/statistics.ts';
import type { Direction } from './bench-options.ts';
import { clock } from './bench-tally.ts';

/** All counters at one moment. */
export interface Moment {
  /** Of the tally's clock. */
  readonly at: number;
  readonly packets: number;
  readonly bytes: number;
  readonly syscalls: number;
  readonly statistics: StatisticsSnapshot;
  /** User and system time of the whole process, all its threads, in microseconds. */
  readonly cpu: NodeJS.CpuUsage;
}

/** Why the link ended, if it did. */
export interface BenchClosed {
  readonly kind: ClosedReason['kind'];
  readonly message?: string;
}

/** What is printed; by --json as it is. */
export interface BenchResult {
  readonly direction: Direction;
  /** rx: counted by the dispatcher; tx: taken by the kernel. */
  readonly packets: number;
  /** Of their frames, link headers included, virtio-net headers not. */
  readonly bytes: number;
  readonly seconds: number;
  readonly pps: number;
  readonly gbps: number;
  /** Processor time of the whole process per packet: of the receiving work, for there is no other. */
  readonly cpuNsPerPacket: number;
  readonly userNsPerPacket: number;
  readonly systemNsPerPacket: number;
  readonly syscalls: number;
  readonly packetsPerSyscall: number;
  /** By reason, zeros left out. */
  readonly drops: Readonly<Record<string, number>>;
  readonly mode: DispatchMode;
  readonly run: RunMode;
  /** `steady`: after the warm-up; `whole`: since the first packet, because the link ended or dried up before. */
  readonly window: 'steady' | 'whole';
  readonly closed?: BenchClosed;
}

/** Counts of a direction at this moment; what the dispatcher counted comes from `count`. */
export function takeMoment(
  endpoint: FdBasedEndpoint,
  direction: Direction,
  count: { readonly packets: number; readonly bytes: number },
): Moment {
  const statistics = endpoint.statistics.snapshot();
  const syscalls = direction === 'rx' ? statistics.receiveSyscalls : statistics.transmitSyscalls;
  return { at: clock(), packets: count.packets, bytes: count.bytes, syscalls, statistics, cpu: process.cpuUsage() };
}

/** What happened between two moments. */
export function measure(
  from: Moment,
  to: Moment,
  milliseconds: number,
  rest: Pick<BenchResult, 'direction' | 'mode' | 'run' | 'window'>,
): BenchResult {
  const packets = to.packets - from.packets;
  const bytes = to.bytes - from.bytes;
  const syscalls = to.syscalls - from.syscalls;
  const seconds = milliseconds / 1000;
  const user = to.cpu.user - from.cpu.user;
  const system = to.cpu.system - from.cpu.system;
  return {
    direction: rest.direction,
    packets,
    bytes,
    seconds,
    pps: share(packets, seconds),
    gbps: share(bytes * 8, seconds) / 1e9,
    cpuNsPerPacket: share((user + system) * 1000, packets),
    userNsPerPacket: share(user * 1000, packets),
    systemNsPerPacket: share(system * 1000, packets),
    syscalls,
    packetsPerSyscall: share(packets, syscalls),
    drops: dropsBetween(from.statistics, to.statistics),
    mode: rest.mode,
    run: rest.run,
    window: rest.window,
  };
}

function dropsBetween(from: StatisticsSnapshot, to: StatisticsSnapshot): Record<string, number> {
  const earlier: Record<string, number> = { ...from.drops, 'kernel-queue-full': from.kernelDrops };
  const drops: Record<string, number> = {};
  for (const [reason, count] of Object.entries({ ...to.drops, 'kernel-queue-full': to.kernelDrops })) {
    const dropped = count - (earlier[reason] ?? 0);
    if (dropped > 0) drops[reason] = dropped;
  }
  return drops;
}

const share = (amount: number, among: number): number => (among === 0 ? 0 : amount / among);

/** The line without --json. */
export function formatResult(result: BenchResult): string {
  const { direction, mode, run, packets, seconds, pps, gbps, cpuNsPerPacket, packetsPerSyscall, drops } = result;
  const { closed } = result;
  const dropped = Object.entries(drops).map(([reason, count]) => `${reason} ${count}`);
  return [
    `${direction} ${mode} ${run}: ${packets} packets in ${seconds.toFixed(3)} s`,
    `${Math.round(pps)} packets/s`,
    `${gbps.toFixed(3)} Gbit/s`,
    `${Math.round(cpuNsPerPacket)} ns/packet`,
    `${packetsPerSyscall.toFixed(1)} packets/syscall`,
    `drops: ${dropped.length === 0 ? 'none' : dropped.join(', ')}`,
    ...(closed === undefined ? [] : [`closed: ${closed.kind}`]),
  ].join(', ');
}
