/** The other side of `linkpoint bench --self` (bench-self.ts): a process of its own, whose work is not measured. */

import { writeFileSync } from 'node:fs';

import { asError, LinkpointError } from '../errors.ts';
import { type FdBasedEndpoint, openFdBased } from '../link/fd-based.ts';
import { openPacketSocket } from '../link/open-packet-socket.ts';
import { openTap, openTun } from '../link/open-tun.ts';
import { closeFd, createNetworkNamespace, enterNamespace, setInterfaceUp } from '../native/index.ts';
import { createVeth } from '../sandbox/veth.ts';
import type { Direction, FramePlan, SelfDevice } from './bench-options.ts';
import { Receiver } from './bench-receive.ts';
import { clock } from './bench-tally.ts';
import { Transmitter } from './bench-transmit.ts';
import { CHILD_SOCKET_FD, listenToParent } from '../sandbox/child.ts';

/** Behind the conversation: the other end of a socketpair. */
const PAIR_FD = CHILD_SOCKET_FD + 1;
/** Longest packet, whatever the device. */
const MTU_MAX = 65_535;

/** What the command asks for, as the process's argument. */
export interface BenchChildTask {
  readonly device: SelfDevice;
  /** What this side does: the contrary of the other. */
  readonly direction: Direction;
  readonly vnetHeaderBytes: 0 | 10 | 12;
  /** Of a socketpair; devices know. */
  readonly ethernetHeader: boolean;
  readonly frames: FramePlan;
  /** No side works longer than this. */
  readonly boundMilliseconds: number;
}

/** What this side says: the device is there, its descriptor with it (but for a socketpair, which the command made). */
export type BenchChildMessage =
  | { readonly kind: 'device' }
  | { readonly kind: 'failure'; readonly code: string; readonly message: string };

/** What the command says: its endpoint is attached. */
export interface BenchParentMessage {
  readonly kind: 'start';
}

/** Our side of the device, and the descriptor of theirs. */
interface Sides {
  readonly ours: number;
  readonly theirs: number | null;
}

/** Runs the child; `text` is the JSON of a BenchChildTask. */
export async function runBenchChild(text: string): Promise<void> {
  const task = JSON.parse(text) as BenchChildTask;
  let start: () => void = () => undefined;
  const started = new Promise<void>((resolve) => (start = resolve));
  const parent = listenToParent<BenchParentMessage, BenchChildMessage>(() => start(), () => undefined);
  setTimeout(() => process.exit(0), task.boundMilliseconds);
  try {
    const sides = task.device === 'socketpair' ? { ours: PAIR_FD, theirs: null } : makeDevice(task);
    const endpoint = await openSide(task, sides.ours);
    parent.send({ kind: 'device' }, sides.theirs === null ? [] : [sides.theirs]);
    if (sides.theirs !== null) closeFd(sides.theirs);
    await started;
    await work(task, endpoint);
  } catch (error) {
    const { message } = asError(error);
    parent.send({ kind: 'failure', code: error instanceof LinkpointError ? error.code : 'ERR_CHILD', message });
  }
}

async function openSide(task: BenchChildTask, fd: number): Promise<FdBasedEndpoint> {
  const { device, vnetHeaderBytes, ethernetHeader, frames } = task;
  const pair = device === 'socketpair' ? { vnetHeaderBytes, ethernetHeader } : { ethernetHeader: device !== 'tun' };
  return openFdBased({ fds: [fd], mtu: MTU_MAX, batch: 8, transmitSlots: frames.batch, ...pair });
}

/** Writes, or reads and forgets, until the process ends. */
async function work(task: BenchChildTask, endpoint: FdBasedEndpoint): Promise<void> {
  const { direction, frames, boundMilliseconds } = task;
  if (direction === 'rx') {
    new Receiver(endpoint, 'inline');
    return;
  }
  const transmitter = new Transmitter(endpoint, 'inline', frames);
  await transmitter.writeUntil(clock() + boundMilliseconds);
}

/** In a namespace of its own, where the kernel says as little as possible by itself. */
function makeDevice({ device, vnetHeaderBytes }: BenchChildTask): Sides {
  enterNamespace(createNetworkNamespace());
  silenceIpv6();
  if (device === 'veth') {
    createVeth({ name: 'veth0', peerName: 'veth1' });
    for (const name of ['veth0', 'veth1']) setInterfaceUp(name, true);
    const theirs = openPacketSocket({ interfaceName: 'veth1', vnetHeaderBytes });
    return { ours: openPacketSocket({ interfaceName: 'veth0', vnetHeaderBytes }).fd, theirs: theirs.fd };
  }
  const queue = device === 'tap' ? openTap({ vnetHeaderBytes }) : openTun({ vnetHeaderBytes });
  setInterfaceUp(queue.name, true);
  return { ours: openPacketSocket({ interfaceName: queue.name, vnetHeaderBytes }).fd, theirs: queue.fd };
}

/** Router solicitations and listener reports would be counted with what is measured. */
function silenceIpv6(): void {
  try {
    writeFileSync('/proc/sys/net/ipv6/conf/default/disable_ipv6', '1');
  } catch {
    // A handful of packets more: not worth an error.
  }
}
