/** What the tests of regression/, faults/, costs/ and their privileged kin share: frames, a peer of plain system calls. */

import { setTimeout as delay } from 'node:timers/promises';

import type { ExecutionContext } from 'ava';

import type { RunMode } from '../../link/fd-based-options.ts';
import { type FdBasedEndpoint, openFdBased } from '../../link/fd-based.ts';
import type { FdBasedOptions } from '../../link/fd-based-options.ts';
import { MSG_DONTWAIT, MSG_NOSIGNAL } from '../../native/constants.ts';
import { allocatePinned, closeFd, freePinned, MessageTable, socketPair } from '../../native/index.ts';
import type { ClosedReason } from '../../stack/link-endpoint.ts';

export { delay };

/** All ways of running. */
export const RUNS: readonly RunMode[] = ['inline', 'ring', 'worker'];

/** The modes that sockets have without any right. */
export const SOCKET_MODES = ['recvmmsg', 'readv'] as const;

/** A packet without link header: it begins like IPv4, and byte 4 on is `sequence`. */
export function ipPacket(sequence: number, byteLength = 64): Uint8Array {
  const bytes = new Uint8Array(byteLength).fill(sequence & 0xff);
  bytes[0] = 0x45;
  new DataView(bytes.buffer).setUint32(4, sequence);
  return bytes;
}

/** The other side of a socket: sends exactly the bytes that it is told, a message each. */
export class Peer {
  readonly fd: number;
  #isOpen = true;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** @returns how many were taken before the queue was full */
  send(messages: readonly Uint8Array[]): number {
    let sent = 0;
    while (sent < messages.length) {
      const batch = messages.slice(sent, sent + 64);
      const taken = sendBatch(this.fd, batch);
      if (taken > 0) sent += taken;
      if (taken < batch.length) break;
    }
    return sent;
  }

  /** Sends all, waiting for room. */
  async sendAll(messages: readonly Uint8Array[]): Promise<void> {
    for (let sent = 0; sent < messages.length; ) {
      sent += this.send(messages.slice(sent, sent + 256));
      await delay(1);
    }
  }

  /** Hangs up. Idempotent. */
  close(): void {
    if (this.#isOpen) closeFd(this.fd);
    this.#isOpen = false;
  }
}

function sendBatch(fd: number, messages: readonly Uint8Array[]): number {
  const memory = allocatePinned(messages.reduce((sum, { length }) => sum + length, 8));
  const table = new MessageTable(messages.length, 1);
  let at = 0;
  messages.forEach((bytes, index) => {
    memory.bytes.set(bytes, at);
    table.setIovec(index, 0, memory.address + at, bytes.length);
    at += bytes.length;
  });
  const sent = table.send(fd, 0, messages.length, MSG_DONTWAIT | MSG_NOSIGNAL);
  table.close();
  freePinned(memory);
  return sent;
}

/** An endpoint over one end of a socket pair, what it told `closed`, and the other end. */
export interface Rig {
  readonly endpoint: FdBasedEndpoint;
  readonly reasons: ClosedReason[];
  readonly peer: Peer;
  readonly fd: number;
}

/** Opens a rig; all of it is closed at the end of the test. */
export async function openRig(t: ExecutionContext, options: Omit<FdBasedOptions, 'fds'>, type?: number): Promise<Rig> {
  const [fd, peerFd] = socketPair(type);
  const peer = new Peer(peerFd);
  const reasons: ClosedReason[] = [];
  const endpoint = await openFdBased({ ...options, fds: [fd], closed: (reason) => reasons.push(reason) });
  t.teardown(async () => {
    endpoint.close();
    await endpoint.wait();
    closeFd(fd);
    peer.close();
  });
  return { endpoint, reasons, peer, fd };
}

/** Resolves once `condition` holds; rejects after `milliseconds`. */
export async function until(condition: () => boolean, what: string, milliseconds = 5_000): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Timed out after ${milliseconds} ms waiting until ${what}`);
    await delay(2);
  }
}

/** 0, 1, 2, ... `count` - 1. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** The statistics invariant: received = delivered + dropped. */
export function assertInvariant(t: ExecutionContext, { statistics }: FdBasedEndpoint): void {
  t.is(statistics.get('receivedPackets'), statistics.get('deliveredPackets') + statistics.inboundDrops);
}
