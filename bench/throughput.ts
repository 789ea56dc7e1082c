/** The suites rx and tx: cost per packet of receiving and of sending. */

import { isInstalled } from './contestants.ts';
import { runRounds } from './rounds.ts';
import { possibleRows } from './rows.ts';
import { generatorCommand, measureSample, type Row } from './sample.ts';
import { infoOf, joinResults, NO_RESULTS, type RunOptions, type SuiteResults, wanted } from './suite.ts';

/** Runs rows one after the other. */
export async function runThroughput(rows: readonly Row[], options: RunOptions): Promise<SuiteResults> {
  let results = NO_RESULTS;
  for (const row of wanted(possibleRows(rows, options.hasNamespace, options.cpuCount), options)) {
    if (options.limit.hasPassed) {
      results = joinResults(results, { ...NO_RESULTS, notes: [`${row.name}: not begun, the time limit has passed`] });
      continue;
    }
    results = joinResults(results, await runRow(row, options));
  }
  const isWeak = results.samples.some(({ extra }) => extra['realtime'] === 0);
  const weak = isWeak ? ['Some bursts were sent without real-time priority: their queues were not always full'] : [];
  return joinResults(results, { ...NO_RESULTS, notes: [...omissions(rows, options), ...weak] });
}

async function runRow(row: Row, options: RunOptions): Promise<SuiteResults> {
  const contestants = row.contestants.filter(isInstalled);
  options.say(`${row.suite}  ${row.name}: ${contestants.length} contestants, ${options.rounds} rounds`);
  const { samples, notes } = await runRounds(
    row.name,
    contestants,
    options.rounds,
    options.limit,
    async (contestant, round) => {
      const outcome = await measureSample(row, contestant, round);
      if ('failure' in outcome) options.say(`     ${contestant.label}: ${outcome.failure}`);
      else options.say(`     ${contestant.label}: ${outcome.sample.cpuNsPerPacket.toFixed(0)} ns`);
      return outcome;
    },
  );
  return { contestants: contestants.map(infoOf), samples, micro: [], notes };
}

function omissions(rows: readonly Row[], options: RunOptions): string[] {
  const possible = possibleRows(rows, options.hasNamespace, options.cpuCount);
  const impossible = rows.filter((row) => !possible.includes(row)).map(({ name }) => name);
  const missing = new Set(
    rows.flatMap(({ contestants }) =>
      contestants.filter((contestant) => !isInstalled(contestant)).map(({ label }) => label),
    ),
  );
  const noGenerator = generatorCommand('live').length > 1;
  return [
    ...(impossible.length === 0
      ? []
      : [`Left out, for want of a right or of a second processor: ${impossible.join('; ')}`]),
    ...(missing.size === 0 ? [] : [`Not installed (scripts/setup-bench installs them): ${[...missing].join(', ')}`]),
    ...(noGenerator ? ['The generator is the one in Node: its bursts end by the clock, and it costs more'] : []),
  ];
}
