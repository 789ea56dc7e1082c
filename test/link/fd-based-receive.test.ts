/**
 * The anchor's cases for the way in: gVisor's TestDeliverPacket, TestBufConfig…, TestIovecBuffer…,
 * TestDispatchPacketFormat and the CapLength cases of 2019. Where gVisor scatters a frame over ten buffers, we read it
 * into one slot; what its cases promise of the buffers is asked of the slot here.
 */

import test from 'ava';

import { ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../../header/ethernet.ts';
import type { FdBasedOptions } from '../../link/fd-based-options.ts';
import { SOCK_DGRAM } from '../../native/constants.ts';
import { HEADROOM_BYTES } from '../../stack/arena.ts';
import type { DropReason } from '../../stack/statistics.ts';
import { until } from '../native/_support.ts';
import { ethernetHeader, joined, openBench, received, record } from './_fd-based-support.ts';
import { tcpPacket, vnetHeader, writeEmpty } from './_fd-based-support.ts';
import { ethernetFrame, ipv4Packet, OWN, PEER, writeSome } from './_fd-support.ts';

const MODES = ['readv', 'recvmmsg'] as const;
const LONGEST_PACKET = 65_535;

/** An IPv6 packet of `byteLength` bytes, from 40. */
function ipv6Packet(byteLength: number): Uint8Array {
  const bytes = Uint8Array.from({ length: byteLength }, (_, at) => (at * 11) & 0xff);
  bytes.set([0x60, 0, 0, 0, (byteLength - 40) >> 8, (byteLength - 40) & 0xff, 253, 64]);
  return bytes;
}

for (const dispatchMode of MODES) {
  for (const ethernetHeaderWanted of [false, true]) {
    for (const byteLength of [21, 100, 1000, 1500]) {
      const name = `${dispatchMode}, ${ethernetHeaderWanted ? 'an Ethernet' : 'no link'} header`;
      test(`${name}: a packet of ${byteLength} bytes is delivered byte for byte, with its offsets`, async (t) => {
        const options = { dispatchMode, ethernetHeader: ethernetHeaderWanted, linkAddress: OWN };
        const { endpoint, peer } = await openBench(t, options);
        const recorder = record(endpoint);
        const frame = ethernetHeaderWanted ? ethernetFrame(byteLength, 7) : ipv4Packet(byteLength, 7);
        const offsets: number[][] = [];
        recorder.onPacket = ({ start, linkOffset, networkOffset, end }) =>
          offsets.push([linkOffset < 0 ? -1 : linkOffset - start, networkOffset - start, end - start]);
        writeSome(peer, frame);
        await received(endpoint, 1);
        t.deepEqual(recorder.frames, [frame]);
        t.deepEqual(recorder.protocols, [ETHERTYPE_IPV4]);
        t.deepEqual(offsets, [ethernetHeaderWanted ? [0, 14, byteLength + 14] : [-1, 0, byteLength]]);
      });
    }
  }
}

/** gVisor's TestDispatchPacketFormat, with what else decides the protocol. */
const FORMATS: readonly [FdBasedOptions['dispatchMode'], boolean, Uint8Array, number][] = [
  ['readv', true, ethernetFrame(60), ETHERTYPE_IPV4],
  ['recvmmsg', true, ethernetFrame(60), ETHERTYPE_IPV4],
  ['readv', true, joined(ethernetHeader(OWN, PEER, ETHERTYPE_ARP), new Uint8Array(28)), ETHERTYPE_ARP],
  ['readv', true, joined(ethernetHeader(OWN, PEER, 0x1234), ipv4Packet(60)), 0x1234],
  ['readv', false, ipv4Packet(60), ETHERTYPE_IPV4],
  ['readv', false, ipv6Packet(60), ETHERTYPE_IPV6],
  ['recvmmsg', false, ipv4Packet(60), ETHERTYPE_IPV4],
  ['recvmmsg', false, ipv6Packet(60), ETHERTYPE_IPV6],
];

for (const [dispatchMode = 'auto', ethernet, frame, protocol] of FORMATS) {
  const name = `${dispatchMode}, ${ethernet ? 'an Ethernet' : 'no link'} header`;
  test(`${name}: a frame of protocol 0x${protocol.toString(16)} is delivered as that`, async (t) => {
    const { endpoint, peer } = await openBench(t, { dispatchMode, ethernetHeader: ethernet });
    const recorder = record(endpoint);
    writeSome(peer, frame);
    await received(endpoint, 1);
    t.deepEqual([recorder.protocols, recorder.frames], [[protocol], [frame]]);
  });
}

for (const [destination, packetType] of [
  [OWN, 'host'],
  [0xffff_ffff_ffff, 'broadcast'],
  [0x0100_5e00_0001, 'multicast'],
] as const) {
  test(`a frame for ${packetType} is marked as that`, async (t) => {
    const { endpoint, peer } = await openBench(t, { ethernetHeader: true, linkAddress: OWN });
    const recorder = record(endpoint);
    recorder.onPacket = (packet) => t.is(packet.packetType, packetType);
    writeSome(peer, ethernetFrame(60, 0, destination));
    await until(() => recorder.frames.length === 1, 'the frame is delivered');
  });
}

test('a frame for another station is counted, and delivered with a mark where that is asked for', async (t) => {
  const strict = await openBench(t, { ethernetHeader: true, linkAddress: OWN });
  const nobody = record(strict.endpoint);
  writeSome(strict.peer, ethernetFrame(60, 0, PEER));
  await until(() => strict.endpoint.statistics.get('foreign-link-address') === 1, 'the frame is counted');
  t.is(nobody.frames.length, 0);

  const curious = await openBench(t, { ethernetHeader: true, linkAddress: OWN, promiscuous: true });
  const recorder = record(curious.endpoint);
  recorder.onPacket = (packet) => t.is(packet.packetType, 'other-host');
  writeSome(curious.peer, ethernetFrame(60, 0, PEER));
  await until(() => recorder.frames.length === 1, 'the frame is delivered');
});

for (const dispatchMode of MODES) {
  for (const ethernet of [false, true]) {
    const name = `${dispatchMode}, ${ethernet ? 'an Ethernet' : 'no link'} header`;
    // gVisor's BufConfigMaxLength (the longest IP packet fits) and BufConfigFirst (headers lie side by side).
    test(`${name}, virtio-net header: the longest IP packet comes whole, behind its headroom`, async (t) => {
      const { endpoint, peer } = await openBench(t, { dispatchMode, ethernetHeader: ethernet, gsoMaxSize: 65_536 });
      const recorder = record(endpoint);
      recorder.onPacket = ({ start, end, base, limit, bytes }) => {
        t.true(base + HEADROOM_BYTES <= start && end <= limit && limit <= bytes.length);
      };
      const packet = tcpPacket(LONGEST_PACKET - 40);
      const frame = ethernet ? joined(ethernetHeader(OWN, PEER), packet) : packet;
      t.is(writeSome(peer, joined(vnetHeader({}), frame)), 10 + frame.length);
      await received(endpoint, 1);
      t.deepEqual(recorder.frames, [frame]);
    });
  }

  test(`${dispatchMode}: frames of each length up to the slot come whole, one byte more is truncated`, async (t) => {
    const slotBytes = 300;
    const { endpoint, peer } = await openBench(t, { dispatchMode, slotBytes });
    const recorder = record(endpoint);
    const lengths = [20, 21, 127, 128, 129, 255, 256, 257, 299, 300];
    for (const length of [...lengths, 301, 302, 1000]) writeSome(peer, ipv4Packet(length));
    await received(endpoint, lengths.length + 3);
    t.deepEqual(recorder.frames, lengths.map((length) => ipv4Packet(length)));
    t.like(endpoint.statistics.snapshot(), { deliveredPackets: lengths.length, drops: { truncated: 3 } });
  });

  test(`${dispatchMode}: a truncated frame is delivered with a mark where that is asked for`, async (t) => {
    const { endpoint, peer } = await openBench(t, { dispatchMode, slotBytes: 100, deliverTruncated: true });
    const recorder = record(endpoint);
    const marks: boolean[] = [];
    recorder.onPacket = (packet) => marks.push(packet.truncated);
    for (const length of [100, 101, 2000, 99]) writeSome(peer, ipv4Packet(length));
    await received(endpoint, 4);
    t.deepEqual(marks, [false, true, true, false]);
    for (const frame of recorder.frames.slice(1, 3)) t.deepEqual(frame.subarray(0, 100).length, 100);
  });

  test(`${dispatchMode}: without an option, a slot takes a packet of the MTU and not a byte more`, async (t) => {
    const { endpoint, peer } = await openBench(t, { dispatchMode, mtu: 1280, ethernetHeader: true });
    const recorder = record(endpoint);
    for (const length of [1280, 1281]) writeSome(peer, ethernetFrame(length));
    await received(endpoint, 2);
    t.deepEqual(recorder.frames, [ethernetFrame(1280)]);
    t.is(endpoint.statistics.get('truncated'), 1);
  });
}

/** gVisor's IovecBufferSkipVnetHdr, and what 2019 ended the loop for: each is a counter, and the next frame comes. */
const SHORT: readonly [string, Partial<FdBasedOptions>, number, DropReason][] = [
  ['nothing read', {}, 0, 'empty-datagram'],
  ['nothing read, virtio-net header', { gsoMaxSize: 65_536 }, 0, 'empty-datagram'],
  ['one byte less than the virtio-net header', { gsoMaxSize: 65_536 }, 9, 'runt'],
  ['the virtio-net header alone', { gsoMaxSize: 65_536 }, 10, 'runt'],
  ['the virtio-net header of 12 bytes alone', { vnetHeaderBytes: 12 }, 12, 'runt'],
  ['one byte less than the Ethernet header', { ethernetHeader: true }, 13, 'runt'],
  ['the Ethernet header alone', { ethernetHeader: true }, 14, 'runt'],
  ['an IP version of 0', {}, 40, 'unknown-protocol'],
];

for (const dispatchMode of MODES) {
  for (const [name, options, byteLength, reason] of SHORT) {
    test(`${dispatchMode}, ${name}: counted as ${reason}, and the next frame is delivered`, async (t) => {
      const { endpoint, peer } = await openBench(t, { dispatchMode, ...options });
      const recorder = record(endpoint);
      const frame = options.ethernetHeader === true ? ethernetFrame(60) : ipv4Packet(60);
      if (byteLength === 0) writeEmpty(peer);
      else writeSome(peer, new Uint8Array(byteLength));
      writeSome(peer, joined(new Uint8Array(endpoint.vnetHeaderBytes), frame));
      await received(endpoint, 2);
      t.deepEqual(recorder.frames, [frame]);
      t.is(endpoint.statistics.get(reason), 1);
      t.is(endpoint.statistics.inboundDrops, 1);
    });
  }

  for (const [vnetHeaderBytes, ethernet] of [[10, false], [10, true], [12, false], [12, true]] as const) {
    const link = ethernet ? 'before an Ethernet header' : 'before the packet';
    test(`${dispatchMode}: ${vnetHeaderBytes} bytes of virtio-net header ${link} become metadata`, async (t) => {
      const { endpoint, peer } = await openBench(t, { dispatchMode, vnetHeaderBytes, ethernetHeader: ethernet });
      const recorder = record(endpoint);
      const linkBytes = ethernet ? 14 : 0;
      const metadata: unknown[] = [];
      recorder.onPacket = (packet) => {
        const { checksum, checksumOffset, gsoType, gsoEcn, gsoSize, start } = packet;
        const at = [packet.checksumStart, packet.headerEnd].map((position) => (position < 0 ? -1 : position - start));
        metadata.push([checksum, checksumOffset, gsoType, gsoEcn, gsoSize, ...at]);
      };
      const segmentation = { gsoType: 0x81, hdrLen: linkBytes + 40, gsoSize: 536 };
      const header = { flags: 1, csumStart: linkBytes + 20, csumOffset: 16, ...segmentation };
      const lead = joined(vnetHeader(header), new Uint8Array(vnetHeaderBytes - 10));
      const frame = joined(ethernet ? ethernetHeader(OWN, PEER) : new Uint8Array(0), tcpPacket(3000));
      writeSome(peer, joined(lead, frame));
      writeSome(peer, joined(vnetHeader({ flags: 2 }), new Uint8Array(vnetHeaderBytes - 10), frame));
      await received(endpoint, 2);
      t.deepEqual(recorder.frames, [frame, frame]);
      t.deepEqual(metadata, [
        ['partial', 16, 'tcp4', true, 536, linkBytes + 20, linkBytes + 40],
        ['validated', 0, 'none', false, 0, -1, -1],
      ]);
      t.is(endpoint.statistics.get('receivedSuperPackets'), 1);
    });
  }
}

test('a virtio-net header that contradicts its frame is counted, and the next frame is delivered', async (t) => {
  const { endpoint, peer } = await openBench(t, { gsoMaxSize: 65_536 });
  const recorder = record(endpoint);
  writeSome(peer, joined(vnetHeader({ flags: 1, csumStart: 59, csumOffset: 0 }), ipv4Packet(60)));
  writeSome(peer, joined(vnetHeader({ gsoType: 1, hdrLen: 40, gsoSize: 0 }), ipv4Packet(60)));
  writeSome(peer, joined(vnetHeader({ gsoType: 0x7f, gsoSize: 100 }), ipv4Packet(60)));
  writeSome(peer, joined(vnetHeader({}), ipv4Packet(60)));
  await received(endpoint, 4);
  t.deepEqual(recorder.frames, [ipv4Packet(60)]);
  t.is(endpoint.statistics.get('bad-vnet-header'), 3);
});

test('datagram sockets deliver as well, and both fds of an endpoint are read', async (t) => {
  const { endpoint, peers } = await openBench(t, {}, 2, SOCK_DGRAM);
  const recorder = record(endpoint);
  peers.forEach((peer, index) => writeSome(peer, ipv4Packet(60, index)));
  await received(endpoint, 2);
  t.deepEqual(recorder.frames.map((frame) => frame[5]).sort(), [0, 1]);
});
