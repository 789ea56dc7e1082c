import test from 'ava';
import { ChannelEndpoint } from '../../link/channel.ts';
import { ETHERTYPE_IPV4 } from '../../header/ethernet.ts';
import { Capability, HARDWARE_ETHER, HARDWARE_NONE, NO_GSO } from '../../stack/link-endpoint.ts';
import { PacketList } from '../../stack/packet-list.ts';
import { ethernetFrame, icmpEcho, ipv4Udp, packetFrom } from '../../testing/index.ts';
import { patternBytes, RecordingDispatcher, TEST_ADDRESSES } from '../../testing/index.ts';

const PACKET = ipv4Udp({ payload: [1, 2, 3] });
const listOf = (count: number): PacketList => PacketList.of(...Array.from({ length: count }, () => packetFrom(PACKET)));
const nameOf = ({ name }: Error): string => name;

test('linkAddress can be set and is read back (gVisor TestSetLinkAddress)', (t) => {
  const endpoint = new ChannelEndpoint();
  for (const address of [0x0102_0304_0506, 0x0202_0202_0202, TEST_ADDRESSES.localLinkAddress, 0]) {
    endpoint.linkAddress = address;
    t.is(endpoint.linkAddress, address);
  }
  t.throws(() => (endpoint.linkAddress = 2 ** 48), { instanceOf: RangeError });
  t.is(endpoint.linkAddress, 0);
});

test('mtu can be set and bounds the next write (gVisor TestSetMTU)', (t) => {
  const endpoint = new ChannelEndpoint();
  for (const mtu of [1000, 2000, 65_536]) {
    endpoint.mtu = mtu;
    t.is(endpoint.mtu, mtu);
    t.is(endpoint.writePackets(PacketList.of(packetFrom(patternBytes(mtu)))), 1);
    const long = PacketList.of(packetFrom(patternBytes(mtu + 1)));
    t.throws(() => endpoint.writePackets(long), { code: 'ERR_PACKET_TOO_LONG' });
  }
  t.throws(() => (endpoint.mtu = 0), { instanceOf: RangeError });
});

test('capabilities and gso can be set, and gso opens the way for super-packets', (t) => {
  const endpoint = new ChannelEndpoint();
  t.deepEqual([endpoint.capabilities, endpoint.gso], [0, NO_GSO]);
  const packet = packetFrom(patternBytes(20_000));
  packet.gsoType = 'tcp4';
  t.throws(() => endpoint.writePackets(PacketList.of(packet)), { code: 'ERR_PACKET_TOO_LONG', message: /limit is 0;/ });
  endpoint.capabilities = Capability.TX_CHECKSUM_OFFLOAD;
  endpoint.gso = { kind: 'software', maxSize: 20_000 };
  t.is(endpoint.capabilities, Capability.TX_CHECKSUM_OFFLOAD);
  t.is(endpoint.writePackets(PacketList.of(packet)), 1);
  t.is(endpoint.read()?.gsoType, 'tcp4');
});

test('options have defaults, and are refused where they contradict each other', (t) => {
  const plain = new ChannelEndpoint();
  t.deepEqual([plain.mtu, plain.linkAddress, plain.maxHeaderLength, plain.hardwareType], [1500, 0, 0, HARDWARE_NONE]);
  const ethernet = new ChannelEndpoint({ ethernetHeader: true });
  t.deepEqual([ethernet.maxHeaderLength, ethernet.hardwareType], [14, HARDWARE_ETHER]);
  const sizes = [{ size: 0 }, { size: 1.5 }, { mtu: -1 }, { mtu: NaN }];
  for (const options of [...sizes, { linkAddress: -1 }, { linkAddress: 2 ** 48 }]) {
    t.throws(() => new ChannelEndpoint(options), { instanceOf: RangeError }, JSON.stringify(options));
  }
  t.throws(() => new ChannelEndpoint({ gso: { kind: 'none', maxSize: 10 } }), { code: 'ERR_INVALID_OPTION' });
  t.throws(() => new ChannelEndpoint({ gso: { kind: 'host', maxSize: 0 } }), { code: 'ERR_INVALID_OPTION' });
});

test('the queue is bounded: a short count, and one drain when a read made room', (t) => {
  const endpoint = new ChannelEndpoint({ size: 3 });
  let drains = 0;
  endpoint.on('drain', () => drains++);
  t.is(endpoint.writePackets(listOf(5)), 3);
  t.is(endpoint.writePackets(listOf(1)), 0);
  t.is(endpoint.queuedCount, 3);
  t.is(endpoint.statistics.get('shortWrites'), 2);
  t.is(drains, 0);
  endpoint.read()?.release();
  endpoint.read()?.release();
  t.is(drains, 1);
  t.is(endpoint.writePackets(listOf(2)), 2);
  t.is(endpoint.queuedCount, 3);
});

test('a drain listener that writes at once finds room, though the reader has not released its packet', (t) => {
  const endpoint = new ChannelEndpoint({ size: 1 });
  const accepted: number[] = [];
  endpoint.once('drain', () => accepted.push(endpoint.writePackets(listOf(1))));
  t.is(endpoint.writePackets(listOf(2)), 1);
  const first = endpoint.read();
  t.deepEqual(accepted, [1]);
  t.deepEqual([first?.copyBytes(), endpoint.read()?.copyBytes()], [PACKET, PACKET]);
});

