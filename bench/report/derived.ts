/** Figures that stand between contestants of one kind, or between rows: scaling, hand-over, bytes per CPU second. */

import type { RowSummary, Summary } from '../analysis.ts';
import { MAX_RATIO_SPREAD, MIN_BUSY, percent } from '../statistics.ts';
import { format } from '../table.ts';

interface Figure {
  readonly label: string;
  /** Two entries, each a row by the beginning of its name, and a contestant. */
  readonly of: readonly [row: RegExp, contestant: string];
  readonly to: readonly [row: RegExp, contestant: string];
  readonly say: (a: Entry, b: Entry) => string;
  /** The figure is a rate: worth nothing when the processes did not have their processors. */
  readonly isRate?: boolean;
}

interface Entry extends Summary {
  readonly frameBytes: number;
}

const times = (value: number): string => `${format(value)}x`;
const cost = (a: Entry, b: Entry): string => times(a.value / b.value);
const bytesPerSecond = ({ frameBytes, value }: Entry): number => frameBytes / value;

const FIGURES: readonly Figure[] = [
  {
    label: '2 workers deliver, times 1 worker',
    of: [/^5 us/, 'lp-2-workers'],
    to: [/^5 us/, 'lp-1-worker'],
    say: (a, b) => times(a.packetsPerSecond / b.packetsPerSecond),
    isRate: true,
  },
  {
    label: 'Hand-over to the caller, CPU ns a packet',
    of: [/^Hand-over/, 'lp-ring'],
    to: [/^Hand-over/, 'lp-inline'],
    say: (a, b) => (a.value - b.value).toFixed(0),
  },
  {
    label: 'Cost a packet with 64 endpoints, times with 1',
    of: [/^Endpoints/, 'lp-64-endpoints'],
    to: [/^Endpoints/, 'lp-1-endpoints'],
    say: cost,
  },
  { label: 'Cost a packet with 8 fds, times with 1', of: [/^Fds/, 'lp-8-fds'], to: [/^Fds/, 'lp-1-fds'], say: cost },
  {
    label: 'TUN + vnet header, 65,000 B: bytes a CPU second, times gVisor on TUN at 1500 B (two tables)',
    of: [/^TUN \+ vnet header, 65000 B, burst/, 'lp-readv'],
    to: [/^TUN, 1500 B, burst/, 'go-readv'],
    say: (a, b) => times(bytesPerSecond(a) / bytesPerSecond(b)),
  },
];

/** Label and value, or the reason why there is none; what was not measured is left out. */
export function derivedFigures(rows: readonly RowSummary[]): string[][] {
  return FIGURES.flatMap((figure) => {
    const [a, b] = [find(rows, figure.of), find(rows, figure.to)];
    return a === undefined || b === undefined ? [] : [[figure.label, doubt(figure, a, b) ?? figure.say(a, b)]];
  });
}

function find(rows: readonly RowSummary[], [name, id]: readonly [RegExp, string]): Entry | undefined {
  const row = rows.find((candidate) => name.test(candidate.name));
  const summary = row?.contestants.find(({ info }) => info.id === id);
  return row === undefined || summary === undefined ? undefined : { ...summary, frameBytes: row.frameBytes };
}

function doubt({ isRate = false }: Figure, a: Entry, b: Entry): string | null {
  const worst = Math.max(a.spread, b.spread);
  if (worst > MAX_RATIO_SPREAD) return `(none: spread ${percent(worst)})`;
  const busy = Math.min(a.busy, b.busy);
  return isRate && busy < MIN_BUSY ? `(none: on a processor only ${percent(busy)} of the time)` : null;
}
