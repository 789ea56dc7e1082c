/**
 * Who can run, on what, and by which command. Each is a process of its own that reads or writes fd 3, pinned to one
 * processor, and prints `{"ready":true}` and one result line.
 *
 * `work` pairs contestants: linkpoint's readv is compared with gVisor's readv, with the bare loop of the same call and
 * memory, and with the best of C's ways to do the same. Whoever's program is not built is left out and named.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type DeviceKind, hasEthernet, vnetBytes } from './devices.ts';
import { type ContestantInfo, ROOT } from './results.ts';

/** What a contestant's command line depends on. */
export interface Setting {
  readonly kind: DeviceKind;
  /** Bytes of a frame, Ethernet header included, virtio-net header not. */
  readonly frameBytes: number;
  /** First bytes of a frame, hexadecimal; with and without the virtio-net header. */
  readonly head: string;
  readonly vnetHead: string;
  readonly interfaceName: string;
}

/** A contestant. */
export interface Contestant extends ContestantInfo {
  /** Program and arguments. */
  readonly command: (setting: Setting) => readonly string[];
  /** Its result counts the virtio-net header into the bytes. */
  readonly countsVnet: boolean;
  /** What must exist for it to run. */
  readonly needs: string;
  /** It reads a blocking fd. */
  readonly blocks?: boolean;
}

/** Built by scripts/setup-bench. */
export const peerPath = (name: string): string => join(ROOT, 'bench', 'peers', 'build', name);
/** A compiled child of ours. */
export const childPath = (name: string): string => join(ROOT, 'dist', 'bench', 'children', `${name}.js`);
const nodePeer = (name: string): string => join(ROOT, 'bench', 'peers', 'node', name);

/** Its program is there. */
export const isInstalled = ({ needs }: Contestant): boolean => existsSync(needs);

const SMALL_BATCH = 8;
const LARGE_BATCH = 64;
const SLOT_64K = 65_535 + 14;
const SLOT_SMALL = 2048;

/** What linkpoint chooses by itself: the bare loop gets the same. */
function defaultShape(kind: DeviceKind): { slot: number; batch: number } {
  if (kind === 'seqpacket') return { slot: 1500, batch: LARGE_BATCH };
  return { slot: 65_535 + (hasEthernet(kind) ? 14 : 0), batch: SMALL_BATCH };
}

function cReceiver(id: string, label: string, work: string, args: readonly string[]): Contestant {
  const needs = peerPath('receive');
  return {
    id,
    label: `C ${label}`,
    family: 'c',
    work,
    needs,
    countsVnet: work !== 'ring',
    command: () => [needs, ...args],
  };
}

function goReceiver(mode: 'readv' | 'recvmmsg' | 'mmap', label: string, work: string): Contestant {
  const needs = peerPath('fdbased');
  const command = ({ kind }: Setting): string[] => [
    needs,
    ...['-role', 'receive', '-mode', mode, `-eth=${hasEthernet(kind)}`, '-gso', vnetBytes(kind) > 0 ? '65536' : '0'],
  ];
  return { id: `go-${mode}`, label: `gVisor ${label}`, family: 'go', work, needs, countsVnet: false, command };
}

function ourReceiver(
  id: string,
  label: string,
  mode: string,
  work: string,
  shape?: { slot: number; batch: number },
): Contestant {
  const needs = childPath('endpoint-rx');
  const command = ({ kind }: Setting): string[] => [
    ...[process.execPath, needs, '--mode', mode, '--eth', String(hasEthernet(kind)), '--vnet', String(vnetBytes(kind))],
    ...(shape === undefined ? [] : ['--slot', String(shape.slot), '--batch', String(shape.batch)]),
  ];
  return { id, label: `linkpoint ${label}`, family: 'linkpoint', work, needs, countsVnet: false, command };
}

function bareReceiver(
  id: string,
  label: string,
  mode: string,
  work: string,
  fixed?: { slot: number; batch: number },
): Contestant {
  const needs = childPath('bare-rx');
  const command = ({ kind }: Setting): string[] => {
    const { slot, batch } = fixed ?? defaultShape(kind);
    const vnet = String(vnetBytes(kind));
    return [process.execPath, needs, '--mode', mode, '--slot', String(slot), '--batch', String(batch), '--vnet', vnet];
  };
  return { id, label: `bare FFI ${label}`, family: 'bare', work, needs, countsVnet: false, command };
}

function nodeReceiver(id: string, script: string, needs: string, blocks = false): Contestant {
  const command = ({ interfaceName }: Setting): string[] => [
    ...[process.execPath, nodePeer(script)],
    ...(blocks ? [] : ['--interface', interfaceName]),
  ];
  return {
    id,
    label: `Node ${id.slice('node-'.length)}`,
    family: 'node',
    work: 'other',
    needs,
    countsVnet: true,
    blocks,
    command,
  };
}

const SMALL_SHAPE = { slot: SLOT_SMALL, batch: LARGE_BATCH };
const RECV_SMALL = 'recvmmsg, small slots';

/** One frame a system call: any fd. */
export const READERS: readonly Contestant[] = [
  cReceiver('c-readv', 'readv', 'read', ['--mode', 'readv']),
  cReceiver('c-read', 'read', 'read', ['--mode', 'read', '--slot', String(SLOT_64K + 10)]),
  goReceiver('readv', 'readv', 'read'),
  bareReceiver('bare-read', 'read', 'readv', 'read'),
  ourReceiver('lp-readv', 'readv', 'readv', 'read'),
];

