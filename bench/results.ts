/** The shape of bench/results/latest.json: every sample as it was measured; everything else is computed from it. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Bump when a field changes its meaning. */
export const RESULTS_SCHEMA = 1;

/** Who ran. `family` says against whom a ratio is formed; `work` which contestants do the same work. */
export interface ContestantInfo {
  readonly id: string;
  readonly label: string;
  readonly family: 'c' | 'go' | 'node' | 'bare' | 'linkpoint';
  /** Contestants of the same work are compared with each other; `other` with nobody of its family. */
  readonly work: string;
}

/** One contestant, one row, one round. Times in nanoseconds. */
export interface Sample {
  readonly suite: string;
  /** For example `seqpacket / 1500 B / burst`. */
  readonly row: string;
  readonly contestant: string;
  readonly round: number;
  /** Bytes of a frame, virtio-net header not counted. */
  readonly frameBytes: number;
  readonly packets: number;
  readonly seconds: number;
  readonly cpuNsPerPacket: number;
  readonly userNsPerPacket: number;
  readonly systemNsPerPacket: number;
  readonly packetsPerSecond: number;
  readonly gigabitsPerSecond: number;
  /** Share of the window in which the process was on a processor. */
  readonly busy: number;
  /** 0 where the contestant does not count its calls. */
  readonly packetsPerCall: number;
  /** Share of all frames that were sent and never delivered; null where nobody knows. */
  readonly lost: number | null;
  /** Further figures of the suite: percentiles, delays. */
  readonly extra: Readonly<Record<string, number>>;
}

/** One micro-benchmark: nanoseconds per operation. */
export interface MicroSample {
  readonly group: string;
  readonly name: string;
  readonly nsPerOperation: number;
  /** Relative margin of error, as a share. */
  readonly margin: number;
  readonly samples: number;
}

/** Where it was measured. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly os: string;
  readonly loadBefore: number;
}

/** A whole run. */
export interface Results {
  readonly schema: number;
  readonly when: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  /** Rounds per row, and what was left out, with the reason. */
  readonly rounds: number;
  readonly notes: readonly string[];
  readonly contestants: readonly ContestantInfo[];
  readonly samples: readonly Sample[];
  readonly micro: readonly MicroSample[];
}

/** The repository, from a compiled file of bench/. */
export const ROOT: string = join(import.meta.dirname, '..', '..');
/** Where a run is written. */
export const LATEST: string = join(ROOT, 'bench', 'results', 'latest.json');

/** Reads a run. @throws Error when the file is none */
export function readResults(path: string): Results {
  const results = JSON.parse(readFileSync(path, 'utf8')) as Results;
  if (results.schema === RESULTS_SCHEMA) return results;
  throw new Error(`Cannot read "${path}": its schema is ${results.schema}; ${RESULTS_SCHEMA} is required`);
}

/** Writes a run. */
export function writeResults(path: string, results: Results): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(results, null, 1)}\n`);
}

/** A run of some rows put over an older one of the same machine: the older keeps what was not measured again. */
export function mergeResults(older: Results, newer: Results): Results {
  const keyOf = ({ suite, row }: Sample): string => `${suite} ${row}`;
  const measured = new Set(newer.samples.map(keyOf));
  const contestants = new Map([...older.contestants, ...newer.contestants].map((info) => [info.id, info]));
  return {
    ...newer,
    contestants: [...contestants.values()],
    samples: [...older.samples.filter((sample) => !measured.has(keyOf(sample))), ...newer.samples],
    micro: newer.micro.length > 0 ? newer.micro : older.micro,
  };
}
