/** Options of `linkpoint bench`. */

import type { FanoutMode } from '../dispatch/fanout.ts';
import type { FdBasedOptions } from '../link/fd-based-options.ts';
import { choiceOption, integerOption, parseOptions, UsageError } from './usage.ts';

/** How to call it. */
export const BENCH_USAGE = `linkpoint bench rx|tx (--fd N | --fds N,N | --self DEVICE) [OPTIONS]

  Opens an fd-based endpoint over inherited descriptors and counts: what comes in (rx), or what it takes (tx).
  Prints one line.

  --fd N, --fds N,N         descriptors; AF_PACKET sockets given together join a fan-out group
  --self DEVICE             make device and other side, too: socketpair, veth, tap or tun
  --fanout MODE             hash, lb, cpu, rollover, random, qm
  --mode MODE               readv, recvmmsg, packet-mmap; by default what suits the descriptor
  --run WAY                 inline (default), worker, ring
  --header none|ethernet    link header; by default what the device has
  --vnet-header 0|10|12     bytes of virtio-net header; by default what the kernel says, else 0
  --batch N                 rx: frames per batch; tx: packets per write, by default 47
  --slot-bytes N            rx: longest frame
  --block-bytes N, --blocks N, --retire-ms N     ring of packet-mmap
  --duration-ms N           time to measure, after 300 ms of warming up; by default 1000
  --json                    one JSON object

  tx:
  --size N                  bytes of a frame, link header included; by default 1500, with --gso 65000
  --gso tcp4|tcp6|udp       write super-packets
  --frame HEX               first bytes of every frame; zeros follow

  Exits 0, or 3 if no packet came within 10 s.`;

/** Which way. */
export type Direction = 'rx' | 'tx';
/** What `--self` makes. */
export const SELF_DEVICES = ['socketpair', 'veth', 'tap', 'tun'] as const;
/** One of them. */
export type SelfDevice = (typeof SELF_DEVICES)[number];
/** Super-packets to write. */
export type BenchGso = 'tcp4' | 'tcp6' | 'udp';

/** What is written by tx. Plain data. */
export interface FramePlan {
  /** Bytes of a frame, link header included. */
  readonly size: number;
  /** Frames per `writePackets`. */
  readonly batch: number;
  readonly gso: BenchGso | null;
  /** First bytes of every frame, as hexadecimal digits; empty: headers that make sense. */
  readonly head: string;
}

/** Everything, checked. */
export interface BenchOptions {
  readonly direction: Direction;
  /** Empty with `self`. */
  readonly fds: readonly number[];
  readonly self: SelfDevice | null;
  /** For `openFdBased`. */
  readonly link: Omit<FdBasedOptions, 'fds'>;
  readonly frames: FramePlan;
  readonly durationMilliseconds: number;
  readonly json: boolean;
}

/** Frames per write; why 47, gVisor says: 64 KiB of TCP payload make 46 full segments and a rest. */
const TRANSMIT_BATCH = 47;
const SIZE = 1500;
const GSO_SIZE = 65_000;
const FRAME_BYTES_MAX = 65_535;
/** Of a plain socket, where nobody bounds frames but the peers. */
const SOCKET_MTU = 2034;
const FANOUT_MODES = ['hash', 'lb', 'cpu', 'rollover', 'random', 'qm'] as const satisfies readonly FanoutMode[];

const OPTIONS = {
  fd: { type: 'string' },
  fds: { type: 'string' },
  self: { type: 'string' },
  fanout: { type: 'string' },
  mode: { type: 'string' },
  run: { type: 'string', default: 'inline' },
  header: { type: 'string' },
  'vnet-header': { type: 'string' },
  batch: { type: 'string' },
  'slot-bytes': { type: 'string' },
  'block-bytes': { type: 'string' },
  blocks: { type: 'string' },
  'retire-ms': { type: 'string' },
  'duration-ms': { type: 'string', default: '1000' },
  json: { type: 'boolean', default: false },
  size: { type: 'string' },
  gso: { type: 'string' },
  frame: { type: 'string', default: '' },
} as const;
/** Options that are a text, or left out. */
type Texts = Readonly<Partial<Record<Exclude<keyof typeof OPTIONS, 'json'>, string>>>;

