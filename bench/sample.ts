/** One sample: a device, a generator or a drain, a contestant, and what became of it. */

import { existsSync } from 'node:fs';
import { setNonblocking } from '../native/index.ts';
import { childPath, type Contestant, peerPath, type Setting } from './contestants.ts';
import { type Device, type DeviceKind, hasEthernet, openDevice, vnetBytes } from './devices.ts';
import { frameHead, vnetHead } from './frames.ts';
import { Child, type Line } from './process.ts';
import type { Sample } from './results.ts';

/** How the generator sends; see peers/c/generate.c. */
export type Regime = 'burst' | 'live' | { readonly pps: number };

/** The processor that contestants run on. */
export const CONTESTANT_CPU = 1;
/** The generator's, where it has one of its own. */
export const GENERATOR_CPU = 0;

/** Beyond the private warm-up, see cli/bench-warm-up.ts. */
const NODE_WARM_MILLISECONDS = 300;
/** What a socket pair cannot warm up: writes one by one, segmentation. */
const NODE_TX_WARM_MILLISECONDS = 600;
const WARM_MILLISECONDS = 100;
const MEASURE_MILLISECONDS = 250;
/** The generator goes on a little after the window. */
const SLACK_MILLISECONDS = 200;
const START_MILLISECONDS = 10_000;
const RESULT_MILLISECONDS = 8_000;

/** What a row of the rx or tx suite fixes. */
export interface Row {
  readonly suite: 'rx' | 'tx';
  readonly name: string;
  readonly kind: DeviceKind;
  readonly frameBytes: number;
  readonly regime: Regime;
  /** Frames are addressed to the receiver's host, so that its IPv4 stack takes them, too. */
  readonly toHost?: boolean;
  readonly contestants: readonly Contestant[];
}

/** A sample, or why there is none. */
export type Outcome = { readonly sample: Sample } | { readonly failure: string };

/** The generator's program: C, or ours where C is not built. A burst needs real-time priority; C's takes it itself. */
export function generatorCommand(regime: Regime): readonly string[] {
  const program = peerPath('generate');
  if (existsSync(program)) return [program];
  const realtime = regime === 'burst' && process.getuid?.() === 0 ? ['chrt', '-f', '10'] : [];
  return [...realtime, process.execPath, childPath('generate')];
}

/** Measures one contestant once. */
export async function measureSample(row: Row, contestant: Contestant, round: number): Promise<Outcome> {
  using device = openDevice(row.kind);
  const setting = settingOf(row, device);
  const warm = warmMilliseconds(row, contestant);
  const dash = contestant.family === 'go' ? '-' : '--';
  const times = [`${dash}warm-ms`, String(warm), `${dash}measure-ms`, String(MEASURE_MILLISECONDS)];
  if (contestant.blocks === true) setNonblocking(device.fd, false);
  const child = new Child([...contestant.command(setting), ...times], [device.fd], CONTESTANT_CPU);
  device.handOver();
  try {
    const ready = await child.line(START_MILLISECONDS);
    if (ready === null) return { failure: `did not start: ${child.complaint}` };
    const milliseconds = warm + MEASURE_MILLISECONDS + SLACK_MILLISECONDS;
    const isRx = row.suite === 'rx';
    const sent = isRx ? await generate(row, setting, device, milliseconds) : await drain(device, child);
    const result = isRx ? await child.line(RESULT_MILLISECONDS) : sent;
    if (result === null) return { failure: `ended without a result: ${child.complaint}` };
    if (result['error'] !== undefined) return { failure: `${result['error']} (${result['total']} packets in all)` };
    return check(row, contestant, round, result, isRx ? sent : null);
  } finally {
    await child.end();
  }
}

function warmMilliseconds({ suite }: Row, { family }: Contestant): number {
  if (family === 'c' || family === 'go') return WARM_MILLISECONDS;
  if (suite === 'tx') return NODE_TX_WARM_MILLISECONDS;
  return NODE_WARM_MILLISECONDS;
}

