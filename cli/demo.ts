/**
 * `linkpoint demo`: the main job on real packets, on whatever this machine allows.
 *
 *     kernel in a namespace ── ping, UDP ──► device ──► fd-based endpoint ──► EchoDispatcher
 *            verifies every byte ◄───────── device ◄── writePackets ◄─────────────┘
 */

import { LinkpointError } from '../errors.ts';
import { type FdBasedEndpoint, openFdBased } from '../link/fd-based.ts';
import { closeFd, socketPair } from '../native/index.ts';
import { MTU, OURS } from './demo-addresses.ts';
import { EchoDispatcher } from './demo-echo.ts';
import { type DeviceMessage, type Refusal, type ResultMessage, type Tier, TIERS } from './demo-messages.ts';
import { PEER_VNET_HEADER_BYTES, talkByScript } from './demo-peer.ts';
import { type DemoReport, formatReport, makeReport } from './demo-report.ts';
import { Sandbox, SandboxRefusedError } from './demo-sandbox.ts';
import { choiceOption, integerOption, parseOptions } from './usage.ts';

/** How to call it. */
export const DEMO_USAGE = `linkpoint demo [--tier tap|veth|socketpair] [--count DATAGRAMS] [--json]

  Opens an fd-based endpoint with a small echo dispatcher and has the kernel talk to it.

  --tier    what to run on; by default the best that this machine allows
  --count   UDP datagrams, super-sends not counted; by default 20000
  --json    print one JSON object instead of a table

  Exits 0 if every echo came back right, else 1.`;

const COUNT_MAX = 100_000_000;
/** What a shell reports of a program that a signal ended: 128 and its number. */
const EXIT_SIGINT = 130;
const EXIT_SIGTERM = 143;

/** Where the demo runs: a descriptor for the endpoint, and somebody on the other side. */
interface Venue extends AsyncDisposable {
  readonly device: Omit<DeviceMessage, 'kind'>;
  readonly fd: number;
  talk(): Promise<ResultMessage>;
}

/** Runs the demo and prints its report; the exit code. */
export async function runDemo(args: readonly string[]): Promise<number> {
  const values = parseOptions(args, {
    tier: { type: 'string' },
    count: { type: 'string', default: '20000' },
    json: { type: 'boolean', default: false },
  });
  const tiers = values.tier === undefined ? TIERS : [choiceOption('tier', values.tier, TIERS)];
  const count = integerOption('count', values.count, 2, COUNT_MAX);
  const interrupted = onInterrupt();
  try {
    await using venue = await openVenue(tiers, count);
    const report = await run(venue, interrupted.promise);
    if (typeof report === 'number') return report;
    console.log(values.json ? JSON.stringify(report) : formatReport(report));
    return report.ok ? 0 : 1;
  } finally {
    interrupted.ignore();
  }
}

/** The report, or what `interrupted` says. Either way nothing polls the descriptor any more. */
async function run(venue: Venue, interrupted: Promise<number>): Promise<DemoReport | number> {
  await using endpoint = await openEndpoint(venue);
  const dispatcher = new EchoDispatcher(endpoint, OURS, endpoint.dispatchMode !== 'readv');
  endpoint.on('drain', () => dispatcher.flush());
  const ended = new Promise<never>((_, reject) => {
    endpoint.on('closed', ({ kind, error }) => {
      if (kind !== 'detached') reject(error ?? new LinkpointError('ERR_DEMO', `the device is gone: ${kind}`));
    });
  });
  endpoint.attach(dispatcher);
  const result = await Promise.race([venue.talk(), ended, interrupted]);
  if (typeof result === 'number') return result;
  const { probes, exchanges } = result;
  const statistics = endpoint.statistics.snapshot();
  return makeReport({ device: venue.device, probes, exchanges, statistics, lostAnswers: dispatcher.lost });
}

function openEndpoint({ fd, device }: Venue): Promise<FdBasedEndpoint> {
  const link = { fds: [fd], mtu: MTU, linkAddress: OURS.linkAddress };
  if (device.tier !== 'socketpair') return openFdBased(link); // devices know what their frames begin with
  return openFdBased({ ...link, ethernetHeader: true, vnetHeaderBytes: PEER_VNET_HEADER_BYTES });
}

/** The first tier that can be had. */
async function openVenue(tiers: readonly Tier[], count: number): Promise<Venue> {
  const inNamespace = tiers.filter((tier) => tier !== 'socketpair');
  let refused: readonly Refusal[] = [];
  if (inNamespace.length > 0) {
    try {
      return await Sandbox.open({ tiers: inNamespace, count });
    } catch (error) {
      if (!(error instanceof SandboxRefusedError) || !tiers.includes('socketpair')) throw error;
      ({ refused } = error);
    }
  }
  return openPair(refused, count);
}

function openPair(refused: readonly Refusal[], count: number): Venue {
  const [fd, peer] = socketPair();
  const ended = new AbortController();
  return {
    device: { tier: 'socketpair', name: 'SEQPACKET', offloads: true, refused },
    fd,
    talk: () => talkByScript(peer, count, ended.signal),
    [Symbol.asyncDispose]: async () => {
      ended.abort(); // an interrupted talk still polls its end
      [fd, peer].forEach(closeFd);
    },
  };
}

/** Ctrl-C, or a polite kill: the promise resolves with the exit code, and everything is put away in order. */
function onInterrupt(): { promise: Promise<number>; ignore(): void } {
  let interrupt: (code: number) => void = () => undefined;
  const promise = new Promise<number>((resolve) => (interrupt = resolve));
  const onSigint = (): void => interrupt(EXIT_SIGINT);
  const onSigterm = (): void => interrupt(EXIT_SIGTERM);
  process.on('SIGINT', onSigint).on('SIGTERM', onSigterm);
  return { promise, ignore: () => void process.off('SIGINT', onSigint).off('SIGTERM', onSigterm) };
}
