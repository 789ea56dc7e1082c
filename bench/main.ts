/**
 * `npm run bench`: everything in at most 20 minutes, or one suite of it.
 *
 *     npm run bench -- [all|rx|tx|fanout|latency|micro|cni] [--rounds N] [--only TEXT] [--minutes N] [--out FILE]
 *     npm run bench -- report [FILE]                  docs/benchmarks.md and its plots, from a run
 *     npm run bench -- compare OLD NEW                what changed between two runs
 *
 * Needs no peer: scripts/setup-bench builds and installs them, and what is missing is named.
 */

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { summarise } from './analysis.ts';
import { runCni } from './cni.ts';
import { comparisonTable, compareResults, differences } from './compare.ts';
import { enterOwnNamespace } from './devices.ts';
import { runFanout } from './fanout.ts';
import { runLatency } from './latency.ts';
import { describeMachine, describeVersions } from './machine.ts';
import { runMicro } from './micro.ts';
import { endAllChildren } from './process.ts';
import { writeReport } from './report/report.ts';
import { LATEST, mergeResults, readResults, type Results, RESULTS_SCHEMA, writeResults } from './results.ts';
import { RX_ROWS, TX_ROWS } from './rows.ts';
import { TimeLimit } from './rounds.ts';
import { joinResults, NO_RESULTS, type RunOptions, type SuiteResults } from './suite.ts';
import { alignTable, tableOf } from './table.ts';
import { runThroughput } from './throughput.ts';

const SUITES: Readonly<Record<string, (options: RunOptions) => Promise<SuiteResults>>> = {
  rx: (options) => runThroughput(RX_ROWS, options),
  tx: (options) => runThroughput(TX_ROWS, options),
  fanout: runFanout,
  latency: runLatency,
  micro: runMicro,
  cni: runCni,
};

/** Minutes of a whole run; what a suite leaves is the next one's. */
const SHARES: Readonly<Record<string, number>> = { rx: 12.3, tx: 3, fanout: 1.6, latency: 0.6, micro: 0.2, cni: 1.8 };

const USAGE = `npm run bench -- [all|${Object.keys(SUITES).join('|')}]
              [--rounds N] [--only TEXT] [--minutes N] [--out FILE]
npm run bench -- report [FILE]
npm run bench -- compare OLD NEW`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    minutes: { type: 'string', default: '19.5' },
    out: { type: 'string', default: LATEST },
    help: { type: 'boolean', default: false },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  const [command = 'all', ...rest] = positionals;
  if (values.help) return print(USAGE);
  if (command === 'report') return print(writeReport(readResults(rest[0] ?? LATEST)).join('\n'));
  if (command === 'compare' && rest.length === 2) return compare(rest[0] as string, rest[1] as string);
  if (command === 'all') return run(Object.keys(SUITES));
  if (command in SUITES) return run([command]);
  console.error(USAGE);
  return 2;
}

function print(text: string): number {
  console.log(text);
  return 0;
}

function compare(oldPath: string, newPath: string): number {
  const [older, newer] = [readResults(oldPath), readResults(newPath)];
  for (const difference of differences(older, newer)) console.log(`differs in ${difference}`);
  return print(alignTable(comparisonTable(compareResults(older, newer))));
}

async function run(suites: readonly string[]): Promise<number> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      endAllChildren();
      process.exit(130);
    });
  }
  const machine = describeMachine(); // before the run loads it
  const [hasNamespace, namespaceNotes] = tryNamespace();
  const options: Omit<RunOptions, 'limit'> = {
    rounds: Number(values.rounds),
    only: values.only,
    hasNamespace,
    cpuCount: availableParallelism(),
    say: (text) => console.error(text),
  };
  let found: SuiteResults = { ...NO_RESULTS, notes: namespaceNotes };
  for (const [suite, limit] of timeLimits(suites)) {
    found = joinResults(found, await (SUITES[suite] as (typeof SUITES)[string])({ ...options, limit }));
  }
  const results = {
    schema: RESULTS_SCHEMA,
    when: new Date().toISOString(),
    machine,
    versions: describeVersions(),
    rounds: options.rounds,
    ...found,
  };
  writeResults(values.out, withOlder(results));
  show(results);
  return 0;
}

/** Each suite's deadline, from now on. */
function timeLimits(suites: readonly string[]): [string, TimeLimit][] {
  const sum = suites.reduce((minutes, suite) => minutes + (SHARES[suite] ?? 0), 0);
  let until = 0;
  return suites.map((suite) => {
    until += (SHARES[suite] ?? 0) / sum;
    return [suite, new TimeLimit(until * Number(values.minutes))];
  });
}

/** Devices are made in a namespace of our own, or not at all. */
function tryNamespace(): [boolean, string[]] {
  try {
    enterOwnNamespace();
    return [true, []];
  } catch (error) {
    return [false, [`Only socket pairs are measured: ${(error as Error).message}`]];
  }
}

/** Rows that were not measured this time stay, if the machine is the same. */
function withOlder(newer: Results): Results {
  if (!existsSync(values.out)) return newer;
  const older = readResults(values.out);
  const { cpu, kernel } = older.machine;
  return cpu === newer.machine.cpu && kernel === newer.machine.kernel ? mergeResults(older, newer) : newer;
}

function show(results: Results): void {
  for (const row of summarise(results)) console.log(`\n${row.suite}: ${row.name}\n${alignTable(tableOf(row))}`);
  for (const { group, name, nsPerOperation } of results.micro)
    console.log(`micro: ${group}: ${name}: ${nsPerOperation.toFixed(2)} ns`);
  for (const note of results.notes) console.log(`note: ${note}`);
  console.log(`\nwritten to ${values.out}`);
}
