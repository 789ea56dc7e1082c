/** The anchor's cases for properties and for the way out: gVisor's pkg/tcpip/link/fdbased/endpoint_test.go, rebuilt. */

import test from 'ava';

import { ETHERTYPE_ARP, ETHERTYPE_IPV4 } from '../../header/ethernet.ts';
import { flowHash } from '../../header/flow.ts';
import { HEADROOM_BYTES } from '../../stack/arena.ts';
import { Capability, HARDWARE_ETHER, HARDWARE_NONE, NO_GSO, type PacketBuffer, PacketList } from '../../stack/index.ts';
import { ethernetHeader, joined, openBench, packetOf, tcpPacket, vnetHeader } from './_fd-based-support.ts';
import { ipv4Packet, OWN, PEER, readSome } from './_fd-support.ts';

const MTU = 1500;
/** Payload bytes of a segment in the write matrix: 1000 and a full packet make several of them, 100 does not. */
const SEGMENT_BYTES = 536;
const HEADERS_BYTES = 40;
const ADDRESSES = [0, OWN, 0x0200_5e10_0000] as const;

test('without an Ethernet header there is no link header, no address resolution and no hardware type', async (t) => {
  const { endpoint } = await openBench(t, { mtu: MTU });
  t.is(endpoint.maxHeaderLength, 0);
  t.is(endpoint.hardwareType, HARDWARE_NONE);
  t.is(endpoint.capabilities & Capability.RESOLUTION_REQUIRED, 0);
  const packet = packetOf(endpoint, ipv4Packet(60));
  endpoint.addHeader(packet);
  t.deepEqual(packet.copyBytes(), ipv4Packet(60));
});

test('with an Ethernet header there are 14 bytes of it, address resolution and hardware type Ethernet', async (t) => {
  const { endpoint } = await openBench(t, { mtu: MTU, ethernetHeader: true });
  t.is(endpoint.maxHeaderLength, 14);
  t.is(endpoint.hardwareType, HARDWARE_ETHER);
  t.is(endpoint.capabilities & Capability.RESOLUTION_REQUIRED, Capability.RESOLUTION_REQUIRED);
});

for (const linkAddress of ADDRESSES) {
  test(`link address 0x${linkAddress.toString(16)} is told and written as the source of frames`, async (t) => {
    const { endpoint, peer } = await openBench(t, { linkAddress, ethernetHeader: true });
    t.is(endpoint.linkAddress, linkAddress);
    const packet = packetOf(endpoint, ipv4Packet(60));
    endpoint.addHeader(packet);
    t.is(endpoint.writePackets(PacketList.of(packet)), 1);
    t.deepEqual(readSome(peer), joined(ethernetHeader(PEER, linkAddress), ipv4Packet(60)));
  });
}

for (const mtu of [1, 1280, MTU, 65_535]) {
  test(`an MTU of ${mtu} is told, lets ${mtu} bytes pass and refuses one more, with nothing sent`, async (t) => {
    const { endpoint, peer } = await openBench(t, { mtu });
    t.is(endpoint.mtu, mtu);
    const fits = packetOf(endpoint, new Uint8Array(mtu).fill(0x45));
    t.is(endpoint.writePackets(PacketList.of(fits)), 1);
    t.is(readSome(peer)?.length, mtu);
    const tooLong = fits.clone();
    tooLong.start--;
    tooLong.networkOffset = tooLong.start;
    t.throws(() => endpoint.writePackets(PacketList.of(fits, tooLong)), {
      code: 'ERR_PACKET_TOO_LONG',
      message: new RegExp(`packet 1 .* ${mtu + 1} bytes and the limit is ${mtu}`),
    });
    t.is(readSome(peer), null);
  });
}

interface WriteCase {
  readonly ethernet: boolean;
  readonly payloadBytes: number;
  readonly gsoMaxSize: number;
  readonly hash: number;
}

const WRITE_CASES: readonly WriteCase[] = [false, true].flatMap((ethernet) =>
  [0, 100, 1000, MTU - HEADERS_BYTES].flatMap((payloadBytes) =>
    [0, 32_768, 65_536].flatMap((gsoMaxSize) => [0, 1].map((hash) => ({ ethernet, payloadBytes, gsoMaxSize, hash }))),
  ),
);

/** What comes out of the other end: virtio-net header, Ethernet header, packet. */
function expectedFrame({ ethernet, payloadBytes, gsoMaxSize }: WriteCase): Uint8Array {
  const linkBytes = ethernet ? 14 : 0;
  const isSuper = payloadBytes > SEGMENT_BYTES;
  const segmentation = isSuper ? { gsoType: 1, hdrLen: linkBytes + HEADERS_BYTES, gsoSize: SEGMENT_BYTES } : {};
  const vnet = vnetHeader({ flags: 1, csumStart: linkBytes + 20, csumOffset: 16, ...segmentation });
  return joined(
    gsoMaxSize > 0 ? vnet : new Uint8Array(0),
    ethernet ? ethernetHeader(PEER, OWN) : new Uint8Array(0),
    tcpPacket(payloadBytes),
  );
}

