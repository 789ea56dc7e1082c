/** Rows of a summary as cells, for the terminal and for Markdown alike. */

import type { PeerRatio, RowSummary, Summary } from './analysis.ts';
import { percent, type Ratio } from './statistics.ts';

/** A table: cells as text, the first row is the header. */
export type Table = readonly (readonly string[])[];

/** The table of one row of a suite. */
export function tableOf(row: RowSummary): Table {
  const columns = COLUMNS[row.suite] ?? THROUGHPUT_COLUMNS;
  const header = ['', row.metric, '±', ...columns.map(({ name }) => name), 'ratio to'];
  return [
    header,
    ...row.contestants.map((one) => [
      one.info.label,
      format(one.value),
      percent(one.spread),
      ...columns.map(({ of }) => of(one)),
      ratioCell(one),
    ]),
  ];
}

interface Column {
  readonly name: string;
  readonly of: (summary: Summary) => string;
}

const THROUGHPUT_COLUMNS: readonly Column[] = [
  { name: 'k packets/s', of: ({ packetsPerSecond }) => format(packetsPerSecond / 1e3) },
  { name: 'Gbit/s', of: ({ gigabitsPerSecond }) => gigabitsPerSecond.toFixed(2) },
  { name: 'busy', of: ({ busy }) => percent(busy) },
  { name: 'packets/call', of: ({ packetsPerCall }) => (packetsPerCall === 0 ? '-' : packetsPerCall.toFixed(1)) },
  { name: 'lost', of: ({ lost }) => lostCell(lost) },
];

const FANOUT_COLUMNS: readonly Column[] = [
  { name: 'k packets/s', of: ({ packetsPerSecond }) => format(packetsPerSecond / 1e3) },
  { name: 'event loop delay p99, ms', of: delayP99 },
];

const LATENCY_COLUMNS: readonly Column[] = [
  { name: 'p90, ns', of: ({ extra }) => format(extra['p90Ns'] ?? 0) },
  { name: 'p99, ns', of: ({ extra }) => format(extra['p99Ns'] ?? 0) },
];

const millisecondsOf =
  (name: string): Column['of'] =>
  ({ extra }) =>
    extra[name] === undefined ? '-' : format(extra[name]);

const CNI_COLUMNS: readonly Column[] = [
  { name: 'ADD, ms', of: millisecondsOf('addMs') },
  { name: 'DEL, ms', of: millisecondsOf('delMs') },
  { name: 'CPU ms', of: millisecondsOf('cpuMs') },
];

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  fanout: FANOUT_COLUMNS,
  latency: LATENCY_COLUMNS,
  cni: CNI_COLUMNS,
};

function lostCell(lost: number | null): string {
  if (lost === null) return '-';
  return lost > 0 && lost < 0.005 ? '< 1 %' : percent(lost);
}

function ratioCell({ ratios }: Summary): string {
  return ratios.map(oneRatio).join('; ');
}

function oneRatio({ peer, ratio }: PeerRatio): string {
  return `${peer.label} ${ratioText(ratio)}`;
}

/** A ratio as text, or the reason why there is none. */
export function ratioText(ratio: Ratio): string {
  return ratio.kind === 'ratio' ? `${ratio.value.toFixed(2)} ± ${percent(ratio.spread)}` : `(none: ${ratio.reason})`;
}

/** Three digits that matter. */
export function format(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** For a terminal: columns in line. */
export function alignTable(table: Table): string {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((cells) => (cells[column] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column === 0 || column === cells.length - 1
          ? cell.padEnd(widths[column] ?? 0)
          : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return table.map(line).join('\n');
}

/** For Markdown. */
export function markdownTable(table: Table): string {
  const [header = [], ...body] = table;
  const rule = header.map((_, column) => (column === 0 || column === header.length - 1 ? '---' : '--:'));
  return [header, rule, ...body]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

/** The bare loop has no event loop. */
function delayP99({ extra }: Summary): string {
  const milliseconds = extra['delayP99Ms'];
  return milliseconds === undefined ? '-' : Math.max(0, milliseconds).toFixed(1);
}
