/** What the tests of endpoints over descriptors share: socket pairs, plain reads and writes, recording dispatchers. */

import type { ExecutionContext } from 'ava';

import { ETHERTYPE_IPV4 } from '../../header/ethernet.ts';
import { Fd, pin, read, unpin, write } from '../../native/index.ts';
import type { NetworkDispatcher, PacketBuffer } from '../../stack/index.ts';

/** 02:00:00:00:00:01, ours. */
export const OWN = 0x0200_0000_0001;
/** 02:00:00:00:00:02, a neighbor's. */
export const PEER = 0x0200_0000_0002;

/**
 * Owns a descriptor of the test: closed by `close()` or when the test is over, and once only, for its number may be
 * another test's by then.
 */
export function owned(t: ExecutionContext, fd: number): Fd {
  const handle = new Fd(fd, true);
  t.teardown(() => handle.close());
  return handle;
}

/** The same for several descriptors that nobody else closes: neither the test nor an endpoint that owns them. */
export function closeLater(t: ExecutionContext, ...fds: number[]): void {
  for (const fd of fds) owned(t, fd);
}

/** Up to `room` bytes that can be read from `fd` now; null when there is nothing. */
export function readSome(fd: number, room = 131_072): Uint8Array | null {
  const bytes = new Uint8Array(room);
  const count = read(fd, pin(bytes), room);
  unpin(bytes);
  return count < 0 ? null : bytes.slice(0, count);
}

/** Writes `bytes` to `fd`: how many were taken, or -errno. */
export function writeSome(fd: number, bytes: Uint8Array): number {
  const count = write(fd, pin(bytes), bytes.length);
  unpin(bytes);
  return count;
}

/** An IPv4 packet of `byteLength` bytes, from 20, whose payload is a pattern that begins with `seed`. */
export function ipv4Packet(byteLength: number, seed = 0): Uint8Array {
  const bytes = Uint8Array.from({ length: byteLength }, (_, at) => (seed + at * 7) & 0xff);
  bytes.set([0x45, 0, byteLength >> 8, byteLength & 0xff, 0, seed & 0xff, 0, 0, 64, 253, 0, 0]);
  bytes.set([192, 0, 2, 1, 192, 0, 2, 2], 12);
  return bytes;
}

/** An Ethernet frame of an IPv4 packet of `byteLength` bytes, from PEER to `destination`. */
export function ethernetFrame(byteLength: number, seed = 0, destination: number = OWN): Uint8Array {
  const frame = new Uint8Array(14 + byteLength);
  const view = new DataView(frame.buffer);
  view.setUint16(0, Math.floor(destination / 0x1_0000_0000));
  view.setUint32(2, destination >>> 0);
  view.setUint16(6, PEER / 0x1_0000_0000);
  view.setUint32(8, PEER >>> 0);
  view.setUint16(12, ETHERTYPE_IPV4);
  frame.set(ipv4Packet(byteLength, seed), 14);
  return frame;
}

/** Keeps a copy of everything that is delivered. */
export class Recorder implements NetworkDispatcher {
  readonly protocols: number[] = [];
  readonly frames: Uint8Array[] = [];
  batches = 0;
  /** Called within each delivery, after it was recorded. */
  onPacket: ((packet: PacketBuffer) => void) | null = null;

  deliverNetworkPacket(protocol: number, packet: PacketBuffer): void {
    this.protocols.push(protocol);
    this.frames.push(packet.copyBytes());
    this.onPacket?.(packet);
  }

  deliverBatchEnd(): void {
    this.batches++;
  }
}
