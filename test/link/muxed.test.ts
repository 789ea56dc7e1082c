import test from 'ava';
import { parseIp } from '../../header/address.ts';
import { ETHERTYPE_IPV4 } from '../../header/ethernet.ts';
import { ChannelEndpoint } from '../../link/channel.ts';
import { MuxedEndpoint } from '../../link/muxed.ts';
import { Capability, HARDWARE_ETHER, HARDWARE_NONE } from '../../stack/link-endpoint.ts';
import type { PacketBuffer } from '../../stack/packet-buffer.ts';
import { PacketList } from '../../stack/packet-list.ts';
import { ipv4Udp, packetFrom, RecordingDispatcher, TEST_ADDRESSES } from '../../testing/index.ts';

const A = '192.0.2.2';
const B = '2001:db8::2';
const NOBODY = '198.51.100.9';

function twoRoutes(): { a: ChannelEndpoint; b: ChannelEndpoint; muxed: MuxedEndpoint } {
  const [a, b] = [new ChannelEndpoint(), new ChannelEndpoint()];
  return { a, b, muxed: new MuxedEndpoint({ routes: [[A, a], [B, b]] }) };
}

function packetTo(address: string, bytes: readonly number[] = [0x45, 1, 2]): PacketBuffer {
  const packet = packetFrom(Uint8Array.from(bytes));
  packet.egress.remoteAddress = parseIp(address);
  return packet;
}

const readAll = (channel: ChannelEndpoint): number[][] => {
  const frames: number[][] = [];
  for (let packet = channel.read(); packet !== null; packet = channel.read()) frames.push([...packet.copyBytes()]);
  return frames;
};

test('the MTU is the least of all routes (gVisor TestInjectableEndpointMTU)', (t) => {
  const [a, b] = [new ChannelEndpoint({ mtu: 1000 }), new ChannelEndpoint({ mtu: 2000 })];
  const muxed = new MuxedEndpoint();
  t.is(muxed.mtu, 0xffff_ffff);
  muxed.addRoute(A, b);
  t.is(muxed.mtu, 2000);
  muxed.addRoute(B, a);
  t.is(muxed.mtu, 1000);
  a.mtu = 500;
  t.is(muxed.mtu, 500, 'settable MTUs are read live');
  muxed.removeRoute(B);
  t.is(muxed.mtu, 2000);
});

test('injectOutbound() writes to the route of the destination only (gVisor TestInjectableEndpointRawDispatch)', (t) => {
  const { a, b, muxed } = twoRoutes();
  t.true(muxed.injectOutbound(parseIp(A), Uint8Array.of(0x45, 9)));
  t.deepEqual([readAll(a), readAll(b)], [[[0x45, 9]], []]);
  t.true(muxed.injectOutbound(parseIp(B), Uint8Array.of(0x60, 9)));
  t.deepEqual([readAll(a), readAll(b)], [[], [[0x60, 9]]]);
  const unreachable = { code: 'ERR_HOST_UNREACHABLE', message: /"198\.51\.100\.9"/ };
  t.throws(() => muxed.injectOutbound(parseIp(NOBODY), Uint8Array.of(1)), unreachable);
});

test('writePackets() takes header and payload to the route (gVisor TestInjectableEndpointDispatch)', (t) => {
  const { a, b, muxed } = twoRoutes();
  const packet = packetTo(A, [...ipv4Udp({ payload: [7, 7] })]);
  t.is(muxed.writePackets(PacketList.of(packet)), 1);
  t.deepEqual(readAll(a), [[...ipv4Udp({ payload: [7, 7] })]]);
  t.deepEqual(readAll(b), []);
});

test('writePackets() takes a packet of headers only (gVisor TestInjectableEndpointDispatchHdrOnly)', (t) => {
  const { a, muxed } = twoRoutes();
  t.is(muxed.writePackets(PacketList.of(packetTo(A, [...ipv4Udp()]))), 1);
  t.deepEqual(readAll(a), [[...ipv4Udp()]]);
});

test('packets without a route are accepted, counted no-peer, and do not stop those behind them', (t) => {
  const { a, b, muxed } = twoRoutes();
  const nowhere = packetFrom(Uint8Array.of(0x45));
  const list = PacketList.of(packetTo(A), packetTo(NOBODY), nowhere, packetTo(B));
  t.is(muxed.writePackets(list), 4);
  t.deepEqual([readAll(a).length, readAll(b).length], [1, 1]);
  t.is(muxed.statistics.get('no-peer'), 2);
  t.is(muxed.statistics.get('transmittedPackets'), 2);
});

test('consecutive packets of one route are written as one batch', (t) => {
  const { a, b, muxed } = twoRoutes();
  const batches: string[] = [];
  for (const [name, channel] of [['a', a], ['b', b]] as const) {
    const write = channel.writePackets.bind(channel);
    channel.writePackets = (list) => {
      batches.push(`${name}${list.length}`);
      return write(list);
    };
  }
  const list = PacketList.of(packetTo(A), packetTo(A), packetTo(B), packetTo(A), packetTo(A), packetTo(A));
  t.is(muxed.writePackets(list), 6);
  t.deepEqual(batches, ['a2', 'b1', 'a3']);
});

