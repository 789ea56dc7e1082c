/**
 * What may be said about repeated measurements, and when nothing may be.
 *
 * The spread is half the range over the median: no distribution is assumed of a shared machine's noise. Ratios are
 * formed inside a round, where both sides met the same weather, and only then summarised.
 */

/** Above this spread of its per-round values a ratio says nothing. */
export const MAX_RATIO_SPREAD = 0.3;
/** Below this share of the processor a receiver was waiting for the generator: its rate is the generator's. */
export const MIN_BUSY = 0.9;
/** Fewer rounds make no median. */
export const MIN_ROUNDS = 3;
/** Above this loss two receivers did not do the same work. */
export const MAX_LOSS = 0.05;

/** Median of at least one value. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('Cannot take the median of no values');
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2;
}

/** Half the range over the median; 0 for one value. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  return middle === 0 ? 0 : (Math.max(...values) - Math.min(...values)) / 2 / middle;
}

/** One measured value of one contestant in one round. */
export interface RoundValue {
  readonly round: number;
  readonly value: number;
  /** Share of the window in which the process was on the processor. */
  readonly busy: number;
  /** Share of the generator's frames that never arrived; null where nobody knows. */
  readonly lost: number | null;
}

/** A ratio, or why there is none. */
export type Ratio =
  | { readonly kind: 'ratio'; readonly value: number; readonly spread: number; readonly rounds: number }
  | { readonly kind: 'none'; readonly reason: string };

/** What is compared: cost per packet means something at any load, a rate only where the receiver is the limit. */
export type RatioOf = 'cost' | 'rate';

/** The ratio of `ours` to `theirs`, round by round. */
export function ratioOf(ours: readonly RoundValue[], theirs: readonly RoundValue[], of: RatioOf): Ratio {
  const pairs = ours.flatMap((mine) => {
    const other = theirs.find(({ round }) => round === mine.round);
    return other === undefined || other.value === 0 ? [] : [{ mine, other, ratio: mine.value / other.value }];
  });
  if (pairs.length < MIN_ROUNDS) return { kind: 'none', reason: `${pairs.length} rounds` };
  if (of === 'rate' && median(pairs.map(({ mine, other }) => Math.min(mine.busy, other.busy))) < MIN_BUSY) {
    return { kind: 'none', reason: 'generator-bound' };
  }
  const losses = pairs.map(({ mine, other }) => Math.max(mine.lost ?? 0, other.lost ?? 0));
  const ratios = pairs.map(({ ratio }) => ratio);
  const ratioSpread = spread(ratios);
  if (ratioSpread > MAX_RATIO_SPREAD) return { kind: 'none', reason: `spread ${percent(ratioSpread)}` };
  if (of === 'rate' && median(losses) > MAX_LOSS) return { kind: 'none', reason: `lost ${percent(median(losses))}` };
  return { kind: 'ratio', value: median(ratios), spread: ratioSpread, rounds: pairs.length };
}

/** 0.123 as "12 %". */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
