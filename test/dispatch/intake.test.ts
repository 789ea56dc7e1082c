import test from 'ava';
import { Intake } from '../../dispatch/intake.ts';
import { Arena } from '../../stack/arena.ts';
import { PacketPool } from '../../stack/packet-pool.ts';
import { LinkStatistics } from '../../stack/statistics.ts';

function fixture(vnetHeaderBytes: 0 | 10 | 12, deliverTruncated = false) {
  const statistics = new LinkStatistics(1);
  const arena = new Arena(1, 200);
  const packet = new PacketPool(arena).at(0);
  const at = arena.frameStart(0) - vnetHeaderBytes;
  return { statistics, arena, packet, at, intake: new Intake(statistics.block(0), vnetHeaderBytes, deliverTruncated) };
}

test('a frame is pointed at behind its virtio-net header', (t) => {
  const { intake, packet, at, arena, statistics } = fixture(10);
  t.true(intake.admit(packet, at, at + 10 + 60, false));
  intake.flush();
  t.is(packet.start, arena.frameStart(0));
  t.is(packet.length, 60);
  t.is(statistics.get('receivedBytes'), 60);
  t.is(statistics.get('receivedPackets'), 1);
});

test('zero bytes are an empty datagram, a lone virtio-net header is a runt', (t) => {
  const { intake, packet, at, statistics } = fixture(12);
  t.false(intake.admit(packet, at, at, false));
  t.false(intake.admit(packet, at, at + 7, false));
  t.false(intake.admit(packet, at, at + 12, false));
  intake.flush();
  const { drops, receivedPackets } = statistics.snapshot();
  t.is(drops['empty-datagram'], 1);
  t.is(drops.runt, 2);
  t.is(receivedPackets, 3);
});

test('a truncated frame is dropped and counted, or delivered with its mark where that was asked for', (t) => {
  const dropping = fixture(0);
  t.false(dropping.intake.admit(dropping.packet, dropping.at, dropping.at + 200, true));
  t.is(dropping.statistics.get('truncated'), 1);
  const delivering = fixture(0, true);
  t.true(delivering.intake.admit(delivering.packet, delivering.at, delivering.at + 200, true));
  t.true(delivering.packet.truncated);
  t.is(delivering.statistics.get('truncated'), 0);
});

test('a virtio-net header that contradicts its frame drops it', (t) => {
  const { intake, packet, at, arena, statistics } = fixture(10);
  arena.view.setUint8(at, 1); // NEEDS_CSUM
  arena.view.setUint16(at + 6, 59, true); // csum_start at the last byte
  t.false(intake.admit(packet, at, at + 10 + 60, false));
  t.is(statistics.get('bad-vnet-header'), 1);
});

test('a passing intake hands the virtio-net header on, undecoded and uncounted', (t) => {
  const { packet, at, statistics } = fixture(10);
  const intake = Intake.passing(statistics.block(0), 10);
  t.true(intake.admit(packet, at, at + 10 + 60, true));
  intake.flush();
  t.is(packet.start, at);
  t.true(packet.truncated);
  t.is(statistics.get('receivedPackets'), 0);
});