test('drain() empties the queue, says how many were in it, and makes room', (t) => {
  const endpoint = new ChannelEndpoint({ size: 2 });
  let drains = 0;
  endpoint.on('drain', () => drains++);
  t.is(endpoint.drain(), 0);
  endpoint.writePackets(listOf(3));
  t.is(endpoint.drain(), 2);
  t.deepEqual([endpoint.queuedCount, endpoint.read(), drains], [0, null, 1]);
});

test('slots are reused: what is read and released is what the next write fills', (t) => {
  const endpoint = new ChannelEndpoint();
  endpoint.writePackets(listOf(1));
  const first = endpoint.read();
  first?.release();
  endpoint.writePackets(listOf(1));
  const second = endpoint.read();
  t.is(second, first);
  endpoint.writePackets(listOf(1));
  t.not(endpoint.read(), first, 'an unreleased packet is not');
});

test('reads keep the metadata of the write, egress included', (t) => {
  const endpoint = new ChannelEndpoint({ ethernetHeader: true, linkAddress: TEST_ADDRESSES.localLinkAddress });
  const packet = packetFrom(icmpEcho());
  packet.egress.remoteLinkAddress = TEST_ADDRESSES.remoteLinkAddress;
  packet.egress.remoteAddress = 0xc000_0202;
  packet.hash = 77;
  packet.transportOffset = packet.start + 20;
  endpoint.addHeader(packet);
  endpoint.writePackets(PacketList.of(packet));
  const read = endpoint.read();
  t.deepEqual(read?.copyBytes(), ethernetFrame(icmpEcho()));
  t.deepEqual(read?.copyNetworkBytes(), icmpEcho());
  t.deepEqual(read?.egress, packet.egress);
  t.is(read?.hash, 77);
  t.is((read?.transportOffset ?? 0) - (read?.networkOffset ?? 0), 20);
});

test('readNext() gives what is queued, or waits; readers are served in order', async (t) => {
  const endpoint = new ChannelEndpoint({ size: 1 });
  const [first, second, third] = [endpoint.readNext(), endpoint.readNext(), endpoint.readNext()];
  let drains = 0;
  endpoint.on('drain', () => drains++);
  const list = PacketList.of(...[1, 2, 3, 4].map((byte) => packetFrom(Uint8Array.of(0x45, byte))));
  t.is(endpoint.writePackets(list), 4, 'three for the readers, one for the queue');
  t.is(drains, 0);
  const packets = await Promise.all([first, second, third, endpoint.readNext()]);
  t.deepEqual(packets.map((packet) => packet.copyBytes()[1]), [1, 2, 3, 4]);
});

test('readNext() rejects when its signal aborts, and a packet written later goes to the next reader', async (t) => {
  const endpoint = new ChannelEndpoint();
  const controller = new AbortController();
  const aborted = endpoint.readNext({ signal: controller.signal });
  const waiting = endpoint.readNext();
  controller.abort();
  t.is(await aborted.catch(nameOf), 'AbortError');
  t.is(await endpoint.readNext({ signal: controller.signal }).catch(nameOf), 'AbortError');
  endpoint.writePackets(listOf(1));
  t.deepEqual((await waiting).copyBytes(), PACKET);
});

test('readNext() rejects on close(), at once when the channel is closed and empty', async (t) => {
  const endpoint = new ChannelEndpoint();
  const waiting = endpoint.readNext();
  endpoint.close();
  await t.throwsAsync(waiting, { code: 'ERR_LINK_CLOSED' });
  await t.throwsAsync(endpoint.readNext(), { code: 'ERR_LINK_CLOSED' });
});

test('what was written before close() can still be read', async (t) => {
  const endpoint = new ChannelEndpoint();
  endpoint.writePackets(listOf(2));
  endpoint.close();
  t.deepEqual((await endpoint.readNext()).copyBytes(), PACKET);
  t.is(endpoint.drain(), 1);
});

test('row 8: an injectable endpoint says that it is attached; injecting without a dispatcher is a typed error', (t) => {
  const endpoint = new ChannelEndpoint();
  const packet = packetFrom(PACKET);
  t.false(endpoint.isAttached);
  t.throws(() => endpoint.injectInbound(ETHERTYPE_IPV4, packet), { code: 'ERR_NOT_ATTACHED' });
  const dispatcher = new RecordingDispatcher();
  endpoint.attach(dispatcher);
  t.true(endpoint.isAttached);
  endpoint.injectInbound(ETHERTYPE_IPV4, packet);
  t.deepEqual(dispatcher.frames, [PACKET]);
  endpoint.attach(null);
  t.false(endpoint.isAttached);
  t.throws(() => endpoint.injectInbound(ETHERTYPE_IPV4, packet), { code: 'ERR_NOT_ATTACHED' });
  t.is(endpoint.statistics.get('receivedPackets'), 1, 'what was refused was never received');
});

test('the closed option hears what ends the endpoint', (t) => {
  const kinds: string[] = [];
  const endpoint = new ChannelEndpoint({ closed: ({ kind }) => kinds.push(kind) });
  endpoint.attach(new RecordingDispatcher());
  endpoint.close();
  t.deepEqual(kinds, ['detached']);
});
