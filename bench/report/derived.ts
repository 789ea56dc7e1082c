/** Figures that stand between rows: scaling, hand-over, bytes per processor second. */

import type { RowSummary, Summary } from '../analysis.ts';
import { format } from '../table.ts';

/** Label and value, ready to print; what was not measured is left out. */
export function derivedFigures(rows: readonly RowSummary[]): string[][] {
  const find = (name: RegExp, id: string): Summary | undefined =>
    rows.find((row) => name.test(row.name))?.contestants.find(({ info }) => info.id === id);
  const figures: (string[] | null)[] = [
    quotient('2 workers deliver, times 1 worker', find(/^5 us/, 'lp-2-workers'), find(/^5 us/, 'lp-1-worker'), rate),
    difference('Hand-over to the caller, CPU ns a packet', find(/^Hand-over/, 'lp-ring'), find(/^Hand-over/, 'lp-inline')),
    quotient('Cost a packet with 64 endpoints, times with 1', find(/^Endpoints/, 'lp-64-endpoints'), find(/^Endpoints/, 'lp-1-endpoints'), cost),
    quotient('Cost a packet with 8 fds, times with 1', find(/^Fds/, 'lp-8-fds'), find(/^Fds/, 'lp-1-fds'), cost),
    perByte('TUN + vnet header: bytes a CPU second, times gVisor on TUN at 1500 B', rows, find),
  ];
  return figures.filter((figure) => figure !== null);
}

const rate = ({ packetsPerSecond }: Summary): number => packetsPerSecond;
const cost = ({ value }: Summary): number => value;

function quotient(label: string, a: Summary | undefined, b: Summary | undefined, of: (summary: Summary) => number): string[] | null {
  return a === undefined || b === undefined ? null : [label, `${format(of(a) / of(b))}x`];
}

function difference(label: string, a: Summary | undefined, b: Summary | undefined): string[] | null {
  return a === undefined || b === undefined ? null : [label, (a.value - b.value).toFixed(0)];
}

function perByte(label: string, rows: readonly RowSummary[], find: (name: RegExp, id: string) => Summary | undefined): string[] | null {
  const bytesOf = (name: RegExp): number => rows.find((row) => name.test(row.name))?.frameBytes ?? 0;
  const [superName, fullName] = [/^TUN \+ vnet header, \d+ B, burst/, /^TUN, 1500 B, burst/];
  const [ours, theirs] = [find(superName, 'lp-readv'), find(fullName, 'go-readv')];
  if (ours === undefined || theirs === undefined) return null;
  return [label, `${format((bytesOf(superName) / ours.value) * (theirs.value / bytesOf(fullName)))}x`];
}
