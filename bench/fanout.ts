/**
 * The suite fanout: one process, many fds.
 *
 *     generator (real time, same processor) ══ pair 0, 1, 2 ... ══ one process, inline | ring | worker
 *
 * Where all processors work, a generator would take its share of them: there the queues are filled before the process
 * starts, with more than it can deliver in its window.
 */

import {
  allocatePinned,
  closeFd,
  constants,
  freePinned,
  MessageTable,
  setBufferSizes,
  socketPair,
} from '../native/index.ts';
import { childPath } from './contestants.ts';
import { frameHead } from './frames.ts';
import { Child } from './process.ts';
import type { ContestantInfo, Sample } from './results.ts';
import { runRounds } from './rounds.ts';
import { CONTESTANT_CPU, generatorCommand } from './sample.ts';
import { infoOf, joinResults, NO_RESULTS, type RunOptions, type SuiteResults, wanted } from './suite.ts';

const FRAME_BYTES = 64;
const WARM_MILLISECONDS = 300;
const MEASURE_MILLISECONDS = 400;
const GENERATOR_MILLISECONDS = WARM_MILLISECONDS + MEASURE_MILLISECONDS + 150;
const START_MILLISECONDS = 10_000;
const FRAME_HEAD = frameHead({ bytes: FRAME_BYTES, hasEthernet: false });
const BUFFER_BYTES = 1 << 23;
/** Half a second of a dispatcher that takes 5 us, and what a queue of so many costs. */
const PREFILL_PACKETS = 100_000;
const PREFILL_BUFFER_BYTES = 1 << 28;
/** The window of a prefilled row begins when its workers have started. */
const PREFILLED_WARM_MILLISECONDS = 120;
const PREFILLED_MEASURE_MILLISECONDS = 250;

interface Shape extends ContestantInfo {
  readonly fdCount: number;
  readonly args: readonly string[];
  /** Its program below children/. */
  readonly program: 'fanout-rx' | 'bare-rx';
  /** One processor for everything and a generator on it, or all processors and queues filled in advance. */
  readonly isPinned: boolean;
}

interface FanoutRow {
  readonly name: string;
  readonly shapes: readonly Shape[];
}

function shape(label: string, fdCount: number, args: readonly string[], isPinned: boolean): Shape {
  const id = `lp-${label.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}`;
  const program = 'fanout-rx';
  return { id, label: `linkpoint ${label}`, family: 'linkpoint', work: 'fanout', fdCount, args, program, isPinned };
}

/** The bare loop over as many fds, with one arena for all: what is more than this is the endpoints'. */
function bareShape(fdCount: number): Shape {
  const info = { id: `bare-${fdCount}`, label: `bare FFI ${fdCount} fds`, family: 'bare', work: `fds-${fdCount}` } as const;
  return { ...info, fdCount, args: ['--mode', 'recvmmsg', '--slot', '1500'], program: 'bare-rx', isPinned: true };
}

const burn = (microseconds: number): string[] => ['--burn-us', String(microseconds)];

const ROWS: readonly FanoutRow[] = [
  {
    name: '5 us a packet, in workers, all processors',
    shapes: [1, 2].map((count) =>
      shape(`${count} worker${count > 1 ? 's' : ''}`, count, ['--run', 'worker', ...burn(5)], false),
    ),
  },
  {
    name: 'Hand-over: one fd, one processor',
    shapes: ['inline', 'ring', 'worker'].map((run) => shape(run, 1, ['--run', run], true)),
  },
  {
    name: 'Endpoints in a process, inline, one processor',
    shapes: [1, 4, 16, 64].flatMap((count) => [
      bareShape(count),
      { ...shape(`${count} endpoints`, count, ['--shape', 'each'], true), work: `fds-${count}` },
    ]),
  },
  {
    name: 'Fds in a group, inline, one processor',
    shapes: [1, 2, 4, 8].map((count) => shape(`${count} fds`, count, ['--shape', 'group'], true)),
  },
  {
    name: 'Flood: 16 endpoints, 1 us a packet: delay of the event loop',
    shapes: [shape('16 flooded endpoints', 16, ['--shape', 'each', ...burn(1)], true)],
  },
];

/** Runs the suite. */
export async function runFanout(options: RunOptions): Promise<SuiteResults> {
  let results = NO_RESULTS;
  for (const row of wanted(ROWS, options)) {
    if (row.shapes.some(({ isPinned }) => !isPinned) && options.cpuCount < 2) continue;
    options.say(`fanout  ${row.name}`);
    const run = await runRounds(row.name, row.shapes, options.rounds, options.limit, (one, round) =>
      measure(row, one, round),
    );
    results = joinResults(results, { ...NO_RESULTS, ...run, contestants: row.shapes.map(infoOf) });
  }
  return results;
}

