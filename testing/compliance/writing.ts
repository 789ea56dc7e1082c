/** What becomes of packets that are written: order, bytes, limits, short counts. */

import assert from 'node:assert/strict';
import { requestSegmentation } from '../../gso/request-offload.ts';
import type { PacketBuffer } from '../../stack/packet-buffer.ts';
import { PacketList } from '../../stack/packet-list.ts';
import { packetFrom, patternBytes, tcpSegment } from '../packets.ts';
import { turns, until } from '../until.ts';
import { codeOf } from './attachment.ts';
import { type ComplianceCase, type ComplianceContext, PACKET_BYTES_MIN, sequenceOf } from './context.ts';

/** Packets after which a link that `canFill` must be full. */
const FILL_PACKETS_MAX = 100_000;
/** Packets that are written at a time until the link is full. */
const FILL_LIST_PACKETS = 32;
/** Longest packet that is built, for MTUs near the limit of IP. */
const IP_PACKET_BYTES_MAX = 65_535;
/** Payload of a segment on Ethernet: 1500 - 20 - 20 - 12. */
const SEGMENT_BYTES = 1448;
/** Payload of a super-packet that every host takes. */
const SUPER_PAYLOAD_BYTES = 8 * SEGMENT_BYTES;

/** Cases about writing. */
export const writingCases: readonly ComplianceCase[] = [
  { title: 'writes packets of every length up to the MTU, byte for byte', run: writesLengths },
  {
    title: 'writes a list in order',
    run: async (context) => {
      const frames = context.write(...Array.from({ length: 20 }, (_, index) => index));
      for (const frame of frames) assert.deepEqual(await context.received(), frame);
      await context.receivedNothing();
    },
  },
  {
    title: 'accepts nothing of an empty list',
    run: ({ endpoint }) => {
      assert.equal(endpoint.writePackets(new PacketList()), 0);
      assert.equal(endpoint.statistics.get('shortWrites'), 0);
    },
  },
  { title: 'refuses a list with a packet longer than the MTU, and sends nothing of it', run: refusesLong },
  { title: 'accepts a super-packet', needs: 'gso', run: acceptsSuperPacket },
  { title: 'refuses a super-packet longer than it says it takes', run: refusesSuperPacket },
  {
    title: 'writes a raw frame as it is',
    run: async (context) => {
      const packet = context.outboundPacket(3);
      const frame = packet.copyBytes();
      packet.release();
      assert.equal(context.endpoint.writeRawPacket(frame), true);
      assert.deepEqual(await context.received(), frame);
    },
  },
  {
    title: 'counts the packets and bytes that it transmitted',
    run: (context) => {
      const frames = context.write(1, 2, 3);
      const { statistics } = context.endpoint;
      assert.equal(statistics.get('transmittedPackets'), 3);
      assert.equal(statistics.get('transmittedBytes'), frames.reduce((sum, { length }) => sum + length, 0));
    },
  },
  {
    title: 'refuses to write after close()',
    run: (context) => {
      const packet = packetFrom(context.networkPacket(1));
      context.address(packet);
      context.endpoint.addHeader(packet);
      context.endpoint.close();
      assert.equal(codeOf(() => context.endpoint.writePackets(PacketList.of(packet))), 'ERR_LINK_CLOSED');
      assert.equal(codeOf(() => context.endpoint.writeRawPacket(packet.copyBytes())), 'ERR_LINK_CLOSED');
    },
  },
  {
    title: 'answers a full link with a short count, and says drain once when there is room',
    needs: 'canFill',
    run: fills,
  },
];

async function writesLengths(context: ComplianceContext): Promise<void> {
  const { mtu } = context.endpoint;
  const longest = Math.min(mtu, IP_PACKET_BYTES_MAX);
  for (const packetBytes of [PACKET_BYTES_MIN, PACKET_BYTES_MIN + 1, 100, 1000, longest - 1, longest]) {
    const packet = context.outboundPacket(packetBytes, packetBytes);
    const frame = packet.copyBytes();
    assert.equal(context.endpoint.writePackets(PacketList.of(packet)), 1);
    packet.release();
    const received = await context.received();
    assert.deepEqual(received, frame, `a packet of ${packetBytes} bytes`);
  }
}

