/**
 * Two runs side by side. They did not take turns, so a change counts only where it exceeds what both runs' own rounds
 * scattered by.
 */

import { type Summary, summarise } from './analysis.ts';
import type { Results } from './results.ts';
import { percent } from './statistics.ts';
import { format, type Table } from './table.ts';

/** Changes below this are not worth a word, however steady the rounds. */
const LEAST_CHANGE = 0.05;

/** One contestant in one row of both runs. */
export interface Change {
  readonly row: string;
  readonly label: string;
  readonly before: number;
  readonly after: number;
  /** after / before - 1. */
  readonly change: number;
  /** What both runs scattered by. */
  readonly noise: number;
  readonly verdict: 'faster' | 'slower' | 'same';
}

/** What changed, in the order of the newer run. */
export function compareResults(older: Results, newer: Results): Change[] {
  const before = new Map(
    summarise(older).flatMap((row) =>
      row.contestants.map((one) => [`${row.suite} ${row.name} ${one.info.id}`, one] as const),
    ),
  );
  const rows = summarise(newer).flatMap((row) =>
    row.contestants.flatMap((one) => {
      const old = before.get(`${row.suite} ${row.name} ${one.info.id}`);
      return old === undefined ? [] : [changeOf(`${row.suite}: ${row.name}`, old, one)];
    }),
  );
  return [...rows, ...compareMicro(older, newer)];
}

function changeOf(row: string, before: Summary, after: Summary): Change {
  return judge(row, after.info.label, before.value, after.value, before.spread + after.spread);
}

function compareMicro(older: Results, newer: Results): Change[] {
  return newer.micro.flatMap(({ group, name, nsPerOperation, margin }) => {
    const old = older.micro.find((one) => one.group === group && one.name === name);
    return old === undefined
      ? []
      : [judge(`micro: ${group}`, name, old.nsPerOperation, nsPerOperation, margin + old.margin)];
  });
}

function judge(row: string, label: string, before: number, after: number, noise: number): Change {
  const change = after / before - 1;
  const counts = Math.abs(change) > Math.max(noise, LEAST_CHANGE);
  return { row, label, before, after, change, noise, verdict: !counts ? 'same' : change < 0 ? 'faster' : 'slower' };
}

/** What makes two runs hard to compare. */
export function differences(older: Results, newer: Results): string[] {
  const machine = (['cpu', 'cores', 'kernel'] as const).flatMap((name) => {
    const [before, after] = [older.machine[name], newer.machine[name]];
    return before === after ? [] : [`${name}: "${before}" and "${after}"`];
  });
  const names = [...new Set([...Object.keys(older.versions), ...Object.keys(newer.versions)])];
  const versions = names.flatMap((name) => {
    const [before = 'none', after = 'none'] = [older.versions[name], newer.versions[name]];
    return before === after ? [] : [`${name}: ${before} and ${after}`];
  });
  return [...machine, ...versions];
}

/** As a table: what changed first, then the rest. */
export function comparisonTable(changes: readonly Change[]): Table {
  const sorted = [
    ...changes.filter(({ verdict }) => verdict !== 'same'),
    ...changes.filter(({ verdict }) => verdict === 'same'),
  ];
  const body = sorted.map(({ row, label, before, after, change, noise, verdict }) => [
    `${row}: ${label}`,
    ...[format(before), format(after), `${change > 0 ? '+' : ''}${percent(change)}`, percent(noise)],
    verdict,
  ]);
  return [['', 'before', 'after', 'change', 'noise', ''], ...body];
}