test('a full route ends the write with a short count, and its drain is passed on once', (t) => {
  const [a, b] = [new ChannelEndpoint({ size: 1 }), new ChannelEndpoint()];
  const muxed = new MuxedEndpoint({ routes: [[A, a], [B, b]] });
  let drains = 0;
  muxed.on('drain', () => drains++);
  const list = PacketList.of(packetTo(B), packetTo(A), packetTo(A), packetTo(B));
  t.is(muxed.writePackets(list), 2);
  t.is(readAll(b).length, 1, 'order is kept: nothing behind the refused packet is written');
  t.is(readAll(a).length, 1);
  t.is(drains, 1);
});

test('row 13: the header length is the greatest of all routes, and the hardware type is theirs', (t) => {
  const ethernet = new ChannelEndpoint({ ethernetHeader: true });
  const plain = new ChannelEndpoint();
  const muxed = new MuxedEndpoint();
  t.deepEqual([muxed.maxHeaderLength, muxed.hardwareType], [0, HARDWARE_NONE]);
  muxed.addRoute(A, ethernet);
  t.deepEqual([muxed.maxHeaderLength, muxed.hardwareType], [14, HARDWARE_ETHER]);
  muxed.addRoute(B, plain);
  t.deepEqual([muxed.maxHeaderLength, muxed.hardwareType], [14, HARDWARE_NONE]);
  muxed.removeRoute(A);
  t.deepEqual([muxed.maxHeaderLength, muxed.hardwareType], [0, HARDWARE_NONE]);
});

test('a header is added as the packet\'s route needs it', (t) => {
  const ethernet = new ChannelEndpoint({ ethernetHeader: true, linkAddress: TEST_ADDRESSES.localLinkAddress });
  const muxed = new MuxedEndpoint({ routes: [[A, ethernet], [B, new ChannelEndpoint()]] });
  const lengths = [A, B, NOBODY].map((address) => {
    const packet = packetTo(address);
    muxed.addHeader(packet);
    return packet.length;
  });
  t.deepEqual(lengths, [17, 3, 3]);
});

test('capabilities are what all routes have, gso the least of them', (t) => {
  const a = new ChannelEndpoint({
    capabilities: Capability.TX_CHECKSUM_OFFLOAD | Capability.SAVE_RESTORE,
    gso: { kind: 'host', maxSize: 30_000 },
  });
  const b = new ChannelEndpoint({
    capabilities: Capability.TX_CHECKSUM_OFFLOAD | Capability.RX_CHECKSUM_OFFLOAD,
    gso: { kind: 'host', maxSize: 20_000 },
  });
  const muxed = new MuxedEndpoint();
  t.deepEqual([muxed.capabilities, muxed.gso.kind], [0, 'none']);
  muxed.addRoute(A, a);
  muxed.addRoute(B, b);
  t.is(muxed.capabilities, Capability.TX_CHECKSUM_OFFLOAD);
  t.deepEqual(muxed.gso, { kind: 'host', maxSize: 20_000 });
  t.is(muxed.gso, muxed.gso, 'no allocation per look');
  b.gso = { kind: 'software', maxSize: 20_000 };
  t.is(muxed.gso.kind, 'none', 'two kinds have nothing in common');
});

test('routes deliver to the one dispatcher, those added later, too', (t) => {
  const { a, b, muxed } = twoRoutes();
  const dispatcher = new RecordingDispatcher();
  muxed.attach(dispatcher);
  const late = new ChannelEndpoint();
  muxed.addRoute(NOBODY, late);
  for (const route of [a, b, late]) route.injectInbound(ETHERTYPE_IPV4, packetFrom(ipv4Udp()));
  muxed.injectInbound(ETHERTYPE_IPV4, packetFrom(ipv4Udp()));
  t.is(dispatcher.packets.length, 4);
  t.is(muxed.statistics.get('deliveredPackets'), 4);
});

test('a removed route is detached, not closed, unless another address still leads to it', (t) => {
  const { a, muxed } = twoRoutes();
  muxed.attach(new RecordingDispatcher());
  muxed.addRoute(NOBODY, a);
  t.true(muxed.removeRoute(A));
  t.true(a.isAttached);
  t.true(muxed.removeRoute(NOBODY));
  t.false(a.isAttached);
  t.false(muxed.removeRoute(A));
  t.is(a.writePackets(PacketList.of(packetFrom(ipv4Udp()))), 1);
});

test('a route that ends is a route no more; the others go on', (t) => {
  const { a, b, muxed } = twoRoutes();
  a.close();
  t.is(muxed.writePackets(PacketList.of(packetTo(A), packetTo(B))), 2);
  t.is(muxed.statistics.get('no-peer'), 1);
  t.is(readAll(b).length, 1);
  t.throws(() => muxed.injectOutbound(parseIp(A), Uint8Array.of(1)), { code: 'ERR_HOST_UNREACHABLE' });
});

test('attach() undoes what it did when one route refuses', (t) => {
  const { a, b, muxed } = twoRoutes();
  b.attach(new RecordingDispatcher());
  t.throws(() => muxed.attach(new RecordingDispatcher()), { code: 'ERR_ALREADY_ATTACHED' });
  t.deepEqual([muxed.isAttached, a.isAttached, b.isAttached], [false, false, true]);
});

test('a raw frame takes the first route; without one it is counted no-peer', (t) => {
  const { a, muxed } = twoRoutes();
  t.true(muxed.writeRawPacket(Uint8Array.of(0x45)));
  t.deepEqual(readAll(a), [[0x45]]);
  const empty = new MuxedEndpoint();
  t.true(empty.writeRawPacket(Uint8Array.of(0x45)));
  t.is(empty.statistics.get('no-peer'), 1);
});
