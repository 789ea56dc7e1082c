/** Header accessors, checksum, flow hash, virtio-net header; the slow reference beside the fast path. */

import * as virtioNet from '../../gso/virtio-net-header.ts';
import { parseIpv4 } from '../../header/address.ts';
import * as checksum from '../../header/checksum.ts';
import { ETHERTYPE_IPV4 } from '../../header/ethernet.ts';
import { flowHash } from '../../header/flow.ts';
import * as ipv4 from '../../header/ipv4.ts';
import { PROTOCOL_UDP } from '../../header/protocol.ts';
import { buildIp } from '../../header/send-ip.ts';
import * as udp from '../../header/udp.ts';
import type { MicroSample } from '../results.ts';
import { Arena } from '../../stack/arena.ts';
import { PacketPool } from '../../stack/packet-pool.ts';
import { REPEATS, runGroup, type Task, use } from './_bench.ts';

const CHECKSUM_BYTES = [20, 64, 1500, 65_000];
const PACKETS = 64;

/** RFC 1071, word by word: what the unrolled sum must beat. */
function referenceSum(bytes: Uint8Array, length: number): number {
  let sum = 0;
  for (let at = 0; at + 1 < length; at += 2) {
    sum += ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    sum = (sum & 0xffff) + (sum >>> 16);
  }
  return sum;
}

function checksumTasks(length: number): Task[] {
  const bytes = new Uint8Array(length).map((_, index) => (index * 31) & 0xff);
  const view = new DataView(bytes.buffer);
  const operations = length > 2000 ? 1 : REPEATS;
  const each = (sum: () => number) => () => {
    for (let index = 0; index < operations; index++) use(sum());
  };
  return [
    { name: 'sum', operations, run: each(() => checksum.sum(view, 0, length)) },
    { name: 'reference', operations, run: each(() => referenceSum(bytes, length)) },
  ];
}

/** Slots with a UDP packet each, so that no accessor is measured on one constant address. */
function makePackets(): PacketPool {
  const pool = new PacketPool(new Arena(PACKETS, 1500));
  const addresses = { source: parseIpv4('192.0.2.1'), destination: parseIpv4('192.0.2.2') };
  for (let index = 0; index < PACKETS; index++) {
    const packet = pool.at(index);
    packet.repoint(packet.base + 128, packet.base + 192);
    udp.emit(
      { sourcePort: 40_000 + index, destinationPort: 7, payloadBytes: 56, checksum: 0 },
      packet.view,
      packet.start,
    );
    buildIp({ ...addresses, protocol: PROTOCOL_UDP, sourceLinkAddress: 1, destinationLinkAddress: 2 }, packet);
    packet.linkOffset = packet.start;
    packet.networkOffset = packet.start + 14;
    packet.transportOffset = packet.networkOffset + ipv4.HEADER_BYTES;
  }
  return pool;
}

function packetTasks(pool: PacketPool, spare: PacketPool): Task[] {
  const over = (visit: (index: number) => void) => () => {
    for (let index = 0; index < REPEATS; index++) visit(index & (PACKETS - 1));
  };
  return [
    {
      name: 'IPv4 and UDP accessors',
      run: over((index) => {
        const { view, networkOffset: at, transportOffset, end } = pool.at(index);
        if (!ipv4.isValid(view, at, end)) throw new Error('Cannot read the packet that was just written');
        use(ipv4.source(view, at) ^ ipv4.destination(view, at) ^ ipv4.protocol(view, at));
        use(udp.sourcePort(view, transportOffset) ^ udp.destinationPort(view, transportOffset));
      }),
    },
    {
      name: 'Flow hash',
      run: over((index) => {
        const { view, networkOffset, end } = pool.at(index);
        use(flowHash(view, networkOffset, end, ETHERTYPE_IPV4));
      }),
    },
    {
      name: 'Packet re-point',
      run: over((index) => {
        const packet = spare.at(index);
        const { base } = packet;
        packet.repoint(base + 128, base + 192);
        use(packet.start);
      }),
    },
  ];
}

function vnetTasks(pool: PacketPool): Task[] {
  const view = new DataView(new ArrayBuffer(REPEATS * 16));
  const packet = pool.at(0);
  for (let index = 0; index < REPEATS; index++) virtioNet.encode(packet, view, index * 16, 10);
  return [
    {
      name: 'encode',
      run: () => {
        for (let index = 0; index < REPEATS; index++) use(virtioNet.encode(packet, view, index * 16, 10) ? 1 : 0);
      },
    },
    {
      name: 'decode',
      run: () => {
        for (let index = 0; index < REPEATS; index++)
          use(virtioNet.decode(packet.view, packet.start - 10, packet) ? 1 : 0);
      },
    },
  ];
}

/** Runs the groups of this file. */
export async function runHeaderBenchmarks(milliseconds: number): Promise<MicroSample[]> {
  const results: MicroSample[] = [];
  for (const length of CHECKSUM_BYTES) {
    results.push(...(await runGroup(`Internet checksum, ${length} B`, checksumTasks(length), milliseconds)));
  }
  return [
    ...results,
    ...(await runGroup('virtio-net header', vnetTasks(makePackets()), milliseconds)),
    ...(await runGroup('Per packet', packetTasks(makePackets(), makePackets()), milliseconds)),
  ];
}
