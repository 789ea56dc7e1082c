/** What the demo tells: a table for a person, or one JSON object. And the verdict, for both. */

import type { StatisticsSnapshot } from '../stack/statistics.ts';
import type { DeviceMessage, NamedExchange, Refusal, Tier } from './demo-messages.ts';
import type { ProbeResult } from './demo-probe.ts';

/** One direction of the endpoint. */
export interface DirectionReport {
  readonly packets: number;
  readonly bytes: number;
  readonly syscalls: number;
  readonly packetsPerSyscall: number;
  /** Frames that crossed uncut, to be cut (or never) by the other side. */
  readonly superPackets: number;
}

/** Everything that the demo found out; printed as it is by --json. */
export interface DemoReport {
  /** Every echo came back right. */
  readonly ok: boolean;
  /** What was wrong, a sentence each; empty when all is well. */
  readonly failures: readonly string[];
  readonly tier: Tier;
  readonly device: string;
  readonly offloads: boolean;
  /** Better tiers, and what they lack. */
  readonly refused: readonly Refusal[];
  readonly probes: readonly ProbeResult[];
  readonly exchanges: readonly NamedExchange[];
  readonly received: DirectionReport;
  readonly sent: DirectionReport;
  /** Drops by reason, zeros left out. */
  readonly drops: Readonly<Record<string, number>>;
}

/** What a report is made of. */
export interface Findings {
  readonly device: Omit<DeviceMessage, 'kind'>;
  readonly probes: readonly ProbeResult[];
  readonly exchanges: readonly NamedExchange[];
  readonly statistics: StatisticsSnapshot;
  /** Answers that found our own queue full. */
  readonly lostAnswers: number;
}

/** Judges the findings. */
export function makeReport(findings: Findings): DemoReport {
  const { device, probes, exchanges, statistics: seen, lostAnswers } = findings;
  const received = receivedOf(seen);
  const sent = sentOf(seen);
  const kernel = { 'kernel-queue-full': seen.kernelDrops, 'answer-queue-full': lostAnswers };
  const drops = Object.fromEntries(Object.entries({ ...seen.drops, ...kernel }).filter(([, count]) => count > 0));
  const failures = [...findFailures(probes, exchanges), ...findSuperPacketFailures(device.offloads, received, sent)];
  const { tier, name, offloads, refused } = device;
  const ok = failures.length === 0;
  return { ok, failures, tier, device: name, offloads, refused, probes, exchanges, received, sent, drops };
}

function receivedOf(seen: StatisticsSnapshot): DirectionReport {
  return direction(seen.receivedPackets, seen.receivedBytes, seen.receiveSyscalls, seen.receivedSuperPackets);
}

function sentOf(seen: StatisticsSnapshot): DirectionReport {
  return direction(seen.transmittedPackets, seen.transmittedBytes, seen.transmitSyscalls, seen.transmittedSuperPackets);
}

function direction(packets: number, bytes: number, syscalls: number, superPackets: number): DirectionReport {
  return { packets, bytes, syscalls, packetsPerSyscall: syscalls === 0 ? 0 : packets / syscalls, superPackets };
}

function findFailures(probes: readonly ProbeResult[], exchanges: readonly NamedExchange[]): string[] {
  const failures = [];
  for (const { address, sent, received } of probes) {
    if (received !== sent) failures.push(`${address} answered ${received} of ${sent} echo requests`);
  }
  for (const { address, wrong, missing } of exchanges) {
    if (wrong > 0) failures.push(`${wrong} UDP echoes of ${address} were wrong`);
    if (missing > 0) failures.push(`${missing} UDP datagrams to ${address} were not echoed`);
  }
  return failures;
}

function findSuperPacketFailures(offloads: boolean, received: DirectionReport, sent: DirectionReport): string[] {
  if (!offloads) return [];
  const failures = [];
  if (received.superPackets === 0) failures.push('no super-packet was received although offloads are on');
  if (sent.superPackets === 0) failures.push('no super-packet was sent although offloads are on');
  return failures;
}

const TIER_NAMES: Readonly<Record<Tier, string>> = {
  tap: 'a TAP device in a network namespace of its own',
  veth: 'a veth pair with AF_PACKET and PACKET_VNET_HDR in a network namespace of its own',
  socketpair: 'a socketpair with a scripted peer',
};

/** The report as lines for a person; the first names the tier. */
export function formatReport(report: DemoReport): string {
  const { tier, device, offloads, refused, probes, exchanges, received, sent, drops, failures } = report;
  const offload = offloads ? 'super-packets on' : 'super-packets off: the kernel is older than 6.2';
  const dropped = Object.entries(drops).map(([reason, count]) => `${reason} ${number(count)}`);
  return [
    `linkpoint demo over ${TIER_NAMES[tier]} (${device}, ${offload})`,
    ...refusalLines(refused),
    '',
    ...columns(['', 'packets', 'bytes', 'syscalls', 'packets/syscall', 'super-packets'], [
      ['received', ...directionCells(received)],
      ['sent', ...directionCells(sent)],
    ]),
    `drops: ${dropped.length === 0 ? 'none' : dropped.join(', ')}`,
    '',
    ...columns(['echo', 'by', 'sent', 'right', 'bytes', 'p50', 'p99'], [
      ...probes.map((probe) => [probe.address, probe.tool, number(probe.sent), number(probe.received), '', '', '']),
      ...exchanges.map(exchangeCells),
    ]),
    '',
    ...failures.map((failure) => `FAILED: ${failure}`),
    ...(failures.length === 0 ? ['Every echo came back right, byte for byte.'] : []),
  ].join('\n');
}

/** A line for each reason: what keeps us from one better tier often keeps us from the other. */
function refusalLines(refused: readonly Refusal[]): string[] {
  const reasons = [...new Set(refused.map(({ reason }) => reason))];
  return reasons.map((reason) => {
    const tiers = refused.filter((refusal) => refusal.reason === reason).map(({ tier }) => tier);
    return `  not over ${tiers.join(' or ')}: ${reason}`;
  });
}

function directionCells({ packets, bytes, syscalls, packetsPerSyscall, superPackets }: DirectionReport): string[] {
  return [number(packets), number(bytes), number(syscalls), packetsPerSyscall.toFixed(2), number(superPackets)];
}

function exchangeCells(exchange: NamedExchange): string[] {
  const { address, datagrams, right, bytes, roundTripP50, roundTripP99 } = exchange;
  return [address, 'UDP', number(datagrams), number(right), number(bytes), time(roundTripP50), time(roundTripP99)];
}

const number = (value: number): string => value.toLocaleString('en-US');

const time = (microseconds: number): string =>
  microseconds < 1000 ? `${microseconds.toFixed(0)} us` : `${(microseconds / 1000).toFixed(1)} ms`;

/** Rows under their heads: the first column to the left, the others to the right. */
function columns(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = heads.map((head, at) => Math.max(head.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const pad = (cell: string, at: number): string => {
    const width = widths[at] ?? 0;
    return at === 0 ? cell.padEnd(width) : cell.padStart(width);
  };
  return [heads, ...rows].map((row) => row.map(pad).join('  ').trimEnd());
}
