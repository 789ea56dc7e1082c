/** Whose a packet is, and until when. */

import assert from 'node:assert/strict';
import { ChannelEndpoint } from '../../link/channel.ts';
import type { PacketBuffer } from '../../stack/packet-buffer.ts';
import { PacketList } from '../../stack/packet-list.ts';
import { codeOf } from './attachment.ts';
import { type ComplianceCase, type ComplianceContext, sequenceOf } from './context.ts';

/** More packets than any endpoint lends out. */
const ALLOCATIONS_MAX = 100_000;
/** Overwrites what must have been copied. */
const SPOILED = 0xee;


function isDebug(): boolean {
  return process.env['LINKPOINT_DEBUG'] === '1';
}

/** Cases about lending, cloning, allocating and borrowing. */
export const ownershipCases: readonly ComplianceCase[] = [
  { title: 'lends a packet until the delivery returns; a clone keeps it', run: cloneKeeps },
  { title: 'takes a lent packet, edited in place, as the answer', run: answersInPlace },
  { title: 'lends packets that any other endpoint can write inside the delivery', run: forwards },
  {
    title: 'lends packets whose release has no effect',
    run: async (context) => {
      const dispatcher = context.attach((packet) => packet.release());
      await context.send(1, 2, 3);
      await context.delivered(dispatcher, 3);
      assert.deepEqual(dispatcher.sequences, [1, 2, 3]);
    },
  },
  { title: 'allocates packets with headroom for every header', run: allocatesHeadroom },
  { title: 'allocates until none is free, counts it, and reuses what is released', run: exhausts },
  { title: 'only borrows what it writes: list and packets are the caller\'s when the write returns', run: borrows },
  {
    title: 'writes one packet as often as it is told',
    run: async (context) => {
      const packet = context.outboundPacket(7);
      const list = PacketList.of(packet, packet);
      assert.equal(context.endpoint.writePackets(list), 2);
      assert.equal(context.endpoint.writePackets(list), 2);
      packet.release();
      for (let index = 0; index < 4; index++) assert.equal(sequenceOf(await context.received()), 7);
    },
  },
  ...(isDebug() ? [debugCase()] : []),
];

/** Registered only where it can fail. */
function debugCase(): ComplianceCase {
  return { title: 'throws, with LINKPOINT_DEBUG=1, when a packet is used after its return', run: usesAfterReturn };
}

async function cloneKeeps(context: ComplianceContext): Promise<void> {
  const clones: PacketBuffer[] = [];
  const dispatcher = context.attach((packet) => clones.push(packet.clone()));
  const frames = await context.send(1, 2, 3, 4);
  await context.delivered(dispatcher, 4);
  const later = await context.send(5, 6, 7, 8);
  await context.delivered(dispatcher, 8);
  assert.deepEqual(clones.map((clone) => clone.copyBytes()), [...frames, ...later]);
  const [first] = clones as [PacketBuffer];
  first.bytes.fill(SPOILED, first.start, first.end);
  assert.deepEqual(dispatcher.frames[0], frames[0], 'a clone has memory of its own');
}

async function answersInPlace(context: ComplianceContext): Promise<void> {
  let answer: Uint8Array | null = null;
  const dispatcher = context.attach((packet, _protocol, index) => {
    if (index > 0) return; // the answer of a loopback comes back in
    context.address(packet);
    packet.view.setUint8(packet.end - 1, SPOILED);
    answer = packet.copyBytes();
    assert.equal(context.endpoint.writePackets(PacketList.of(packet)), 1);
  });
  const [frame] = await context.send(1);
  await context.delivered(dispatcher, 1);
  assert.deepEqual(await context.received(), answer);
  assert.notDeepEqual(frame, answer);
}

async function forwards(context: ComplianceContext): Promise<void> {
  const ethernetHeader = context.features.ethernet;
  const other = new ChannelEndpoint({ mtu: context.endpoint.mtu, ethernetHeader });
  const dispatcher = context.attach((packet) => {
    assert.equal(other.writePackets(PacketList.of(packet)), 1);
    packet.bytes.fill(SPOILED, packet.start, packet.end);
  });
  const frames = await context.send(1, 2, 3);
  await context.delivered(dispatcher, 3);
  const forwarded = [other.read(), other.read(), other.read()].map((packet) => packet?.copyBytes());
  assert.deepEqual(forwarded, frames);
  other.close();
}

function allocatesHeadroom({ endpoint }: ComplianceContext): void {
  const packet = endpoint.allocate(endpoint.mtu);
  assert.ok(packet !== null);
  assert.equal(packet.length, endpoint.mtu);
  assert.equal(packet.networkOffset, packet.start);
  assert.ok(packet.start - packet.base >= endpoint.maxHeaderLength, 'there is room for the link header');
  packet.bytes.fill(SPOILED, packet.base, packet.end);
  packet.release();
}

function exhausts({ endpoint }: ComplianceContext): void {
  const packets: PacketBuffer[] = [];
  let packet = endpoint.allocate(100);
  for (; packet !== null && packets.length < ALLOCATIONS_MAX; packet = endpoint.allocate(100)) packets.push(packet);
  assert.equal(packet, null, 'allocate() answers null in the end');
  assert.equal(endpoint.statistics.get('allocate-failed'), 1);
  const [first] = packets as [PacketBuffer];
  first.release();
  if (!isDebug()) first.release(); // a second release of one allocation has no effect
  const again = endpoint.allocate(100);
  assert.ok(again !== null, 'a released packet can be allocated again');
  assert.equal(endpoint.allocate(100), null);
  assert.equal(endpoint.statistics.get('allocate-failed'), 2);
  for (const each of [...packets.slice(1), again]) each.release();
}

async function borrows(context: ComplianceContext): Promise<void> {
  const packets = [1, 2, 3].map((sequence) => context.outboundPacket(sequence));
  const frames = packets.map((packet) => packet.copyBytes());
  const list = PacketList.of(...packets);
  const before = packets.map(positionsOf);
  assert.equal(context.endpoint.writePackets(list), 3);
  assert.deepEqual([...list], packets, 'the list is as it was');
  assert.deepEqual(packets.map(positionsOf), before, 'the packets are where they were');
  assert.deepEqual(packets.map((packet) => packet.copyBytes()), frames, 'the bytes are as they were');
  for (const packet of packets) {
    packet.bytes.fill(SPOILED, packet.start, packet.end);
    packet.release();
  }
  for (const frame of frames) assert.deepEqual(await context.received(), frame);
}

const positionsOf = ({ start, end, networkOffset }: PacketBuffer): number[] => [start, end, networkOffset];

async function usesAfterReturn(context: ComplianceContext): Promise<void> {
  const kept: PacketBuffer[] = [];
  const dispatcher = context.attach((packet) => kept.push(packet));
  await context.send(1, 2);
  await context.delivered(dispatcher, 2);
  const [lent] = kept as [PacketBuffer];
  assert.equal(codeOf(() => lent.length), 'ERR_USE_AFTER_RETURN');
  const allocated = context.outboundPacket(1);
  assert.equal(codeOf(() => allocated.length), 'nothing');
  allocated.release();
  assert.equal(codeOf(() => allocated.start), 'ERR_USE_AFTER_RETURN');
}