/** A batch of frames a system call: sockets. */
export const BATCH_READERS: readonly Contestant[] = [
  cReceiver('c-recvmmsg8', 'recvmmsg 8', 'recvmmsg', [
    '--mode',
    'recvmmsg',
    '--batch',
    '8',
    '--slot',
    String(SLOT_64K + 10),
  ]),
  cReceiver('c-recvmmsg64', 'recvmmsg 64', 'recvmmsg', [
    '--mode',
    'recvmmsg',
    '--batch',
    '64',
    '--slot',
    String(SLOT_64K + 10),
  ]),
  goReceiver('recvmmsg', 'recvmmsg', 'recvmmsg'),
  bareReceiver('bare-recvmmsg', 'recvmmsg', 'recvmmsg', 'recvmmsg'),
  ourReceiver('lp-recvmmsg', 'recvmmsg', 'recvmmsg', 'recvmmsg'),
];

/** The same with slots that take no super-packet: for AF_PACKET sockets whose peers send none. */
export const SMALL_SLOT_READERS: readonly Contestant[] = [
  bareReceiver('bare-recvmmsg-small', RECV_SMALL, 'recvmmsg', 'recvmmsg-small', SMALL_SHAPE),
  ourReceiver('lp-recvmmsg-small', RECV_SMALL, 'recvmmsg', 'recvmmsg-small', SMALL_SHAPE),
];

/** A ring shared with the kernel: AF_PACKET. C and linkpoint use TPACKET_V3, gVisor its own V1. */
export const RING_READERS: readonly Contestant[] = [
  cReceiver('c-ring', 'TPACKET_V3', 'ring', [
    '--mode',
    'ring',
    '--block',
    '262144',
    '--blocks',
    '16',
    '--retire-ms',
    '1',
  ]),
  goReceiver('mmap', 'packet-mmap (V1)', 'ring'),
  bareReceiver('bare-ring', 'TPACKET_V3', 'packet-mmap', 'ring'),
  ourReceiver('lp-packet-mmap', 'packet-mmap', 'packet-mmap', 'ring'),
];

/** What a Node user has today. */
export const NODE_CAPTURES: readonly Contestant[] = [
  nodeReceiver('node-cap', 'cap.mjs', nodePeer('node_modules/cap/build/Release/cap.node')),
  nodeReceiver('node-raw-socket', 'raw-socket.mjs', nodePeer('node_modules/raw-socket/build/Release/raw.node')),
];

/** Needs no package. */
export const NODE_READ_SYNC: Contestant = nodeReceiver(
  'node-readsync',
  'read-sync.mjs',
  nodePeer('read-sync.mjs'),
  true,
);

function sizeArgs({ frameBytes, head, vnetHead, kind }: Setting, withVnet: boolean): string[] {
  return ['--size', String(frameBytes + (withVnet ? vnetBytes(kind) : 0)), '--head', (withVnet ? vnetHead : '') + head];
}

function sender(
  id: string,
  label: string,
  work: string,
  program: { needs: string; family: 'c' | 'go' | 'bare' | 'linkpoint'; args: (setting: Setting) => readonly string[] },
): Contestant {
  const { needs, family, args } = program;
  const command = (setting: Setting): string[] => [
    ...(needs.endsWith('.js') ? [process.execPath] : []),
    needs,
    ...args(setting),
  ];
  return { id, label, family, work, needs, countsVnet: family === 'c' || family === 'bare', command };
}

function cSender(mode: 'write' | 'sendmmsg', work: string): Contestant {
  const args = (setting: Setting): string[] => ['--mode', mode, '--batch', '47', ...sizeArgs(setting, true)];
  return sender(`c-${mode}`, `C ${mode}${mode === 'sendmmsg' ? ' 47' : ''}`, work, {
    needs: peerPath('transmit'),
    family: 'c',
    args,
  });
}

function goSender(batch: number, work: string): Contestant {
  const args = (setting: Setting): string[] => [
    ...['-role', 'transmit', '-batch', String(batch), '-gso', vnetBytes(setting.kind) > 0 ? '65536' : '0'],
    ...['-size', String(setting.frameBytes), '-head', setting.head],
  ];
  return sender(`go-write${batch}`, `gVisor WritePackets ${batch}`, work, {
    needs: peerPath('fdbased'),
    family: 'go',
    args,
  });
}

function bareSender(mode: 'write' | 'sendmmsg', work: string): Contestant {
  const batch = mode === 'write' ? '1' : '47';
  const args = (setting: Setting): string[] => ['--mode', mode, '--batch', batch, ...sizeArgs(setting, true)];
  return sender(`bare-${mode}`, `bare FFI ${mode}`, work, { needs: childPath('bare-tx'), family: 'bare', args });
}

function ourSender(batch: number, work: string): Contestant {
  const args = (setting: Setting): string[] => [
    ...[
      '--batch',
      String(batch),
      '--eth',
      String(hasEthernet(setting.kind)),
      '--vnet',
      String(vnetBytes(setting.kind)),
    ],
    ...sizeArgs(setting, false),
  ];
  return sender(`lp-write${batch}`, `linkpoint writePackets ${batch}`, work, {
    needs: childPath('endpoint-tx'),
    family: 'linkpoint',
    args,
  });
}

/** Batches of 47, gVisor's size. */
export const BATCH_SENDERS: readonly Contestant[] = [
  cSender('sendmmsg', 'write47'),
  goSender(47, 'write47'),
  bareSender('sendmmsg', 'write47'),
  ourSender(47, 'write47'),
];

/** One packet a call. */
export const SENDERS: readonly Contestant[] = [
  cSender('write', 'write1'),
  goSender(1, 'write1'),
  bareSender('write', 'write1'),
  ourSender(1, 'write1'),
];

/** TUN and TAP take one frame a call whatever the batch: so all of them do the same work. */
export const TUN_SENDERS: readonly Contestant[] = [
  cSender('write', 'write47'),
  goSender(47, 'write47'),
  bareSender('write', 'write47'),
  ourSender(47, 'write47'),
];
