/** From samples to statements: medians, spreads, and linkpoint's ratio to each of its peers, pair by pair. */

import type { ContestantInfo, Results, Sample } from './results.ts';
import { median, type Ratio, ratioOf, type RoundValue, spread } from './statistics.ts';

/** One contestant in one row. */
export interface Summary {
  readonly info: ContestantInfo;
  readonly rounds: number;
  /** Of the row's metric. */
  readonly value: number;
  readonly spread: number;
  readonly least: number;
  readonly most: number;
  readonly packetsPerSecond: number;
  readonly gigabitsPerSecond: number;
  readonly busy: number;
  readonly packetsPerCall: number;
  /** Null where nobody knows. */
  readonly lost: number | null;
  /** Medians of the suite's further figures. */
  readonly extra: Readonly<Record<string, number>>;
  /** Only for linkpoint and the bare loop: against whom, and what came out. */
  readonly ratios: readonly PeerRatio[];
}

/** A ratio of costs to a peer of the same row. */
export interface PeerRatio {
  readonly peer: ContestantInfo;
  readonly ratio: Ratio;
}

/** One row, all its contestants. */
export interface RowSummary {
  readonly suite: string;
  readonly name: string;
  /** What `value` is. */
  readonly metric: string;
  readonly frameBytes: number;
  readonly contestants: readonly Summary[];
}

/** What a suite is about. */
function metricOf(suite: string): { readonly name: string; readonly of: (sample: Sample) => number } {
  if (suite === 'latency') return { name: 'round trip p50, ns', of: ({ extra }) => extra['p50Ns'] ?? 0 };
  if (suite === 'cni') return { name: 'wall ms', of: ({ extra }) => extra['wallMs'] ?? 0 };
  return { name: 'CPU ns per packet', of: ({ cpuNsPerPacket }) => cpuNsPerPacket };
}

/** Summaries in the order of measurement. */
export function summarise(results: Results): RowSummary[] {
  const infos = new Map(results.contestants.map((info) => [info.id, info]));
  const rows = new Map<string, Sample[]>();
  for (const sample of results.samples) {
    const key = `${sample.suite}\n${sample.row}`;
    rows.set(key, [...(rows.get(key) ?? []), sample]);
  }
  return [...rows.values()].map((samples) => summariseRow(samples, infos));
}

function summariseRow(samples: readonly Sample[], infos: ReadonlyMap<string, ContestantInfo>): RowSummary {
  const { suite, row, frameBytes } = samples[0] as Sample;
  const metric = metricOf(suite);
  const byContestant = new Map<string, Sample[]>();
  for (const sample of samples)
    byContestant.set(sample.contestant, [...(byContestant.get(sample.contestant) ?? []), sample]);
  const entries = [...byContestant].flatMap(([id, own]) => {
    const info = infos.get(id);
    return info === undefined
      ? []
      : [{ info, samples: own, values: own.map((sample) => roundValue(sample, metric.of)) }];
  });
  return {
    suite,
    name: row,
    metric: metric.name,
    frameBytes,
    contestants: entries.map((entry) => ({
      ...summary(entry.info, entry.samples, metric.of),
      ratios: ratiosOf(entry, entries),
    })),
  };
}

interface Entry {
  readonly info: ContestantInfo;
  readonly values: readonly RoundValue[];
}

function roundValue(sample: Sample, metric: (sample: Sample) => number): RoundValue {
  return { round: sample.round, value: metric(sample), busy: sample.busy, lost: sample.lost };
}

function summary(
  info: ContestantInfo,
  samples: readonly Sample[],
  metric: (sample: Sample) => number,
): Omit<Summary, 'ratios'> {
  const values = samples.map(metric);
  const middle = (of: (sample: Sample) => number): number => median(samples.map(of));
  const losses = samples.flatMap(({ lost }) => (lost === null ? [] : [lost]));
  const names = Object.keys(samples[0]?.extra ?? {});
  return {
    info,
    rounds: samples.length,
    value: median(values),
    spread: spread(values),
    least: Math.min(...values),
    most: Math.max(...values),
    packetsPerSecond: middle((sample) => sample.packetsPerSecond),
    gigabitsPerSecond: middle((sample) => sample.gigabitsPerSecond),
    busy: middle((sample) => sample.busy),
    packetsPerCall: middle((sample) => sample.packetsPerCall),
    lost: losses.length === 0 ? null : median(losses),
    extra: Object.fromEntries(names.map((name) => [name, middle((sample) => sample.extra[name] ?? 0)])),
  };
}

/** C and gVisor know no small slots: their recvmmsg is the same work. */
const baseWork = (work: string): string => work.replace(/-small$/, '');

/** Peers: gVisor and the best of C in the same work, the bare loop of the same call and memory, every Node package. */
function ratiosOf(entry: Entry, all: readonly Entry[]): PeerRatio[] {
  const { info, values } = entry;
  if (info.family !== 'linkpoint' && info.family !== 'bare') return [];
  const family = (name: string): Entry[] => all.filter((other) => other.info.family === name);
  const sameWork = (other: Entry): boolean => other.info.work === baseWork(info.work);
  const bare = info.family === 'linkpoint' ? family('bare').filter((other) => other.info.work === info.work) : [];
  const node = info.family === 'linkpoint' ? family('node') : [];
  const peers = [...best(family('go').filter(sameWork)), ...best(family('c').filter(sameWork)), ...bare, ...node];
  return peers.map((peer) => ({ peer: peer.info, ratio: ratioOf(values, peer.values, 'cost') }));
}

/** The cheapest by median: never the peer that flatters. */
function best(entries: readonly Entry[]): Entry[] {
  const cost = ({ values }: Entry): number => median(values.map(({ value }) => value));
  return [...entries].sort((a, b) => cost(a) - cost(b)).slice(0, 1);
}