for (const write of WRITE_CASES) {
  const { ethernet, payloadBytes, gsoMaxSize, hash } = write;
  const header = ethernet ? 'an Ethernet' : 'no link';
  const title = `${header} header, payload ${payloadBytes}, gsoMaxSize ${gsoMaxSize}, hash ${hash}`;
  test(`a write with ${title} comes out byte for byte on the fd of its flow`, async (t) => {
    const { endpoint, peers } = await openBench(t, { ethernetHeader: ethernet, linkAddress: OWN, gsoMaxSize }, 2);
    const packet = packetOf(endpoint, tcpPacket(payloadBytes));
    packet.hash = hash;
    if (gsoMaxSize > 0) {
      packet.checksum = 'partial';
      packet.checksumStart = packet.start + 20;
      packet.checksumOffset = 16;
      packet.gsoType = 'tcp4';
      packet.gsoSize = SEGMENT_BYTES;
    }
    endpoint.addHeader(packet);
    t.is(endpoint.writePackets(PacketList.of(packet)), 1);
    // A hash of 0 stands for unknown: the endpoint computes that of the flow.
    const flow = hash === 0 ? flowHash(packet.view, packet.networkOffset, packet.end, ETHERTYPE_IPV4) : hash;
    const chosen = flow % 2;
    t.deepEqual(readSome(peers[chosen] as number), expectedFrame(write));
    for (const peer of peers) t.is(readSome(peer), null);
    t.like(endpoint.statistics.snapshot(), {
      transmittedPackets: 1,
      transmittedBytes: packet.length,
      transmittedSuperPackets: gsoMaxSize > 0 ? 1 : 0,
      transmitCopies: 0,
    });
  });
}

test('a list of packets is spread over three fds by their hashes, each fd in order', async (t) => {
  const { endpoint, peers } = await openBench(t, {}, 3);
  const packets = Array.from({ length: 12 }, (_, index) => packetOf(endpoint, ipv4Packet(60, index)));
  packets.forEach((packet, index) => (packet.hash = 1 + ((index * index) % 7)));
  t.is(endpoint.writePackets(PacketList.of(...packets)), 12);
  peers.forEach((peer, fd) => {
    const expected = packets.filter((packet) => packet.hash % 3 === fd).map((packet) => packet.copyBytes());
    t.true(expected.length > 0);
    t.deepEqual(expected.map(() => readSome(peer)), expected);
    t.is(readSome(peer), null);
  });
});

test('both directions of a flow leave by one fd, and what is no flow leaves by the first', async (t) => {
  const { endpoint, peers } = await openBench(t, {}, 4);
  for (let port = 1024; port < 1056; port++) {
    const out = tcpPacket(0, [port, 7]);
    const back = tcpPacket(0, [7, port]);
    back.set([192, 0, 2, 2, 192, 0, 2, 1], 12);
    t.is(endpoint.writePackets(PacketList.of(packetOf(endpoint, out), packetOf(endpoint, back))), 2);
    const used = peers.map((peer) => [readSome(peer), readSome(peer)].filter((frame) => frame !== null).length);
    t.deepEqual(used.filter((count) => count > 0), [2]);
  }
  t.is(endpoint.writePackets(PacketList.of(packetOf(endpoint, new Uint8Array(28), ETHERTYPE_ARP))), 1);
  t.is(readSome(peers[0] as number)?.length, 28);
});

test('the source address that a packet asks for is preserved: a bridge writes for others', async (t) => {
  const { endpoint, peer } = await openBench(t, { linkAddress: OWN, ethernetHeader: true });
  const packet = packetOf(endpoint, ipv4Packet(60));
  packet.egress.localLinkAddress = 0x0200_0000_0099;
  endpoint.addHeader(packet);
  t.is(endpoint.writePackets(PacketList.of(packet)), 1);
  t.deepEqual(readSome(peer), joined(ethernetHeader(PEER, 0x0200_0000_0099), ipv4Packet(60)));
});

for (const gsoMaxSize of [32_768, 65_536]) {
  test(`a super-packet of ${gsoMaxSize} bytes is written whole, one byte more is refused`, async (t) => {
    const { endpoint, peer } = await openBench(t, { gsoMaxSize });
    t.deepEqual(endpoint.gso, { kind: 'host', maxSize: gsoMaxSize });
    const packet = packetOf(endpoint, tcpPacket(gsoMaxSize - HEADERS_BYTES));
    packet.gsoType = 'tcp4';
    packet.gsoSize = SEGMENT_BYTES;
    packet.checksum = 'partial';
    packet.checksumStart = packet.start + 20;
    packet.checksumOffset = 16;
    t.is(endpoint.writePackets(PacketList.of(packet)), 1);
    const segmentation = { gsoType: 1, hdrLen: 40, gsoSize: SEGMENT_BYTES };
    const vnet = vnetHeader({ flags: 1, csumStart: 20, csumOffset: 16, ...segmentation });
    t.deepEqual(readSome(peer), joined(vnet, tcpPacket(gsoMaxSize - HEADERS_BYTES)));
    packet.networkOffset = packet.push(1);
    t.throws(() => endpoint.writePackets(PacketList.of(packet)), { code: 'ERR_PACKET_TOO_LONG' });
    t.is(readSome(peer), null);
  });
}

