import test from 'ava';

import { comparisonTable, compareResults, differences } from '../../bench/compare.ts';
import { mergeResults, readResults } from '../../bench/results.ts';
import { alignTable } from '../../bench/table.ts';
import { fixture, FIXTURE, withSamples } from './_support.ts';

const times = (factor: number) =>
  withSamples(fixture(), (sample) =>
    sample.contestant === 'lp-recvmmsg' ? { ...sample, cpuNsPerPacket: sample.cpuNsPerPacket * factor } : sample,
  );

test('a run compared with itself has not changed', (t) => {
  const changes = compareResults(fixture(), fixture());
  t.true(changes.length > 10);
  t.true(changes.every(({ verdict, change }) => verdict === 'same' && change === 0));
});

test('what costs more than the rounds scatter is slower, the rest is the same', (t) => {
  const changed = compareResults(fixture(), times(1.5)).filter(({ verdict }) => verdict !== 'same');
  t.deepEqual(
    changed.map(({ label, verdict }) => `${label} ${verdict}`),
    ['linkpoint recvmmsg slower', 'linkpoint recvmmsg slower'],
  );
});

test('what costs less is faster', (t) => {
  const changed = compareResults(times(1.5), fixture()).filter(({ verdict }) => verdict !== 'same');
  t.true(changed.length === 2 && changed.every(({ verdict }) => verdict === 'faster'));
});

test('a change that the rounds themselves show is none', (t) => {
  t.true(compareResults(fixture(), times(1.04)).every(({ verdict }) => verdict === 'same'));
});

test('changes come first in the table', (t) => {
  const lines = alignTable(comparisonTable(compareResults(fixture(), times(1.5)))).split('\n');
  t.regex(lines[1] ?? '', /linkpoint recvmmsg .*\+50 %.*slower$/);
  t.regex(lines.at(-1) ?? '', /same$/);
});

test('another machine and other versions are told', (t) => {
  const run = fixture();
  const other = { ...run, machine: { ...run.machine, kernel: '6.19.0' }, versions: { ...run.versions, go: '1.19' } };
  t.deepEqual(differences(run, other), ['kernel: "6.18.0" and "6.19.0"', 'go: none and 1.19']);
  t.deepEqual(differences(run, run), []);
});

test('rows that were measured again replace the older ones, the others stay', (t) => {
  const run = fixture();
  const again = { ...run, micro: [], samples: times(2).samples.filter(({ row }) => row === 'SEQPACKET, 64 B, burst') };
  const merged = mergeResults(run, again);
  t.is(merged.samples.length, run.samples.length);
  const ours = merged.samples
    .filter(({ contestant }) => contestant === 'lp-recvmmsg')
    .map(({ cpuNsPerPacket }) => cpuNsPerPacket);
  t.deepEqual(
    ours.sort((a, b) => a - b),
    [790, 800, 820, 2000, 2040, 2080],
  );
  t.is(merged.micro.length, run.micro.length);
});

test('a file of another schema is refused', (t) => {
  t.throws(() => readResults(FIXTURE.replace('fixtures/bench/results.json', 'fixtures/bench/other-schema.json')), {
    message: /schema is 0/,
  });
});
