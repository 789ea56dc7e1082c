import test from 'ava';

import { summarise } from '../../bench/analysis.ts';
import { derivedFigures } from '../../bench/report/derived.ts';
import { renderReport } from '../../bench/report/report.ts';
import { drawPanels } from '../../bench/report/svg.ts';
import { ratioText } from '../../bench/table.ts';
import { fixture, withSamples } from './_support.ts';

const page = (): string => renderReport(fixture())[0]?.text ?? '';

test('a row keeps its contestants in the order of measurement, with median and spread', (t) => {
  const [row] = summarise(fixture());
  t.deepEqual(
    row?.contestants.map(({ info }) => info.id),
    ['c-recvmmsg8', 'c-recvmmsg64', 'go-recvmmsg', 'bare-recvmmsg', 'lp-recvmmsg'],
  );
  t.is(row?.contestants[4]?.value, 1020);
  t.is(row?.contestants[4]?.spread, 20 / 1020);
});

test('linkpoint is compared with gVisor, with the cheapest of C, and with the bare loop', (t) => {
  const [row] = summarise(fixture());
  const ratios = row?.contestants[4]?.ratios ?? [];
  t.deepEqual(
    ratios.map(({ peer }) => peer.id),
    ['go-recvmmsg', 'c-recvmmsg64', 'bare-recvmmsg'],
  );
  t.is(ratioText(ratios[0]?.ratio as never), '0.66 ± 1 %');
});

test('the bare loop is compared too, but not with itself', (t) => {
  const [row] = summarise(fixture());
  t.deepEqual(
    row?.contestants[3]?.ratios.map(({ peer }) => peer.id),
    ['go-recvmmsg', 'c-recvmmsg64'],
  );
});

test('peers are compared with nobody', (t) => {
  const [row] = summarise(fixture());
  t.deepEqual(
    row?.contestants.slice(0, 3).flatMap(({ ratios }) => ratios),
    [],
  );
});

test('a ratio that scatters is withheld, with the reason', (t) => {
  t.regex(page(), /Node cap \(none: spread \d+ %\)/);
});

test('losses are printed', (t) => {
  t.regex(page(), /\| Node cap \|.*\| 87 % \|/);
});

test('the page names the machine, the versions and what was left out, and says that it is generated', (t) => {
  const text = page();
  for (const part of [
    'Generated from',
    'Example CPU <1>',
    '6.18.0',
    'node v20.19.0',
    '- Not installed: Node raw-socket',
  ]) {
    t.true(text.includes(part), part);
  }
});

test('latency is reported by its percentiles', (t) => {
  t.regex(page(), /\| linkpoint inline echo \| 13600 \|.*\| 16000 \| 30000 \|/);
});

test('small things are reported beside their references', (t) => {
  t.regex(page(), /\| Internet checksum \| 64 B, reference \| 50\.0 \| 1 % \|/);
});

test('a scaling figure is withheld when the processes did not have their processors', (t) => {
  const [row] = summarise(fixture()).filter(({ suite }) => suite === 'fanout');
  const [one] = row?.contestants ?? [];
  if (row === undefined || one === undefined) return t.fail('the fixture has no fanout row');
  const as = (id: string, busy: number) => ({ ...one, info: { ...one.info, id }, busy });
  const workers = (busy: number) => [
    { ...row, name: '5 us a packet', contestants: [as('lp-1-worker', 1), as('lp-2-workers', busy)] },
  ];
  t.is(derivedFigures(workers(1))[0]?.[1], '1.00x');
  t.is(derivedFigures(workers(0.5))[0]?.[1], '(none: on a processor only 50 % of the time)');
});

test('figures between rows are those that both rows are there for', (t) => {
  const rows = summarise(fixture());
  t.deepEqual(derivedFigures(rows), [['Hand-over to the caller, CPU ns a packet', '300']]);
  t.deepEqual(derivedFigures(rows.slice(0, 1)), []);
});

test('every plot that the page shows is generated, and every generated plot is shown', (t) => {
  const [markdown, ...plots] = renderReport(fixture());
  const shown = [...(markdown?.text ?? '').matchAll(/\]\((benchmarks\/[^)]*)\)/g)].map(([, file]) => file);
  t.deepEqual(shown.sort(), plots.map(({ path }) => path).sort());
  t.true(plots.length >= 4);
});

test('a plot is well-formed and has a bar for each contestant', (t) => {
  const burst = renderReport(fixture()).find(({ path }) => path.endsWith('rx-burst.svg'))?.text ?? '';
  t.is(burst.match(/<path /g)?.length, 5);
  t.is(burst.match(/<text /g)?.length, burst.match(/<\/text>/g)?.length);
  t.true(burst.startsWith('<svg ') && burst.endsWith('</svg>\n'));
});

test('text in a plot is escaped', (t) => {
  const bar = { label: 'a < b & c', family: 'c', value: 1, least: 1, most: 1 };
  const svg = drawPanels('t', [{ title: 'p', unit: 'u', bars: [bar] }]);
  t.true(svg.includes('a &lt; b &amp; c'));
  t.false(svg.includes('a < b'));
});

test('the same run gives the same page, and another run another', (t) => {
  t.is(page(), page());
  const slower = withSamples(fixture(), (sample) => ({ ...sample, cpuNsPerPacket: sample.cpuNsPerPacket * 2 }));
  t.not(renderReport(slower)[0]?.text, page());
});
