import test from 'ava';
import { createPipe } from '../../link/pipe.ts';
import { PacketList } from '../../stack/packet-list.ts';
import { ipv4Udp, ipv6Udp, packetFrom, RecordingDispatcher, TEST_ADDRESSES, until } from '../../testing/index.ts';

const listOf = (count: number): PacketList =>
  PacketList.of(...Array.from({ length: count }, () => packetFrom(ipv4Udp())));

test('each end has the link address it was given (gVisor TestSetAddress)', (t) => {
  const { localLinkAddress, remoteLinkAddress } = TEST_ADDRESSES;
  const [one, other] = createPipe({ linkAddresses: [localLinkAddress, remoteLinkAddress] });
  t.deepEqual([one.linkAddress, other.linkAddress], [localLinkAddress, remoteLinkAddress]);
  t.throws(() => createPipe({ linkAddresses: [-1, 0] }), { instanceOf: RangeError });
});

test('both ends have the MTU that the pipe was given (gVisor TestMTU)', (t) => {
  for (const mtu of [1500, 65_536, 1]) {
    const [one, other] = createPipe({ mtu });
    t.deepEqual([one.mtu, other.mtu], [mtu, mtu]);
    const long = PacketList.of(packetFrom(new Uint8Array(mtu + 1)));
    t.throws(() => one.writePackets(long), { code: 'ERR_PACKET_TOO_LONG' });
  }
  t.throws(() => createPipe({ mtu: 0 }), { instanceOf: RangeError });
});

test('two ends that answer each other do not recurse', async (t) => {
  const [one, other] = createPipe();
  const rounds = 20_000;
  let count = 0;
  let depth = 0;
  let deepest = 0;
  const answer = (endpoint: typeof one) => () => {
    deepest = Math.max(deepest, ++depth);
    if (++count < rounds) endpoint.writePackets(listOf(1));
    depth--;
  };
  one.attach({ deliverNetworkPacket: answer(one) });
  other.attach({ deliverNetworkPacket: answer(other) });
  one.writePackets(listOf(1));
  await until('all rounds', () => count === rounds);
  t.is(deepest, 1);
});

test('the protocol is told, or found by the IP version', async (t) => {
  const [one, other] = createPipe();
  const dispatcher = new RecordingDispatcher();
  other.attach(dispatcher);
  const packets = [ipv4Udp(), ipv6Udp()].map((bytes) => packetFrom(bytes));
  for (const packet of packets) packet.egress.protocol = 0;
  const arp = packetFrom(ipv4Udp());
  arp.egress.protocol = 0x0806;
  one.writePackets(PacketList.of(...packets, arp));
  await until('three packets', () => dispatcher.packets.length === 3);
  t.deepEqual(dispatcher.packets.map(({ protocol }) => protocol), [0x0800, 0x86dd, 0x0806]);
});

test('a link header before the network packet does not cross, nor does the sender\'s egress', async (t) => {
  const [one, other] = createPipe();
  const dispatcher = new RecordingDispatcher();
  other.attach(dispatcher);
  const packet = packetFrom(Uint8Array.of(...new Uint8Array(14), ...ipv4Udp()), 14);
  packet.egress.remoteAddress = 1;
  packet.egress.remoteLinkAddress = 2;
  one.writePackets(PacketList.of(packet));
  await until('the packet', () => dispatcher.packets.length === 1);
  const [received] = dispatcher.packets;
  t.deepEqual(received?.bytes, ipv4Udp());
  t.is(received?.packet.linkOffset, -1);
  const nowhere = { localLinkAddress: 0, remoteLinkAddress: 0, remoteAddress: null };
  t.deepEqual(received?.packet.egress, { ...nowhere, protocol: 0x0800 });
});

test('packets to a peer without a dispatcher are accepted and counted no-peer by the sender', (t) => {
  const [one, other] = createPipe();
  t.is(one.writePackets(listOf(3)), 3);
  t.is(one.statistics.get('no-peer'), 3);
  t.is(one.statistics.get('transmittedPackets'), 0);
  t.is(other.statistics.get('receivedPackets'), 0);
});

test('packets under way when the peer detaches are received and counted detached', async (t) => {
  const [one, other] = createPipe();
  other.attach(new RecordingDispatcher());
  one.writePackets(listOf(3));
  other.attach(null);
  await until('the flush', () => other.statistics.get('receivedPackets') === 3);
  t.is(other.statistics.get('detached'), 3);
});

test('close() of one end is a hang-up of the other, after what was queued; more than one batch of it', async (t) => {
  const [one, other] = createPipe({ size: 1000 });
  const dispatcher = new RecordingDispatcher();
  const kinds: string[] = [];
  other.on('closed', ({ kind }) => kinds.push(`${kind} after ${dispatcher.packets.length}`));
  other.attach(dispatcher);
  one.writePackets(listOf(700));
  one.close();
  await until('closed', () => kinds.length > 0);
  t.deepEqual(kinds, ['hangup after 700']);
  t.throws(() => other.attach(dispatcher), { code: 'ERR_LINK_CLOSED' });
});

test('packets that wait when their receiver closes are counted, not delivered', (t) => {
  const [one, other] = createPipe();
  const dispatcher = new RecordingDispatcher();
  other.attach(dispatcher);
  one.writePackets(listOf(4));
  other.close();
  t.is(dispatcher.packets.length, 0);
  t.deepEqual([other.statistics.get('receivedPackets'), other.statistics.get('detached')], [4, 4]);
});

test('a flush delivers at most 256 packets and then lets the event loop turn', async (t) => {
  const [one, other] = createPipe({ size: 1000 });
  const dispatcher = new RecordingDispatcher();
  other.attach(dispatcher);
  one.writePackets(listOf(600));
  const seen: number[] = [];
  while (dispatcher.packets.length < 600) {
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(dispatcher.packets.length);
  }
  const steps = seen.map((count, index) => count - (seen[index - 1] ?? 0));
  t.true(Math.max(...steps) <= 256, String(steps));
  t.is(dispatcher.batchCount, 3);
});