/** Reads the command line behind `bench`. @throws UsageError */
export function parseBenchOptions([direction, ...args]: readonly string[]): BenchOptions {
  if (direction !== 'rx' && direction !== 'tx') {
    throw new UsageError(`bench "${direction ?? ''}": rx or tx is expected`);
  }
  const { json = false, ...texts } = parseOptions(args, OPTIONS);
  const frames = readFrames(texts, direction);
  return {
    direction,
    fds: readFds(texts),
    self: choice(texts, 'self', SELF_DEVICES) ?? null,
    link: readLink(texts, direction, frames),
    frames,
    durationMilliseconds: integer(texts, 'duration-ms', 1, 86_400_000) as number,
    json,
  };
}

function readFds({ fd, fds, self }: Texts): number[] {
  if ([fd, fds, self].filter((given) => given !== undefined).length !== 1) {
    throw new UsageError('one of --fd, --fds and --self is expected');
  }
  if (self !== undefined) return [];
  const numbers = fds === undefined ? [fd as string] : fds.split(',');
  return numbers.map((text) => integerOption(fds === undefined ? 'fd' : 'fds', text, 0, 0x7fff_ffff));
}

function readFrames(texts: Texts, direction: Direction): FramePlan {
  const gso = choice(texts, 'gso', ['tcp4', 'tcp6', 'udp']) ?? null;
  return {
    size: integer(texts, 'size', 1, FRAME_BYTES_MAX) ?? (gso === null ? SIZE : GSO_SIZE),
    batch: (direction === 'tx' ? integer(texts, 'batch', 1, 1024) : undefined) ?? TRANSMIT_BATCH,
    gso,
    head: hexadecimal(texts.frame ?? ''),
  };
}

function readLink(texts: Texts, direction: Direction, frames: FramePlan): BenchOptions['link'] {
  const header = choice(texts, 'header', ['none', 'ethernet']);
  const fanout = choice(texts, 'fanout', FANOUT_MODES);
  const isTransmitting = direction === 'tx';
  return defined({
    mtu: isTransmitting ? Math.max(SIZE, frames.size) : SOCKET_MTU,
    dispatchMode: choice(texts, 'mode', ['readv', 'recvmmsg', 'packet-mmap']),
    run: choice(texts, 'run', ['inline', 'worker', 'ring']),
    ethernetHeader: header === undefined ? undefined : header === 'ethernet',
    vnetHeaderBytes: vnetHeader(choice(texts, 'vnet-header', ['0', '10', '12'])),
    batch: isTransmitting ? undefined : integer(texts, 'batch', 1, 1024),
    slotBytes: integer(texts, 'slot-bytes', 1, 1 << 20),
    transmitSlots: isTransmitting ? frames.batch : undefined,
    ring: defined({
      blockBytes: integer(texts, 'block-bytes', 4096, 1 << 30),
      blockCount: integer(texts, 'blocks', 1, 65_536),
      retireMilliseconds: integer(texts, 'retire-ms', 0, 60_000),
    }),
    fanout: fanout === undefined ? undefined : { mode: fanout },
  });
}

function integer(texts: Texts, name: keyof Texts, least: number, most: number): number | undefined {
  const text = texts[name];
  return text === undefined ? undefined : integerOption(name, text, least, most);
}

function choice<const T extends string>(texts: Texts, name: keyof Texts, choices: readonly T[]): T | undefined {
  const text = texts[name];
  return text === undefined ? undefined : choiceOption(name, text, choices);
}

function vnetHeader(text: '0' | '10' | '12' | undefined): 0 | 10 | 12 | undefined {
  return text === undefined ? undefined : (Number(text) as 0 | 10 | 12);
}

function hexadecimal(text: string): string {
  if (/^([0-9a-f]{2})*$/i.test(text)) return text;
  throw new UsageError(`--frame is "${text}": pairs of hexadecimal digits are expected`);
}

/** The options that are given. */
function defined<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
