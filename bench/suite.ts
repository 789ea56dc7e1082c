/** What every suite is given and gives back. */

import type { TimeLimit } from './rounds.ts';
import type { ContestantInfo, MicroSample, Sample } from './results.ts';

/** How a run is made. */
export interface RunOptions {
  readonly rounds: number;
  readonly limit: TimeLimit;
  /** Rows whose name contains it, in any case; '' for all. */
  readonly only: string;
  /** Network devices can be made: this process is in a namespace of its own. */
  readonly hasNamespace: boolean;
  readonly cpuCount: number;
  /** Tells the user how far it is: stderr. */
  readonly say: (text: string) => void;
}

/** What a suite found. */
export interface SuiteResults {
  readonly contestants: readonly ContestantInfo[];
  readonly samples: readonly Sample[];
  readonly micro: readonly MicroSample[];
  readonly notes: readonly string[];
}

/** Nothing yet. */
export const NO_RESULTS: SuiteResults = { contestants: [], samples: [], micro: [], notes: [] };

/** Both. */
export function joinResults(a: SuiteResults, b: SuiteResults): SuiteResults {
  const known = new Set(a.contestants.map(({ id }) => id));
  return {
    contestants: [...a.contestants, ...b.contestants.filter(({ id }) => !known.has(id))],
    samples: [...a.samples, ...b.samples],
    micro: [...a.micro, ...b.micro],
    notes: [...a.notes, ...b.notes],
  };
}

/** What is kept of a contestant. */
export function infoOf({ id, label, family, work }: ContestantInfo): ContestantInfo {
  return { id, label, family, work };
}

/** The rows that `only` asks for. */
export function wanted<T extends { readonly name: string }>(rows: readonly T[], { only }: RunOptions): T[] {
  return rows.filter(({ name }) => name.toLowerCase().includes(only.toLowerCase()));
}