test('a super-packet is refused where there is no virtio-net header', async (t) => {
  const { endpoint, peer } = await openBench(t);
  t.deepEqual(endpoint.gso, NO_GSO);
  const packet = packetOf(endpoint, tcpPacket(1000));
  packet.gsoType = 'tcp4';
  packet.gsoSize = SEGMENT_BYTES;
  t.throws(() => endpoint.writePackets(PacketList.of(packet)), { code: 'ERR_PACKET_TOO_LONG', message: /limit is 0/ });
  t.is(readSome(peer), null);
});

test('a packet whose checksum would lie behind its end is counted, and the rest of the list is sent', async (t) => {
  const { endpoint, peer } = await openBench(t, { gsoMaxSize: 65_535 });
  const packets = [0, 1, 2].map((index) => packetOf(endpoint, ipv4Packet(60, index)));
  const wrong = packets[1] as PacketBuffer;
  wrong.checksum = 'partial';
  wrong.checksumStart = wrong.end;
  t.is(endpoint.writePackets(PacketList.of(...packets)), 3);
  t.deepEqual(readSome(peer), joined(vnetHeader({}), ipv4Packet(60, 0)));
  t.deepEqual(readSome(peer), joined(vnetHeader({}), ipv4Packet(60, 2)));
  t.is(readSome(peer), null);
  t.like(endpoint.statistics.snapshot(), { transmittedPackets: 2, drops: { 'transmit-refused': 1 } });
});

for (const [name, options, lead] of [
  ['as they are', { ethernetHeader: true }, new Uint8Array(0)],
  ['behind a virtio-net header of zeros', { ethernetHeader: true, gsoMaxSize: 65_535 }, new Uint8Array(10)],
  ['behind one of 12 bytes', { ethernetHeader: true, vnetHeaderBytes: 12 as const }, new Uint8Array(12)],
] as const) {
  test(`writeRawPacket() writes the bytes of a frame to the first fd ${name}`, async (t) => {
    const { endpoint, peers } = await openBench(t, options, 2);
    const frame = joined(ethernetHeader(PEER, OWN), ipv4Packet(60));
    t.true(endpoint.writeRawPacket(frame));
    t.deepEqual(readSome(peers[0] as number), joined(lead, frame));
    t.is(readSome(peers[1] as number), null);
  });
}

test('writeRawPacket() answers false when the queue is full', async (t) => {
  const { endpoint } = await openBench(t);
  let written = 0;
  while (endpoint.writeRawPacket(ipv4Packet(1400)) && written < 10_000) written++;
  t.true(written > 0 && written < 10_000);
  t.is(endpoint.statistics.get('shortWrites'), 1);
});

for (const vnetHeaderBytes of [0, 10] as const) {
  const name = `${vnetHeaderBytes} bytes of virtio-net header`;
  test(`${name}: a packet that ends behind its memory is refused and counted, not sent with what lies there`, async (t) => {
    const { endpoint, peer } = await openBench(t, { mtu: MTU, vnetHeaderBytes, transmitSlots: 1 });
    const packet = packetOf(endpoint, ipv4Packet(60));
    packet.start = packet.limit - 60;
    packet.networkOffset = packet.start;
    packet.end = packet.start + 1000; // the total length of a header, believed
    t.is(endpoint.writePackets(PacketList.of(packet)), 1);
    t.is(endpoint.statistics.get('transmit-refused'), 1);
    t.is(readSome(peer), null);
  });
}

test('allocate() gives packets with headroom until its slots are used up, which is counted', async (t) => {
  const { endpoint } = await openBench(t, { transmitSlots: 3, mtu: MTU });
  const packets = [1, 2, 3].map(() => endpoint.allocate(MTU));
  for (const packet of packets) {
    t.is(packet?.length, MTU);
    t.is((packet?.start ?? 0) - (packet?.base ?? 0), HEADROOM_BYTES);
  }
  t.is(endpoint.allocate(1), null);
  packets[1]?.release();
  packets[1]?.release();
  t.is(endpoint.allocate(MTU + 1), null);
  t.not(endpoint.allocate(1), null);
  t.is(endpoint.allocate(1), null);
  t.is(endpoint.statistics.get('allocate-failed'), 3);
});