async function measure(row: FanoutRow, one: Shape, round: number): Promise<{ sample: Sample } | { failure: string }> {
  const pairs = Array.from({ length: one.fdCount }, () => openPair(one.isPinned ? BUFFER_BYTES : PREFILL_BUFFER_BYTES));
  if (!one.isPinned) for (const [, fd] of pairs) prefill(fd);
  const child = start(
    one,
    pairs.map(([fd]) => fd),
  );
  let generator: Child | null = null;
  try {
    if ((await child.line(START_MILLISECONDS)) === null) return { failure: `did not start: ${child.complaint}` };
    if (one.isPinned) generator = startGenerator(pairs.map(([, fd]) => fd));
    const line = await child.line(START_MILLISECONDS);
    if (line === null) return { failure: `ended: ${child.complaint}` };
    if (!one.isPinned && Number(line['total']) >= PREFILL_PACKETS * one.fdCount)
      return { failure: 'the queues ran empty' };
    return { sample: sampleOf(row, one, round, line) };
  } finally {
    await Promise.all([child.end(), generator?.end()]);
    for (const fd of pairs.flat()) closeFd(fd);
  }
}

function start({ isPinned, args, program }: Shape, fds: readonly number[]): Child {
  const warm = isPinned ? WARM_MILLISECONDS : PREFILLED_WARM_MILLISECONDS;
  const window = isPinned ? MEASURE_MILLISECONDS : PREFILLED_MEASURE_MILLISECONDS;
  const names = fds.map((_, index) => 3 + index).join(',');
  const times = ['--warm-ms', String(warm), '--measure-ms', String(window)];
  const prefilled = program === 'fanout-rx' ? ['--prefilled', String(!isPinned)] : [];
  return new Child(
    [process.execPath, childPath(program), '--fds', names, ...args, ...times, ...prefilled],
    fds,
    isPinned ? CONTESTANT_CPU : -1,
  );
}

function openPair(bytes: number): [number, number] {
  const pair = socketPair();
  for (const fd of pair) setBufferSizes(fd, { send: bytes, receive: bytes, force: true });
  return pair;
}

function prefill(fd: number): void {
  const batch = 64;
  const frame = allocatePinned(FRAME_BYTES);
  frame.bytes.set(Buffer.from(FRAME_HEAD, 'hex'));
  const table = new MessageTable(batch, 1);
  for (let message = 0; message < batch; message++) table.setIovec(message, 0, frame.address, FRAME_BYTES);
  for (let left = PREFILL_PACKETS; left > 0;) {
    const sent = table.send(fd, 0, Math.min(batch, left), constants.MSG_DONTWAIT);
    if (sent <= 0) break; // the window then finds the queue empty, and says so
    left -= sent;
  }
  table.close();
  freePinned(frame);
}

/** Real-time, on the processor of the process that it feeds. */
function startGenerator(fds: readonly number[]): Child {
  const names = fds.map((_, index) => 3 + index).join(',');
  const frame = ['--size', String(FRAME_BYTES), '--head', FRAME_HEAD];
  const burst = ['--regime', 'burst', '--burst', String(Math.max(64, 512 / fds.length))];
  return new Child(
    [...generatorCommand('burst'), '--fds', names, ...burst, '--ms', String(GENERATOR_MILLISECONDS), ...frame],
    fds,
    CONTESTANT_CPU,
  );
}

function sampleOf(row: FanoutRow, one: Shape, round: number, line: Readonly<Record<string, unknown>>): Sample {
  const number = (name: string): number => Number(line[name] ?? 0);
  const [packets, seconds] = [number('packets'), number('seconds')];
  const cpuNs = number('userNs') + number('systemNs');
  return {
    ...{ suite: 'fanout', row: row.name, contestant: one.id, round, frameBytes: FRAME_BYTES, packets, seconds },
    cpuNsPerPacket: cpuNs / packets,
    userNsPerPacket: number('userNs') / packets,
    systemNsPerPacket: number('systemNs') / packets,
    packetsPerSecond: packets / seconds,
    gigabitsPerSecond: (packets * FRAME_BYTES * 8) / seconds / 1e9,
    busy: cpuNs / 1e9 / seconds / (one.isPinned ? 1 : one.fdCount),
    packetsPerCall: 0,
    lost: null,
    extra: line['delayP99Ms'] === undefined ? {} : { delayP99Ms: number('delayP99Ms') },
  };
}