async function refusesLong(context: ComplianceContext): Promise<void> {
  const { endpoint } = context;
  const fits = context.outboundPacket(1);
  const long = packetFrom(patternBytes(endpoint.mtu + 1));
  context.address(long);
  endpoint.addHeader(long);
  const action = (): number => endpoint.writePackets(PacketList.of(fits, long, fits));
  const expected = { code: 'ERR_PACKET_TOO_LONG', index: 1, packetBytes: endpoint.mtu + 1, limitBytes: endpoint.mtu };
  assert.throws(action, expected);
  fits.release();
  await turns();
  await context.receivedNothing();
  assert.equal(endpoint.statistics.get('transmittedPackets'), 0);
}

function superPacket(context: ComplianceContext, payloadBytes: number): PacketBuffer {
  const packet = packetFrom(tcpSegment({ payload: patternBytes(payloadBytes) }));
  context.address(packet);
  context.endpoint.addHeader(packet);
  assert.equal(requestSegmentation(packet, SEGMENT_BYTES), true);
  return packet;
}

function acceptsSuperPacket(context: ComplianceContext): void {
  const packet = superPacket(context, Math.min(SUPER_PAYLOAD_BYTES, context.endpoint.gso.maxSize - 40));
  assert.equal(context.endpoint.writePackets(PacketList.of(packet)), 1);
}

function refusesSuperPacket(context: ComplianceContext): void {
  const { endpoint } = context;
  const packet = superPacket(context, SUPER_PAYLOAD_BYTES);
  const { maxSize } = endpoint.gso;
  const refused = { code: 'ERR_PACKET_TOO_LONG', limitBytes: maxSize };
  if (maxSize >= packet.networkBytes) {
    // Longer than said, whatever the headers claim: the length alone decides.
    const long = packetFrom(patternBytes(maxSize + 1));
    context.address(long);
    endpoint.addHeader(long);
    long.gsoType = 'tcp4';
    long.gsoSize = SEGMENT_BYTES;
    assert.throws(() => endpoint.writePackets(PacketList.of(long)), refused);
    return;
  }
  assert.throws(() => endpoint.writePackets(PacketList.of(packet)), refused);
}

/** Writes lists until one is not accepted whole; returns how many packets were accepted. */
function fill(context: ComplianceContext): number {
  const { endpoint } = context;
  const packets = Array.from({ length: FILL_LIST_PACKETS }, () => packetFrom(new Uint8Array(0)));
  for (let written = 0; written < FILL_PACKETS_MAX; written += FILL_LIST_PACKETS) {
    const list = PacketList.of(...packets.map((_, index) => numbered(context, written + index)));
    const accepted = endpoint.writePackets(list);
    if (accepted < list.length) return written + accepted;
  }
  throw new Error(`The link took ${FILL_PACKETS_MAX} packets and was not full`);
}

function numbered(context: ComplianceContext, sequence: number): PacketBuffer {
  const packet = packetFrom(context.networkPacket(sequence, Math.min(1000, context.endpoint.mtu)));
  context.address(packet);
  context.endpoint.addHeader(packet);
  return packet;
}

async function fills(context: ComplianceContext): Promise<void> {
  const { endpoint } = context;
  let drainCount = 0;
  endpoint.on('drain', () => drainCount++);
  const accepted = fill(context);
  assert.equal(endpoint.statistics.get('shortWrites'), 1);
  assert.equal(drainCount, 0, 'drain is not said while the link is full');
  for (let sequence = 0; sequence < accepted; sequence++) {
    assert.equal(sequenceOf(await context.received()), sequence, 'what was accepted arrives, in order');
  }
  await until('drain', () => drainCount > 0);
  await context.receivedNothing();
  assert.equal(endpoint.writePackets(PacketList.of(numbered(context, accepted))), 1, 'after drain there is room');
  assert.equal(sequenceOf(await context.received()), accepted);
  await turns();
  assert.equal(drainCount, 1);
  assert.equal(endpoint.statistics.get('transmittedPackets'), accepted + 1);
}
