/**
 * The support matrix as data: device x mode x way of running x direction, and what the cells are called. The tests are
 * made from it (cells.ts), and so is docs/support.md (render.ts): neither can know of a cell that the other does not.
 */

import type { DispatchMode } from '../../dispatch/link-dispatcher.ts';
import type { VnetHeaderBytes } from '../../gso/virtio-net-header.ts';
import type { RunMode } from '../../link/fd-based-options.ts';

/** What kind of descriptor a device gives. */
export type DeviceKind = 'seqpacket' | 'dgram' | 'tun' | 'tap' | 'packet';
/** Seen from the endpoint: `rx` comes in, `tx` goes out. */
export type Direction = 'rx' | 'tx';

/** One device of the matrix. */
export interface DeviceSpec {
  readonly kind: DeviceKind;
  readonly title: string;
  readonly vnetHeaderBytes: VnetHeaderBytes;
  /** Descriptors: queues of a TUN or TAP, sockets of a fan-out group. */
  readonly queues: number;
}

/** One cell of the matrix. */
export interface Cell {
  readonly device: DeviceSpec;
  readonly mode: DispatchMode;
  readonly run: RunMode;
  readonly direction: Direction;
}

/** Why a mode does not exist on a device. */
export interface Obstacle {
  /** What `openFdBased` says. */
  readonly code: 'ERR_INVALID_OPTION';
  /** What the kernel says to whoever tries all the same. */
  readonly errno: 'ENOTSOCK' | 'EOPNOTSUPP';
  /** The system call that says so. */
  readonly syscall: string;
}

/** Packets that a cell moves. */
export const PACKETS = 10_000;

const TITLES: Readonly<Record<DeviceKind, string>> = {
  seqpacket: 'SEQPACKET socket pair',
  dgram: 'DGRAM socket pair',
  tun: 'TUN',
  tap: 'TAP',
  packet: 'AF_PACKET on veth',
};

function device(kind: DeviceKind, vnetHeaderBytes: VnetHeaderBytes, queues = 1): DeviceSpec {
  const many = kind === 'packet' ? `fan-out over ${queues} sockets` : `${queues} queues`;
  const vnet = `virtio-net header of ${vnetHeaderBytes} bytes`;
  const parts = [TITLES[kind], queues > 1 ? many : '', vnetHeaderBytes > 0 ? vnet : ''];
  return { kind, vnetHeaderBytes, queues, title: parts.filter((part) => part !== '').join(', ') };
}

/** All devices, in the order of the document. */
export const DEVICES: readonly DeviceSpec[] = [
  device('seqpacket', 0),
  device('seqpacket', 10),
  device('dgram', 0),
  device('dgram', 10),
  device('tun', 0),
  device('tun', 12),
  device('tun', 0, 2),
  device('tun', 12, 2),
  device('tap', 0),
  device('tap', 12),
  device('tap', 0, 2),
  device('tap', 12, 2),
  device('packet', 0),
  device('packet', 10),
  device('packet', 0, 2),
  device('packet', 10, 2),
];

/** The ways of receiving. */
export const MODES: readonly DispatchMode[] = ['readv', 'recvmmsg', 'packet-mmap'];
/** The ways of running. */
export const RUNS: readonly RunMode[] = ['inline', 'worker', 'ring'];
/** Both directions. */
export const DIRECTIONS: readonly Direction[] = ['rx', 'tx'];

/** Why `mode` does not exist on `device`; null where it does. */
export function obstacleOf({ kind }: DeviceSpec, mode: DispatchMode): Obstacle | null {
  const isSocket = kind !== 'tun' && kind !== 'tap';
  if (mode === 'readv' || kind === 'packet' || (mode === 'recvmmsg' && isSocket)) return null;
  if (mode === 'recvmmsg') return { code: 'ERR_INVALID_OPTION', errno: 'ENOTSOCK', syscall: 'recvmmsg(2)' };
  const syscall = 'setsockopt(PACKET_RX_RING)';
  return { code: 'ERR_INVALID_OPTION', errno: isSocket ? 'EOPNOTSUPP' : 'ENOTSOCK', syscall };
}

/** The cells of a device that move packets. */
export function cellsOf(spec: DeviceSpec): Cell[] {
  const modes = MODES.filter((mode) => obstacleOf(spec, mode) === null);
  return modes.flatMap((mode) =>
    RUNS.flatMap((run) => DIRECTIONS.map((direction) => ({ device: spec, mode, run, direction }))),
  );
}

/** What a cell is called in its table. */
export const cellName = ({ mode, run, direction }: Omit<Cell, 'device'>): string => `${mode}, ${run}, ${direction}`;

/** Title of the cell's test. */
export const cellTitle = (cell: Cell): string =>
  `${cell.device.title}: ${cellName(cell)} moves ${PACKETS.toLocaleString('en')} verified packets`;

/** Title of the test that a mode is refused. */
export const refusalTitle = (spec: DeviceSpec, mode: DispatchMode): string => `${spec.title}: ${mode} is refused`;

/** The test file of a kind of device, in the source tree. */
export const fileOf = (kind: DeviceKind): string =>
  kind === 'seqpacket' || kind === 'dgram'
    ? 'test/support/socket-pair.test.ts'
    : `test/privileged/support-${kind === 'packet' ? 'packet-socket' : kind}.test.ts`;
