/** docs/benchmarks.md, from a run and from nothing else. */

import { type RowSummary, summarise } from '../analysis.ts';
import type { MicroSample, Results } from '../results.ts';
import { MAX_RATIO_SPREAD, MIN_BUSY, MIN_ROUNDS, percent } from '../statistics.ts';
import { format, markdownTable, tableOf } from '../table.ts';
import { derivedFigures } from './derived.ts';

/** A plot and the rows that it shows. */
export interface PlotReference {
  readonly suite: string;
  readonly file: string;
  readonly title: string;
}

const SUITE_TITLES: Readonly<Record<string, string>> = {
  rx: 'Receiving',
  tx: 'Sending',
  fanout: 'Many fds',
  latency: 'Latency',
  cni: 'CNI plugins',
};

/** The whole page. */
export function renderMarkdown(results: Results, plots: readonly PlotReference[]): string {
  const rows = summarise(results);
  const suites = Object.keys(SUITE_TITLES).filter((suite) => rows.some((row) => row.suite === suite));
  const parts = [
    heading(results),
    ...suites.map((suite) =>
      renderSuite(
        suite,
        rows.filter((row) => row.suite === suite),
        plots,
      ),
    ),
    renderDerived(rows),
    renderMicro(results.micro, plots),
    renderNotes(results.notes),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function heading({ machine, versions, when, rounds }: Results): string {
  const versionList = Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
  return `# Benchmarks

Generated from \`bench/results/latest.json\` by \`npm run bench -- report\`; not to be edited.

Measured ${when} on ${machine.cpu}, ${machine.cores} processors, ${machine.memoryGib} GiB,
Linux ${machine.kernel}, ${machine.os}; load before the run ${machine.loadBefore.toFixed(2)}.
Versions: ${versionList}.

How to read it:

- Contestants of a table took turns, each once a round, ${rounds} rounds, every other round backwards. A value is the
  median, ± is half the range over the median. A ratio is linkpoint's (or the bare loop's) cost over the peer's, formed
  inside each round; below 1 is cheaper. No ratio is given from fewer than ${MIN_ROUNDS} rounds or when its spread exceeds
  ${percent(MAX_RATIO_SPREAD)}. Rates are not compared: on one processor, or live, they are the generator's, too.
- CPU time is user and system time of the whole process, all its threads. Against C and gVisor the ratio is to the
  cheapest of their ways to do the same work.
- *burst*: a real-time generator on the receiver's own processor fills the queue and sleeps until the receiver has
  nothing to do; *busy* is then the receiver's share of the processor, the rest is the generator's. *live*: the
  generator is on the other processor; below ${percent(MIN_BUSY)} busy, it was the limit. *k/s*: paced, one frame at a time.
- *bare FFI*: the same system call, batch and memory as linkpoint's, called from Node in a loop without an endpoint.
- Programs in Node are given time to be compiled: linkpoint's warm up on a private socket pair before the first packet,
  see [performance](design/performance.md); then 0.3 s of the row's own packets, 2.5 s of rings, 1.5 s of senders.
- *lost*: frames that were sent and never delivered, warm-up included.
- *CNI plugins*: a call from its start to its end, as a runtime waits for it; a sample is the median of five pairs of
  calls, with a pause before each. CPU time is that of all its processes. Debian's are the reference,
  containernetworking-plugins in Go.
- A super-packet of 65,000 B crosses whole where there is a virtio-net header. gVisor has none on TUN: no row there.`;
}

function renderSuite(suite: string, rows: readonly RowSummary[], plots: readonly PlotReference[]): string {
  const images = plots.filter((plot) => plot.suite === suite).map(({ title, file }) => `![${title}](${file})`);
  const tables = rows.map((row) => `### ${row.name}\n\n${markdownTable(tableOf(row))}`);
  return [`## ${SUITE_TITLES[suite] ?? suite}`, ...images, ...tables].join('\n\n');
}

function renderDerived(rows: readonly RowSummary[]): string {
  const figures = derivedFigures(rows);
  if (figures.length === 0) return '';
  const table = markdownTable([['', 'value'], ...figures]);
  return `## Scaling, hand-over, bytes\n\n${table}`;
}

function renderMicro(micro: readonly MicroSample[], plots: readonly PlotReference[]): string {
  if (micro.length === 0) return '';
  const images = plots.filter(({ suite }) => suite === 'micro').map(({ title, file }) => `![${title}](${file})`);
  const table = micro.map(({ group, name, nsPerOperation, margin }) => [
    group,
    name,
    format(nsPerOperation),
    percent(margin),
  ]);
  return ['## Small things', ...images, markdownTable([['', 'operation', 'ns (p50)', '±'], ...table])].join('\n\n');
}

function renderNotes(notes: readonly string[]): string {
  return notes.length === 0
    ? ''
    : `## What went wrong or was left out\n\n${notes.map((note) => `- ${note}`).join('\n')}`;
}
