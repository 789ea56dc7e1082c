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
import { runInNamespace, setInterfaceUp } from '../../native/index.ts';
import type { PacketBuffer } from '../../stack/packet-buffer.ts';
import { PacketList } from '../../stack/packet-list.ts';
import { Peer, until } from '../regression/_support.ts';
import { type RegisterTest, testWithTun } from './_rights.ts';
import { makeNamespace, makeVeth, waitUntilRunning } from './native-support.ts';

const ETH_P_IP = 0x0800;

/** What is known of one packet; positions count from its first byte. */
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

/** Datagrams of the kernel's own (neighbour discovery and the like) are none of ours. */
const isOurs = (protocol: number, packet: PacketBuffer): boolean =>
  protocol === ETH_P_IP && packet.view.getUint32(packet.networkOffset + 12) === 0xc000_0201;

function metadataOf(packet: PacketBuffer): Metadata {
  const { start, checksum, checksumStart, checksumOffset, gsoType, gsoSize, headerEnd, length } = packet;
  const headerBytes = headerEnd < 0 ? -1 : headerEnd - start;
  return { checksum, checksumAt: checksumStart - start, checksumOffset, gsoType, gsoSize, headerBytes, length };
}

interface Path {
  /** Writes frames with their virtio-net header into the first link. */
  readonly sender: Peer;
  /** Our end of the first link. */
  readonly inFd: number;
  /** Our end of the second link. */
  readonly outFd: number;
  /** The far end of the second link. */
  readonly farFd: number;
}

/** | namespace 1: sender on veth0 == inFd on veth1 |, | namespace 2: outFd on veth0 == farFd on veth1 | */
function vethPath(t: ExecutionContext): Path {
  const [sender, inFd] = vethEnds(t);
  const [outFd, farFd] = vethEnds(t);
  return { sender: new Peer(sender), inFd, outFd, farFd };
}

/** The same with a TAP as the first link: the sender is on the kernel's side of it. */
function tapPath(t: ExecutionContext): Path {
  const namespace = makeNamespace(t);
  const tap = openTap({ name: 'tap0', namespace, vnetHeaderBytes: VNET_BYTES });
  runInNamespace(namespace, () => {
    setInterfaceUp('tap0', true);
    waitUntilRunning('tap0');
  });
  const socket = openPacketSocket({ interfaceName: 'tap0', namespace, protocol: 0, vnetHeaderBytes: VNET_BYTES });
  t.teardown(() => [socket, tap].forEach((device) => device.close()));
  const [outFd, farFd] = vethEnds(t);
  return { sender: new Peer(socket.fd), inFd: tap.fd, outFd, farFd };
}

function vethEnds(t: ExecutionContext): [number, number] {
  const namespace = makeNamespace(t);
  runInNamespace(namespace, makeVeth);
  const ends = ['veth0', 'veth1'].map((interfaceName) =>
    openPacketSocket({ interfaceName, namespace, vnetHeaderBytes: VNET_BYTES }),
  );
  t.teardown(() => ends.forEach((end) => end.close()));
  return ends.map(({ fd }) => fd) as [number, number];
}

async function open(t: ExecutionContext, fd: number, run: RunMode = 'inline'): Promise<FdBasedEndpoint> {
  const endpoint = await openFdBased({ fds: [fd], run });
  t.teardown(async () => {
    endpoint.close();
    await endpoint.wait();
  });
  return endpoint;
}

for (const run of ['inline', 'ring'] as const) {
  for (const [name, makePath] of [['AF_PACKET', vethPath], ['TAP', tapPath]] as const) {
    const testPath: RegisterTest = name === 'TAP' ? testWithTun : test.serial;
    testPath(`row 5: ${run}, ${name} to AF_PACKET: each forwarded packet keeps what its virtio-net header said`, async (t) => {
      const path = makePath(t);
      const incoming = await open(t, path.inFd, run);
      const outgoing = await open(t, path.outFd);
      const far = await open(t, path.farFd);
      const list = new PacketList();
      const seen: Metadata[] = [];
      const arrived: Metadata[] = [];
      const bytes: Uint8Array[] = [];
      incoming.attach({
        deliverNetworkPacket(protocol, packet) {
          if (!isOurs(protocol, packet)) return;
          seen.push(metadataOf(packet));
          list.clear();
          list.push(packet);
          t.is(outgoing.writePackets(list), 1);
        },
      });
      far.attach({
        deliverNetworkPacket(protocol, packet) {
          if (!isOurs(protocol, packet)) return;
          arrived.push(metadataOf(packet));
          bytes.push(packet.copyBytes());
        },
      });
      // One batch, so that what is known of one packet would spoil the next.
      t.is(path.sender.send(CASES.map((testCase) => testCase.bytes)), CASES.length);
      await until(() => arrived.length === CASES.length, 'all packets came');
      const expected = CASES.map((testCase) => testCase.expected);
      t.deepEqual(seen, expected);
      t.deepEqual(arrived, expected);
      t.deepEqual(bytes, CASES.map((testCase) => testCase.bytes.slice(VNET_BYTES)));
      t.is(outgoing.statistics.get('transmitCopies'), 0);
      t.is(outgoing.statistics.get('transmittedSuperPackets'), 2);
    });
  }
}
