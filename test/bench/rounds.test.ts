import test from 'ava';

import { orderOf, runRounds, TimeLimit } from '../../bench/rounds.ts';

const A = { label: 'A' };
const B = { label: 'B' };
const C = { label: 'C' };

test('contestants take turns, and every other round goes backwards', async (t) => {
  const order: string[] = [];
  const run = await runRounds('row', [A, B, C], 3, new TimeLimit(1), async ({ label }, round) => {
    order.push(`${label}${round}`);
    return { sample: label };
  });
  t.deepEqual(order, ['A0', 'B0', 'C0', 'C1', 'B1', 'A1', 'A2', 'B2', 'C2']);
  t.deepEqual(run.notes, []);
  t.is(run.samples.length, 9);
});

test('the order of a round leaves the list of contestants as it is', (t) => {
  const list = [A, B];
  t.deepEqual(orderOf(list, 1), [B, A]);
  t.deepEqual(list, [A, B]);
});

test('a contestant that has only failed, twice, is out, and is named with its reason', async (t) => {
  let attempts = 0;
  const run = await runRounds('row', [A, B], 5, new TimeLimit(1), async (contestant) => {
    if (contestant === A) return { sample: 1 };
    attempts++;
    return { failure: 'no packet in the window' };
  });
  t.is(attempts, 2);
  t.is(run.samples.length, 5);
  t.deepEqual(run.notes, ['row: B failed 2 times: no packet in the window']);
});

test('a contestant that has given a sample is tried in every round', async (t) => {
  let attempts = 0;
  const run = await runRounds('row', [A], 5, new TimeLimit(1), async (_, round) => {
    attempts++;
    return round === 0 ? { sample: 1 } : { failure: 'the machine was busy' };
  });
  t.is(attempts, 5);
  t.deepEqual(run.notes, ['row: A failed 4 times: the machine was busy']);
});

test('no round is begun after the time limit, and the row says so', async (t) => {
  const run = await runRounds('row', [A], 5, new TimeLimit(-1), async () => ({ sample: 1 }));
  t.deepEqual(run.samples, []);
  t.deepEqual(run.notes, ['row: cut short by the time limit']);
});
