/** What the tests of fd-based endpoints share: an endpoint on one end of a socket pair, and frames to write. */

import type { ExecutionContext } from 'ava';

import { ETHERTYPE_IPV4 } from '../../header/ethernet.ts';
import { type FdBasedEndpoint, openFdBased } from '../../link/fd-based.ts';
import type { FdBasedOptions } from '../../link/fd-based-options.ts';
import { SOCK_SEQPACKET } from '../../native/constants.ts';
import { pin, socketPair, unpin, write } from '../../native/index.ts';
import type { LinkEndpoint, PacketBuffer } from '../../stack/index.ts';
import { until } from '../native/_support.ts';
import { closeLater, PEER, Recorder } from './_fd-support.ts';

/** Room for a super-packet of 64 KiB in a socket's queue. */
const BUFFER_BYTES = 1 << 20;

/** An endpoint over `pairs` socket pairs, and the other ends. */
export interface Bench {
  readonly endpoint: FdBasedEndpoint;
  readonly fds: readonly number[];
  readonly peers: readonly number[];
  /** The first of `peers`. */
  readonly peer: number;
}

/** Makes the pairs, opens the endpoint, and closes all of it after the test. */
export async function openBench(
  t: ExecutionContext,
  options: Partial<FdBasedOptions> = {},
  pairs = 1,
  type: number = SOCK_SEQPACKET,
): Promise<Bench> {
  const ends = Array.from({ length: pairs }, () =>
    socketPair(type, { sendBufferBytes: BUFFER_BYTES, receiveBufferBytes: BUFFER_BYTES }),
  );
  const fds = ends.map(([fd]) => fd);
  const peers = ends.map(([, peer]) => peer);
  closeLater(t, ...peers, ...(options.ownFds === true ? [] : fds));
  const endpoint = await openFdBased({ fds, ...options });
  t.teardown(() => endpoint.close());
  return { endpoint, fds, peers, peer: peers[0] as number };
}

/** Attaches a recorder. */
export function record(endpoint: LinkEndpoint): Recorder {
  const recorder = new Recorder();
  endpoint.attach(recorder);
  return recorder;
}

/** Resolves when the endpoint has received `count` frames, whatever became of them. */
export function received(endpoint: LinkEndpoint, count: number): Promise<void> {
  const { statistics } = endpoint;
  return until(() => statistics.get('receivedPackets') >= count, `${count} frames have come`);
}

/** A packet of the endpoint's own memory with `content` from the network header on, addressed to PEER. */
export function packetOf(endpoint: LinkEndpoint, content: Uint8Array, protocol: number = ETHERTYPE_IPV4): PacketBuffer {
  const packet = endpoint.allocate(content.length);
  if (packet === null) throw new Error('The test holds all slots of its endpoint');
  packet.fill(content);
  packet.egress.protocol = protocol;
  packet.egress.remoteLinkAddress = PEER;
  return packet;
}

/** The 10 bytes of a virtio-net header, field by field as virtio 1.2, 5.1.6 lists them. */
export function vnetHeader(fields: {
  flags?: number;
  gsoType?: number;
  hdrLen?: number;
  gsoSize?: number;
  csumStart?: number;
  csumOffset?: number;
}): Uint8Array {
  const { flags = 0, gsoType = 0, hdrLen = 0, gsoSize = 0, csumStart = 0, csumOffset = 0 } = fields;
  const bytes = new Uint8Array(10);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, flags);
  view.setUint8(1, gsoType);
  [hdrLen, gsoSize, csumStart, csumOffset].forEach((value, index) => view.setUint16(2 + 2 * index, value, true));
  return bytes;
}

/** `parts` one after the other. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** An Ethernet header. */
export function ethernetHeader(destination: number, source: number, etherType: number = ETHERTYPE_IPV4): Uint8Array {
  const bytes = new Uint8Array(14);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Math.floor(destination / 0x1_0000_0000));
  view.setUint32(2, destination >>> 0);
  view.setUint16(6, Math.floor(source / 0x1_0000_0000));
  view.setUint32(8, source >>> 0);
  view.setUint16(12, etherType);
  return bytes;
}

/** An IPv4 packet of a TCP header of 20 bytes and `payloadBytes` of a pattern. */
export function tcpPacket(payloadBytes: number, ports: readonly [number, number] = [1024, 7]): Uint8Array {
  const byteLength = 40 + payloadBytes;
  const bytes = Uint8Array.from({ length: byteLength }, (_, at) => (at * 13) & 0xff);
  const view = new DataView(bytes.buffer);
  bytes.set([0x45, 0, (byteLength >> 8) & 0xff, byteLength & 0xff, 0, 0, 0x40, 0, 64, 6, 0, 0]);
  bytes.set([192, 0, 2, 1, 192, 0, 2, 2], 12);
  ports.forEach((port, index) => view.setUint16(20 + 2 * index, port));
  view.setUint8(32, 0x50); // the data offset: five words
  return bytes;
}

/** Sends a datagram of no bytes. */
export function writeEmpty(fd: number): void {
  const bytes = new Uint8Array(1);
  const written = write(fd, pin(bytes), 0);
  unpin(bytes);
  if (written !== 0) throw new Error(`Cannot send an empty datagram: write(2) answered ${written}`);
}
