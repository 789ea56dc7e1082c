/** Everything that is generated from a run: the page and its plots. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RowSummary, summarise } from '../analysis.ts';
import { type Results, ROOT } from '../results.ts';
import { type PlotReference, renderMarkdown } from './markdown.ts';
import { drawPanels, type Panel } from './svg.ts';

/** A generated file: its path in docs/, and its text. */
export interface GeneratedFile {
  readonly path: string;
  readonly text: string;
}

interface Plot extends PlotReference {
  readonly panels: readonly Panel[];
}

/** Who is who among plugins. */
const CNI_NAMES = { go: "Debian's (Go)", bare: 'Node alone' };

/** The page and its plots, as text. */
export function renderReport(results: Results): GeneratedFile[] {
  const plots = plotsOf(results);
  return [
    { path: 'benchmarks.md', text: renderMarkdown(results, plots) },
    ...plots.map(({ suite, file, title, panels }) => ({
      path: file,
      text: drawPanels(title, panels, suite === 'cni' ? CNI_NAMES : {}),
    })),
  ];
}

/** Writes them to docs/; their paths. */
export function writeReport(results: Results): string[] {
  const files = renderReport(results);
  mkdirSync(join(ROOT, 'docs', 'benchmarks'), { recursive: true });
  for (const { path, text } of files) writeFileSync(join(ROOT, 'docs', path), text);
  return files.map(({ path }) => join('docs', path));
}

function plotsOf(results: Results): Plot[] {
  const rows = summarise(results);
  const rx = rows.filter(({ suite }) => suite === 'rx');
  const isBurst = ({ name }: RowSummary): boolean => name.includes(', burst');
  const plots = [
    plot('rx', 'rx-burst', 'Receiving from a full queue', rx.filter(isBurst)),
    plot(
      'rx',
      'rx-live',
      'Receiving, generator on the other processor',
      rx.filter((row) => !isBurst(row)),
    ),
    ...['tx', 'fanout', 'latency', 'cni'].map((suite) =>
      plot(
        suite,
        suite,
        { tx: 'Sending', fanout: 'Many fds', latency: 'Latency', cni: 'CNI plugins' }[suite] ?? suite,
        rows.filter((row) => row.suite === suite),
      ),
    ),
    microPlot(results),
  ];
  return plots.filter(({ panels }) => panels.length > 0);
}

function plot(suite: string, name: string, title: string, rows: readonly RowSummary[]): Plot {
  const panels = rows.map((row) => ({
    title: row.name,
    unit: row.metric,
    bars: row.contestants.map(({ info, value, least, most }) => ({
      label: info.label,
      family: info.family,
      value,
      least,
      most,
    })),
  }));
  return { suite, file: `benchmarks/${name}.svg`, title, panels };
}

/** A panel a group. */
function microPlot({ micro }: Results): Plot {
  const groups = new Map<string, Panel>();
  for (const { group: title, name, nsPerOperation: value } of micro) {
    const family = name.includes('reference') ? 'reference' : 'linkpoint';
    const bars = [...(groups.get(title)?.bars ?? []), { label: name, family, value, least: value, most: value }];
    groups.set(title, { title, unit: 'ns per operation, p50', bars });
  }
  return { suite: 'micro', file: 'benchmarks/micro.svg', title: 'Small things', panels: [...groups.values()] };
}
