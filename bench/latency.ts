/**
 * The suite latency: a C program sends a frame over a socketpair and waits for it to come back.
 *
 *     ping (C) ══ socketpair ══ contestant: echo            both on one processor
 */

import { existsSync } from 'node:fs';
import { childPath, type Contestant, isInstalled, peerPath } from './contestants.ts';
import { type Device, openDevice } from './devices.ts';
import { Child } from './process.ts';
import { frameHead } from './frames.ts';
import type { Sample } from './results.ts';
import { runRounds } from './rounds.ts';
import { CONTESTANT_CPU } from './sample.ts';
import { infoOf, joinResults, NO_RESULTS, type RunOptions, type SuiteResults, wanted } from './suite.ts';

const FRAME_BYTES = 64;
const START_MILLISECONDS = 10_000;

interface LatencyRow {
  readonly name: string;
  readonly count: number;
  readonly idleMicroseconds: number;
}

const ROWS: readonly LatencyRow[] = [
  { name: 'Ping-pong, back to back', count: 4000, idleMicroseconds: 0 },
  { name: 'Ping-pong, 1 ms idle before each', count: 250, idleMicroseconds: 1000 },
];

const echoer = (id: string, label: string, family: Contestant['family'], command: readonly string[]): Contestant => ({
  ...{ id, label, family, work: 'echo', countsVnet: false, command: () => command },
  needs: command.find((word) => word.startsWith('/') && word !== process.execPath) ?? '',
});

const ECHOERS: readonly Contestant[] = [
  echoer('c-echo', 'C poll + read', 'c', [peerPath('latency'), '--role', 'echo']),
  echoer('go-echo-readv', 'gVisor readv', 'go', [peerPath('fdbased'), '-role', 'echo', '-mode', 'readv']),
  echoer('go-echo-recvmmsg', 'gVisor recvmmsg', 'go', [peerPath('fdbased'), '-role', 'echo', '-mode', 'recvmmsg']),
  echoer('bare-echo', 'bare FFI poll + read', 'bare', [process.execPath, childPath('bare-echo')]),
  echoer('lp-echo-recvmmsg', 'linkpoint recvmmsg, inline', 'linkpoint', [process.execPath, childPath('endpoint-echo')]),
  echoer('lp-echo-readv', 'linkpoint readv, inline', 'linkpoint', [
    process.execPath,
    childPath('endpoint-echo'),
    '--mode',
    'readv',
  ]),
];

/** Runs the suite. */
export async function runLatency(options: RunOptions): Promise<SuiteResults> {
  if (!existsSync(peerPath('latency')))
    return { ...NO_RESULTS, notes: ['latency: left out, scripts/setup-bench builds its C program'] };
  const contestants = ECHOERS.filter(isInstalled);
  let results: SuiteResults = { ...NO_RESULTS, contestants: contestants.map(infoOf) };
  for (const row of wanted(ROWS, options)) {
    options.say(`latency  ${row.name}`);
    const run = await runRounds(row.name, contestants, options.rounds, options.limit, (contestant, round) =>
      measure(row, contestant, round),
    );
    results = joinResults(results, { ...NO_RESULTS, ...run });
  }
  return results;
}

async function measure(
  row: LatencyRow,
  contestant: Contestant,
  round: number,
): Promise<{ sample: Sample } | { failure: string }> {
  using device = openDevice('seqpacket');
  const echo = new Child(contestant.command(setting(device)), [device.fd], CONTESTANT_CPU);
  device.handOver();
  try {
    if ((await echo.line(START_MILLISECONDS)) === null) return { failure: `did not start: ${echo.complaint}` };
    const head = frameHead({ bytes: FRAME_BYTES, hasEthernet: false });
    const args = [
      '--role',
      'ping',
      '--count',
      String(row.count),
      '--idle-us',
      String(row.idleMicroseconds),
      '--head',
      head,
    ];
    const ping = new Child([peerPath('latency'), ...args], [device.generatorFd], CONTESTANT_CPU);
    const line = await ping.line(START_MILLISECONDS);
    await ping.end();
    const [p50, p90, p99] = ['p50Ns', 'p90Ns', 'p99Ns'].map((name) => Number(line?.[name]));
    if (p50 === undefined || Number.isNaN(p50)) return { failure: String(line?.['error'] ?? 'no result') };
    return { sample: sampleOf(row, contestant, round, { p50Ns: p50, p90Ns: p90 ?? 0, p99Ns: p99 ?? 0 }) };
  } finally {
    await echo.end();
  }
}

function setting(device: Device): Parameters<Contestant['command']>[0] {
  return { kind: device.kind, frameBytes: FRAME_BYTES, head: '', vnetHead: '', interfaceName: '' };
}

/** The percentiles are what counts; the fields of throughput stay 0. */
function sampleOf(row: LatencyRow, { id }: Contestant, round: number, extra: Record<string, number>): Sample {
  const nothing = { seconds: 0, cpuNsPerPacket: 0, userNsPerPacket: 0, systemNsPerPacket: 0, packetsPerSecond: 0 };
  const still = { gigabitsPerSecond: 0, busy: 1, packetsPerCall: 0, lost: null };
  return {
    suite: 'latency',
    row: row.name,
    contestant: id,
    round,
    frameBytes: FRAME_BYTES,
    packets: row.count,
    ...nothing,
    ...still,
    extra,
  };
}
