/**
 * Interleaving: every contestant of a row once a round, and every other round backwards, so that a slow minute of the
 * machine falls on all of them and a drift on none.
 *
 *     round 0   A B C D        round 1   D C B A        round 2   A B C D ...
 */

/** The order of a round. */
export function orderOf<T>(contestants: readonly T[], round: number): T[] {
  return round % 2 === 0 ? [...contestants] : [...contestants].reverse();
}

/** Ends early what takes too long: no row is begun, and no round, after the deadline. */
export class TimeLimit {
  readonly #deadline: number;

  constructor(minutes: number) {
    this.#deadline = performance.now() + minutes * 60e3;
  }

  get hasPassed(): boolean {
    return performance.now() > this.#deadline;
  }
}

/** How a row went. */
export interface RowRun<Sample> {
  readonly samples: readonly Sample[];
  /** One sentence per contestant that did not give a sample, the first time. */
  readonly notes: readonly string[];
}

/**
 * Runs all rounds of a row. A contestant that fails is tried again in the next round; one that has failed twice and
 * never given a sample is out.
 * @param measure gives a sample or says why not
 */
export async function runRounds<C extends { readonly label: string }, Sample>(
  name: string,
  contestants: readonly C[],
  rounds: number,
  limit: TimeLimit,
  measure: (contestant: C, round: number) => Promise<{ sample: Sample } | { failure: string }>,
): Promise<RowRun<Sample>> {
  const samples: Sample[] = [];
  const failures = new Map<C, string[]>();
  const proven = new Set<C>();
  for (let round = 0; round < rounds && !limit.hasPassed; round++) {
    for (const contestant of orderOf(contestants, round)) {
      const before = failures.get(contestant) ?? [];
      if (before.length >= 2 && !proven.has(contestant)) continue;
      const outcome = await measure(contestant, round);
      if ('sample' in outcome) {
        samples.push(outcome.sample);
        proven.add(contestant);
      } else failures.set(contestant, [...before, outcome.failure]);
    }
  }
  const notes = [...failures].map(
    ([{ label }, reasons]) => `${name}: ${label} failed ${reasons.length} times: ${reasons[0]}`,
  );
  return { samples, notes: limit.hasPassed ? [...notes, `${name}: cut short by the time limit`] : notes };
}