function settingOf({ kind, frameBytes, toHost }: Row, device: Device): Setting {
  const destination = toHost === true ? { destinationLink: device.linkAddress } : {};
  const shape = { bytes: frameBytes, hasEthernet: hasEthernet(kind), ...destination };
  const head = frameHead(shape);
  return {
    kind,
    frameBytes,
    head,
    vnetHead: vnetBytes(kind) > 0 ? vnetHead(shape) : '',
    interfaceName: device.interfaceName,
  };
}

async function generate(row: Row, setting: Setting, device: Device, milliseconds: number): Promise<Line | null> {
  const { regime, frameBytes, kind } = row;
  const name = typeof regime === 'string' ? regime : 'paced';
  const pace = typeof regime === 'string' ? [] : ['--pps', String(regime.pps)];
  const size = ['--size', String(frameBytes + vnetBytes(kind)), '--head', setting.vnetHead + setting.head];
  const args = [
    '--fds',
    '3',
    '--regime',
    name,
    '--burst',
    String(burstOf(kind, frameBytes)),
    '--ms',
    String(milliseconds),
    ...size,
  ];
  const cpu = regime === 'burst' ? CONTESTANT_CPU : GENERATOR_CPU;
  const child = new Child([...generatorCommand(regime), ...args, ...pace], [device.generatorFd], cpu);
  const line = await child.line(milliseconds + START_MILLISECONDS);
  await child.end();
  return line;
}

/** Fits every device's queue: a TUN's is 500 packets, 8 MiB of socket buffers hold 32 of 65,000 bytes with ease. */
function burstOf(kind: DeviceKind, frameBytes: number): number {
  if (frameBytes > 16_384) return 32;
  return kind.startsWith('t') ? 400 : 512;
}

/** Reads away what a sender writes to a socket pair; devices swallow it by themselves. */
async function drain(device: Device, sender: Child): Promise<Line | null> {
  if (!device.kind.startsWith('seqpacket')) return sender.line(RESULT_MILLISECONDS);
  const program = peerPath('drain');
  const fallback = [
    'chrt',
    '-i',
    '0',
    process.execPath,
    childPath('bare-rx'),
    '--slot',
    '65600',
    '--batch',
    '64',
    '--measure-ms',
    '60000',
  ];
  const child = new Child(existsSync(program) ? [program] : fallback, [device.generatorFd], CONTESTANT_CPU);
  const line = await sender.line(RESULT_MILLISECONDS);
  await child.end();
  return line;
}

/** Turns a result line into a sample; a contestant that delivered other bytes than were sent did other work. */
function check(row: Row, contestant: Contestant, round: number, result: Line, generator: Line | null): Outcome {
  const number = (name: string): number => Number(result[name] ?? 0);
  const [packets, seconds] = [number('packets'), number('seconds')];
  if (packets === 0) return { failure: 'no packet in the window' };
  const expected = row.frameBytes + (contestant.countsVnet ? vnetBytes(row.kind) : 0);
  const bytesPerPacket = number('bytes') / packets;
  if (Math.abs(bytesPerPacket - expected) > 1 && contestant.family !== 'node') {
    return { failure: `delivered ${bytesPerPacket.toFixed(1)} B a packet instead of ${expected}` };
  }
  const cpuNs = number('userNs') + number('systemNs');
  const sent = Number(generator?.['sent'] ?? 0);
  const sample: Sample = {
    suite: row.suite,
    row: row.name,
    contestant: contestant.id,
    round,
    frameBytes: row.frameBytes,
    packets,
    seconds,
    cpuNsPerPacket: cpuNs / packets,
    userNsPerPacket: number('userNs') / packets,
    systemNsPerPacket: number('systemNs') / packets,
    packetsPerSecond: packets / seconds,
    gigabitsPerSecond: (packets * row.frameBytes * 8) / seconds / 1e9,
    busy: cpuNs / 1e9 / seconds,
    packetsPerCall: number('calls') === 0 ? 0 : packets / number('calls'),
    lost:
      row.suite === 'tx' || sent === 0 || contestant.blocks === true ? null : Math.max(0, 1 - number('total') / sent),
    extra: row.suite === 'rx' && row.regime === 'burst' ? { realtime: generator?.['realtime'] === true ? 1 : 0 } : {},
  };
  return { sample };
}
