import test from 'ava';

import { median, MIN_ROUNDS, percent, ratioOf, type RoundValue, spread } from '../../bench/statistics.ts';

const values = (numbers: readonly number[], more: Partial<RoundValue> = {}): RoundValue[] =>
  numbers.map((value, round) => ({ round, value, busy: 1, lost: 0, ...more }));

test('the median of an odd number of values is the middle one', (t) => {
  t.is(median([9, 1, 5]), 5);
});

test('the median of an even number of values lies between the middle two', (t) => {
  t.is(median([4, 1, 3, 2]), 2.5);
});

test('the median sorts numbers, not their texts', (t) => {
  t.is(median([100, 9, 20]), 20);
});

test('there is no median of nothing', (t) => {
  t.throws(() => median([]), { instanceOf: RangeError });
});

test('the spread is half the range over the median', (t) => {
  t.is(spread([90, 100, 120]), 0.15);
  t.is(spread([7]), 0);
});

test('a ratio is formed round by round: a slow round of both sides leaves it as it is', (t) => {
  const ratio = ratioOf(values([100, 1000, 100]), values([200, 2000, 200]), 'cost');
  t.deepEqual(ratio, { kind: 'ratio', value: 0.5, spread: 0, rounds: 3 });
});

test('rounds that only one side has are left out', (t) => {
  const ours = values([100, 100, 100, 999]);
  t.deepEqual(ratioOf(ours, values([200, 200, 200]), 'cost'), { kind: 'ratio', value: 0.5, spread: 0, rounds: 3 });
});

test('fewer than three rounds give no ratio', (t) => {
  t.deepEqual(ratioOf(values([1, 1]), values([1, 1]), 'cost'), { kind: 'none', reason: '2 rounds' });
  t.is(MIN_ROUNDS, 3);
});

test('scattered rounds give no ratio', (t) => {
  t.deepEqual(ratioOf(values([100, 200, 300]), values([100, 100, 100]), 'cost'), {
    kind: 'none',
    reason: 'spread 50 %',
  });
});

test('a receiver that waited for the generator gives a ratio of cost, but none of rates', (t) => {
  const idle = values([100, 100, 100], { busy: 0.6 });
  t.is(ratioOf(idle, values([100, 100, 100]), 'cost').kind, 'ratio');
  t.deepEqual(ratioOf(idle, values([100, 100, 100]), 'rate'), { kind: 'none', reason: 'generator-bound' });
});

test('a peer that loses packets gives no ratio of rates', (t) => {
  const lossy = values([100, 100, 100], { lost: 0.94 });
  t.deepEqual(ratioOf(values([100, 100, 100]), lossy, 'rate'), { kind: 'none', reason: 'lost 94 %' });
});

test('a loss that nobody knows does not count as one', (t) => {
  const unknown = values([100, 100, 100], { lost: null });
  t.is(ratioOf(unknown, unknown, 'rate').kind, 'ratio');
});

test('a peer without a value gives no ratio', (t) => {
  t.is(ratioOf(values([1, 1, 1]), values([0, 0, 0]), 'cost').kind, 'none');
});

test('shares are printed as whole percents', (t) => {
  t.is(percent(0.126), '13 %');
});
