/** What is measured: the rows of the rx and the tx suite. */

import {
  BATCH_READERS,
  BATCH_SENDERS,
  type Contestant,
  NODE_CAPTURES,
  NODE_READ_SYNC,
  READERS,
  RING_READERS,
  SENDERS,
  SMALL_SLOT_READERS,
  TUN_SENDERS,
} from './contestants.ts';
import { type DeviceKind, isUnprivileged } from './devices.ts';
import type { Regime, Row } from './sample.ts';

const SMALL = 64;
const FULL = 1500;
const SUPER = 65_000;

const SOCKET_READERS = [...READERS, ...BATCH_READERS];
const PACKET_READERS = [...SOCKET_READERS, ...SMALL_SLOT_READERS, ...RING_READERS];
const TUN_READERS = [...READERS, NODE_READ_SYNC];
/** A few of each family: waking up is the point of these rows. */
const WOKEN_READERS = pick(PACKET_READERS, [
  'c-recvmmsg64',
  'go-recvmmsg',
  'bare-recvmmsg-small',
  'lp-recvmmsg-small',
  'c-ring',
  'go-mmap',
  'lp-packet-mmap',
]);
/** Beside what a Node user has today. */
const NODE_READERS = [
  ...NODE_CAPTURES,
  ...pick(PACKET_READERS, ['c-recvmmsg64', 'lp-recvmmsg-small', 'lp-packet-mmap']),
];
/** The rings of the default geometry hold no super-packet three times; the slots of the others do. */
const SUPER_READERS = PACKET_READERS.filter(({ id }) => !id.endsWith('-small'));

const KIND_NAMES: Readonly<Record<DeviceKind, string>> = {
  seqpacket: 'SEQPACKET',
  'seqpacket-vnet': 'SEQPACKET + vnet header',
  veth: 'AF_PACKET',
  'veth-vnet': 'AF_PACKET + vnet header',
  tun: 'TUN',
  tap: 'TAP',
  'tun-vnet': 'TUN + vnet header',
};

function pick(from: readonly Contestant[], ids: readonly string[]): Contestant[] {
  return from.filter(({ id }) => ids.includes(id));
}

function rx(kind: DeviceKind, frameBytes: number, regime: Regime, contestants: readonly Contestant[]): Row {
  const regimeName = typeof regime === 'string' ? regime : `${regime.pps / 1000} k/s`;
  return {
    suite: 'rx',
    name: `${KIND_NAMES[kind]}, ${frameBytes} B, ${regimeName}`,
    kind,
    frameBytes,
    regime,
    contestants,
  };
}

function tx(kind: DeviceKind, frameBytes: number, contestants: readonly Contestant[]): Row {
  return { suite: 'tx', name: `${KIND_NAMES[kind]}, ${frameBytes} B`, kind, frameBytes, regime: 'live', contestants };
}

const BURST: readonly Row[] = [
  ...[SMALL, FULL].map((bytes) => rx('seqpacket', bytes, 'burst', SOCKET_READERS)),
  rx('seqpacket-vnet', SUPER, 'burst', SOCKET_READERS),
  ...[SMALL, FULL].map((bytes) => rx('veth', bytes, 'burst', PACKET_READERS)),
  rx('veth-vnet', SUPER, 'burst', SUPER_READERS),
  ...[SMALL, FULL].map((bytes) => rx('tun', bytes, 'burst', TUN_READERS)),
  rx('tap', FULL, 'burst', READERS),
  rx(
    'tun-vnet',
    SUPER,
    'burst',
    READERS.filter(({ family }) => family !== 'go'),
  ),
];

const LIVE: readonly Row[] = [
  rx('seqpacket', SMALL, 'live', pick(SOCKET_READERS, ['c-recvmmsg64', 'go-recvmmsg', 'bare-recvmmsg', 'lp-recvmmsg'])),
  rx('veth', FULL, 'live', WOKEN_READERS),
  ...[SMALL, FULL].map((bytes): Row => {
    const row = rx('veth', bytes, 'live', NODE_READERS);
    return { ...row, name: `${row.name}, to this host`, toHost: true };
  }),
  rx('tun', FULL, 'live', TUN_READERS),
];

const PACED: readonly Row[] = [20_000, 100_000].map((pps) => rx('veth', SMALL, { pps }, WOKEN_READERS));

/** Every row of receiving. */
export const RX_ROWS: readonly Row[] = [...BURST, ...LIVE, ...PACED];

/** Every row of sending. */
export const TX_ROWS: readonly Row[] = [
  ...[SMALL, FULL].map((bytes) => tx('seqpacket', bytes, [...BATCH_SENDERS, ...SENDERS])),
  ...[SMALL, FULL].map((bytes) => tx('veth', bytes, [...BATCH_SENDERS, ...SENDERS])),
  tx('veth-vnet', SUPER, BATCH_SENDERS),
  tx('tun', FULL, TUN_SENDERS),
  tx(
    'tun-vnet',
    SUPER,
    TUN_SENDERS.filter(({ family }) => family !== 'go'),
  ),
];

/** Rows of which one can be made here. */
export function possibleRows(rows: readonly Row[], hasNamespace: boolean, cpuCount: number): Row[] {
  return rows.filter(({ kind, regime, suite }) => {
    const needsOtherCpu = suite === 'rx' && regime !== 'burst';
    return (hasNamespace || isUnprivileged(kind)) && (cpuCount > 1 || !needsOtherCpu);
  });
}
