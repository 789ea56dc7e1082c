/**
 * gVisor throws the virtio-net header of an incoming frame away and has the whole NIC trust all checksums; a frame that
 * the host has coalesced cannot be forwarded. Here each packet says what is known of it, and forwarding keeps that.
 *
 *     | kernel: TCP or UDP of namespace A | ══ device A ══ endpoint ── forwards ── endpoint ══ device B ══ | namespace B |
 */

import test, { type ExecutionContext } from 'ava';

import type { RunMode } from '../../link/fd-based-options.ts';
import { type FdBasedEndpoint, openFdBased } from '../../link/fd-based.ts';
import { openPacketSocket } from '../../link/open-packet-socket.ts';
import { openTap } from '../../link/open-tun.ts';
import { closeFd, runInNamespace, setInterfaceUp } from '../../native/index.ts';
import { PacketList } from '../../stack/packet-list.ts';
import { allocatePinned, MessageTable } from '../../native/index.ts';
import { openRig, Peer, until } from '../regression/_support.ts';
import { makeNamespace, makeVeth, TEST_PROTOCOL, waitUntilRunning } from './native-support.ts';

/** What is known of one packet. */
interface Metadata {
  readonly checksum: string;
  readonly checksumAt: number;
  readonly checksumOffset: number;
  readonly gsoType: string;
  readonly gsoSize: number;
  readonly headerBytes: number;
  readonly length: number;
}

const VNET_BYTES = 10;
/** Ethernet, IPv4 without options, TCP without options. */
const TCP_HEADERS = 14 + 20 + 20;
const UDP_HEADERS = 14 + 20 + 8;

// struct virtio_net_hdr: flags, gso_type, hdr_len, gso_size, csum_start, csum_offset
function vnetFrame(header: readonly number[], frame: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(VNET_BYTES + frame.length);
  const view = new DataView(bytes.buffer);
  const [flags = 0, gsoType = 0, ...words] = header;
  bytes[0] = flags;
  bytes[1] = gsoType;
  words.forEach((word, index) => view.setUint16(2 + index * 2, word, true));
  bytes.set(frame, VNET_BYTES);
  return bytes;
}

/** An Ethernet broadcast of an IPv4 packet from 192.0.2.1 to 192.0.2.2; the kernel reads no more of it on its way. */
function ipFrame(protocol: number, byteLength: number): Uint8Array {
  const frame = new Uint8Array(byteLength).fill(0x5a);
  const view = new DataView(frame.buffer);
  frame.fill(0xff, 0, 6);
  frame.set([2, 0, 0, 0, 0, 9, 0x08, 0x00, 0x45, 0], 6);
  view.setUint16(16, byteLength - 14);
  frame.set([0, 1, 0x40, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2], 18);
  const sum = Array.from({ length: 10 }, (_, word) => view.getUint16(14 + word * 2)).reduce((left, right) => left + right, 0);
  view.setUint16(24, ~((sum & 0xffff) + (sum >> 16)) & 0xffff);
  if (protocol === 6) frame.set([0x50, 0x10], 34 + 12);
  if (protocol === 17) view.setUint16(34 + 4, byteLength - 34);
  return frame;
}

const NEEDS_CSUM = 1;
const DATA_VALID = 2;
const TCPV4 = 1;
const UDP_L4 = 5;

const CASES: readonly { title: string; bytes: Uint8Array; expected: Metadata }[] = [
  {
    title: 'a TCP super-packet',
    bytes: vnetFrame([NEEDS_CSUM, TCPV4, TCP_HEADERS, 1448, 34, 16], ipFrame(6, TCP_HEADERS + 20_000)),
    expected: {
      checksum: 'partial', checksumAt: 34, checksumOffset: 16,
      gsoType: 'tcp4', gsoSize: 1448, headerBytes: TCP_HEADERS, length: TCP_HEADERS + 20_000,
    },
  },
  {
    title: 'a UDP super-packet',
    bytes: vnetFrame([NEEDS_CSUM, UDP_L4, UDP_HEADERS, 1200, 34, 6], ipFrame(17, UDP_HEADERS + 12_000)),
    expected: {
      checksum: 'partial', checksumAt: 34, checksumOffset: 6,
      gsoType: 'udp', gsoSize: 1200, headerBytes: UDP_HEADERS, length: UDP_HEADERS + 12_000,
    },
  },
  {
    title: 'a datagram with a partial checksum',
    bytes: vnetFrame([NEEDS_CSUM, 0, 0, 0, 34, 6], ipFrame(17, UDP_HEADERS + 100)),
    expected: {
      checksum: 'partial', checksumAt: 34, checksumOffset: 6,
      gsoType: 'none', gsoSize: 0, headerBytes: -1, length: UDP_HEADERS + 100,
    },
  },
];
