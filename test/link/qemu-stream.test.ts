import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';

import { requestChecksum } from '../../gso/index.ts';
import * as checksum from '../../header/checksum.ts';
import { ETHERTYPE_IPV4 } from '../../header/ethernet.ts';
import { openQemuStream, type QemuStreamEndpoint, type QemuStreamOptions } from '../../link/qemu-stream.ts';
import { packetOver } from '../../link/raw-packet.ts';
import { SHUT_WR, SOCK_SEQPACKET, SOCK_STREAM } from '../../native/constants.ts';
import { closeFd, describeFd, pinnedCount, Readiness, shutdown, socketPair } from '../../native/index.ts';
import { type ClosedReason, type PacketBuffer, PacketList } from '../../stack/index.ts';
import { delay, fdCount, until } from '../native/_support.ts';
import { ethernetHeader, joined, tcpPacket } from './_fd-based-support.ts';
import { ethernetFrame, OWN, owned, PEER, readSome, Recorder, writeSome } from './_fd-support.ts';

interface Link {
  readonly endpoint: QemuStreamEndpoint;
  readonly peer: number;
  /** Closes the peer's end. */
  readonly hangUp: () => void;
  readonly recorder: Recorder;
  readonly reasons: ClosedReason[];
}

/** An endpoint on one end of a stream socket pair, with a recorder attached. */
function open(t: ExecutionContext, options: QemuStreamOptions = {}, bufferBytes?: number): Link {
  const sizes = bufferBytes === undefined ? {} : { sendBufferBytes: bufferBytes, receiveBufferBytes: bufferBytes };
  const [fd, peer] = socketPair(SOCK_STREAM, sizes);
  const other = owned(t, peer);
  const reasons: ClosedReason[] = [];
  const endpoint = openQemuStream({ ...options, fd, ownFd: true, closed: (reason) => reasons.push(reason) });
  const recorder = new Recorder();
  endpoint.attach(recorder);
  t.teardown(() => endpoint.close());
  return { endpoint, peer, hangUp: () => other.close(), recorder, reasons };
}

/** [length][frame], as it is on the wire. */
function wire(...frames: Uint8Array[]): Uint8Array {
  return Buffer.concat(
    frames.flatMap((frame) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(frame.length);
      return [length, frame];
    }),
  );
}

function packetsOf(frames: readonly Uint8Array[]): PacketList {
  return PacketList.of(...frames.map((frame) => packetOver(frame, 14)));
}

/** Writes everything, waiting for `drain` after each short count. */
async function writeAll(endpoint: QemuStreamEndpoint, list: PacketList): Promise<void> {
  while (list.length > 0) {
    const drained = new Promise<void>((resolve) => endpoint.once('drain', resolve));
    const accepted = endpoint.writePackets(list);
    list.dropFirst(accepted);
    if (list.length > 0) await drained;
  }
}

/** Reads `byteCount` bytes from `fd`, up to `piece` at a time, letting the event loop run in between. */
async function readAll(fd: number, byteCount: number, piece: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const deadline = Date.now() + 10_000;
  for (let got = 0; got < byteCount; ) {
    const bytes = readSome(fd, Math.min(piece, byteCount - got));
    if (bytes === null) await delay(0);
    else pieces.push(bytes);
    got += bytes?.length ?? 0;
    if (Date.now() > deadline) throw new Error(`Timed out: ${got} of ${byteCount} bytes came`);
  }
  return Buffer.concat(pieces);
}

test('row 15: frames that the socket takes in pieces arrive whole and in step, cut at any byte', async (t) => {
  t.timeout(20_000);
  // A short write of a unix socket ends where its buffer does: other lengths, other cuts, within the length field, too.
  for (const [round, piece] of [37, 1000, 4097, 65_536].entries()) {
    const { endpoint, peer } = open(t, { mtu: 9000 }, 4608);
    const lengthOf = (index: number): number => 20 + ((index * 977 + round * 311) % 8980);
    const frames = Array.from({ length: 60 }, (_, index) => ethernetFrame(lengthOf(index), index));
    const expected = wire(...frames);
    const reading = readAll(peer, expected.length, piece);
    const [received] = await Promise.all([reading, writeAll(endpoint, packetsOf(frames))]);
    t.is(Buffer.compare(received, expected), 0, `read ${piece} bytes at a time`);
    t.like(endpoint.statistics.snapshot(), { transmittedPackets: 60, transmittedBytes: expected.length - 240 });
    t.true(endpoint.statistics.get('shortWrites') > 0);
    endpoint.close();
  }
});

test('row 15: a frame that was cut is finished from a copy, for its packet is the caller\'s again', async (t) => {
  t.timeout(20_000);
  const { endpoint, peer } = open(t, { mtu: 65_536 }, 4608);
  const frame = ethernetFrame(60_000, 1);
  const expected = wire(frame);
  const packet = endpoint.allocate(60_014)!;
  packet.fill(frame);
  packet.networkOffset = packet.start + 14;
  t.is(endpoint.writePackets(PacketList.of(packet)), 1);
  packet.bytes.fill(0, packet.start, packet.end);
  packet.release();
  t.is(Buffer.compare(await readAll(peer, expected.length, 65_536), expected), 0);
});

test('row 15: nothing is accepted before the frame that was cut is whole, and `drain` comes after it', async (t) => {
  t.timeout(20_000);
  const { endpoint, peer } = open(t, { mtu: 65_536 }, 4608);
  const events: string[] = [];
  endpoint.on('drain', () => events.push('drain'));
  const list = packetsOf([ethernetFrame(60_000, 1), ethernetFrame(100, 2)]);
  t.is(endpoint.writePackets(list), 1);
  t.is(endpoint.writePackets(PacketList.of(list.at(1))), 0);
  t.deepEqual(events, []);
  t.is((await readAll(peer, 60_018, 65_536)).length, 60_018);
  await until(() => events.length > 0, 'drain was emitted');
  t.deepEqual(events, ['drain']);
  t.is(endpoint.writePackets(PacketList.of(list.at(1))), 1);
  t.is(Buffer.compare(await readAll(peer, 118, 65_536), wire(ethernetFrame(100, 2))), 0);
});

test('a frame that was cut is finished also where the event loop cannot poll the fd', async (t) => {
  const { endpoint, peer } = open(t, {}, 4096);
  endpoint.attach(null);
  const other = Readiness.watch(endpoint.fd, { readable: true }, () => {});
  t.teardown(() => other.close());
  const frames = Array.from({ length: 40 }, (_, seed) => ethernetFrame(1000, seed));
  const list = packetsOf(frames);
  const accepted = endpoint.writePackets(list);
  t.true(accepted < frames.length);
  const sent = wire(...frames.slice(0, accepted));
  t.deepEqual(Buffer.from(await readAll(peer, sent.length, 1000)), Buffer.from(sent));
  other.close();
});

test('a batch is one gather write', (t) => {
  const { endpoint, peer } = open(t);
  const frames = Array.from({ length: 40 }, (_, index) => ethernetFrame(100, index));
  t.is(endpoint.writePackets(packetsOf(frames)), 40);
  t.deepEqual(readSome(peer), Uint8Array.from(wire(...frames)));
  t.is(endpoint.statistics.get('transmitSyscalls'), 1);
});

test('an empty packet is refused and counted: its length of 0 would end the connection', (t) => {
  const { endpoint, peer } = open(t);
  const frames = [ethernetFrame(100, 1), new Uint8Array(0), ethernetFrame(100, 2), new Uint8Array(0)];
  t.is(endpoint.writePackets(packetsOf(frames)), 4);
  t.deepEqual(readSome(peer), Uint8Array.from(wire(frames[0]!, frames[2]!)));
  t.like(endpoint.statistics.snapshot(), { transmittedPackets: 2, drops: { 'transmit-refused': 2 } });
});

test('a checksum that was left to the link is completed, for nobody behind the stream would', (t) => {
  const { endpoint, peer } = open(t);
  const packet = packetOver(joined(ethernetHeader(PEER, OWN), tcpPacket(100)), 14);
  packet.view.setUint16(14 + 20 + 16, 0);
  t.true(requestChecksum(packet));
  const list = PacketList.of(packet);
  t.is(endpoint.writePackets(list), 1);
  const frame = readSome(peer)?.slice(4) as Uint8Array;
  t.is(frame.length, packet.length);
  const view = new DataView(frame.buffer);
  t.true(checksum.isIntact(checksum.sum(view, 34, 120, checksum.pseudoHeaderIpv4(view, 14, 6, 120))));
});

test('a packet that ends behind its memory is refused and counted, not sent with what lies there', (t) => {
  const { endpoint, peer } = open(t, { transmitSlots: 1 });
  const packet = endpoint.allocate(20) as PacketBuffer;
  packet.start = packet.limit - 20;
  packet.networkOffset = packet.start;
  packet.end = packet.start + 1000; // the total length of a header, believed
  t.is(endpoint.writePackets(PacketList.of(packet)), 1);
  t.is(endpoint.statistics.get('transmit-refused'), 1);
  t.is(readSome(peer), null);
});

test('a raw packet is framed, a long one is a typed error', (t) => {
  const { endpoint, peer } = open(t);
  t.true(endpoint.writeRawPacket(ethernetFrame(1500, 4)));
  t.deepEqual(readSome(peer), Uint8Array.from(wire(ethernetFrame(1500, 4))));
  t.throws(() => endpoint.writeRawPacket(ethernetFrame(1501, 4)), { code: 'ERR_PACKET_TOO_LONG' });
});

test('addHeader() puts an Ethernet header before an allocated packet', (t) => {
  const { endpoint, peer } = open(t, { linkAddress: OWN });
  const frame = ethernetFrame(60, 3, PEER);
  const packet = endpoint.allocate(60)!;
  packet.fill(frame.subarray(14));
  Object.assign(packet.egress, { remoteLinkAddress: PEER, protocol: ETHERTYPE_IPV4 });
  endpoint.addHeader(packet);
  t.is(endpoint.writePackets(PacketList.of(packet)), 1);
  packet.release();
  t.is(endpoint.statistics.get('transmitCopies'), 0);
  t.deepEqual(readSome(peer)?.subarray(18), frame.subarray(14));
});

test('frames are delivered whole, cut at any byte', async (t) => {
  const sizes = fc.array(fc.integer({ min: 20, max: 3000 }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.array(fc.nat(100_000), { maxLength: 12 }), async (lengths, seeds) => {
      const { endpoint, peer, hangUp, recorder } = open(t);
      const frames = lengths.map((length, index) => ethernetFrame(length, index));
      const stream = wire(...frames);
      const cuts = seeds.map((seed) => seed % (stream.length + 1)).sort((a, b) => a - b);
      let at = 0;
      for (const cut of [...cuts, stream.length]) {
        if (cut > at) at += writeSome(peer, stream.subarray(at, cut));
        await new Promise(setImmediate);
      }
      await until(() => recorder.frames.length === frames.length, 'all frames were delivered');
      endpoint.close();
      hangUp();
      return recorder.frames.every((frame, index) => Buffer.compare(frame, frames[index]!) === 0);
    }),
    { numRuns: 25 },
  );
  t.pass();
});

test('every cut of a stream of two frames delivers both', async (t) => {
  const { peer, recorder } = open(t);
  const frames = [ethernetFrame(20, 1), ethernetFrame(33, 2)];
  const stream = wire(...frames);
  for (let cut = 1; cut < stream.length; cut++) {
    const before = recorder.frames.length;
    writeSome(peer, stream.subarray(0, cut));
    await new Promise(setImmediate);
    writeSome(peer, stream.subarray(cut));
    await until(() => recorder.frames.length === before + 2, `both frames were delivered, cut at byte ${cut}`);
    t.deepEqual(recorder.frames.slice(before), frames);
  }
});

for (const [length, what] of [
  [0, 'empty'],
  [65_551, 'too long'],
] as const) {
  test(`a frame that is ${what} closes the connection with the reason, after the frames before it`, async (t) => {
    const { endpoint, peer, recorder, reasons } = open(t);
    const announced = Buffer.alloc(4);
    announced.writeUInt32BE(length);
    writeSome(peer, Buffer.concat([wire(ethernetFrame(60, 1), ethernetFrame(60, 2)), announced]));
    await until(() => reasons.length > 0, 'closed was emitted');
    t.is(recorder.frames.length, 2);
    t.is(reasons.length, 1);
    t.like(reasons[0], { kind: 'error', fd: endpoint.fd, error: { code: 'ERR_QEMU_FRAME', frameBytes: length } });
    t.is(readSome(peer)?.length, 0);
    t.throws(() => endpoint.attach(recorder), { code: 'ERR_LINK_CLOSED' });
  });
}

test('maxFrameBytes bounds what a peer may announce, and must leave room for the MTU', async (t) => {
  const { peer, reasons } = open(t, { mtu: 100, maxFrameBytes: 114 });
  writeSome(peer, wire(ethernetFrame(100)));
  writeSome(peer, wire(ethernetFrame(101)));
  await until(() => reasons.length > 0, 'closed was emitted');
  t.like(reasons[0], { error: { frameBytes: 115, limitBytes: 114 } });
  t.throws(() => open(t, { mtu: 100, maxFrameBytes: 113 }), { message: /maxFrameBytes is 113/ });
});

test('frames for others, and runts, are counted and dropped; a frame for all is not', async (t) => {
  const { endpoint, peer, recorder } = open(t, { linkAddress: OWN });
  const everybody = ethernetFrame(60, 1, 0xffff_ffff_ffff);
  writeSome(peer, wire(ethernetFrame(60, 0, PEER), new Uint8Array(14), everybody, ethernetFrame(60, 2)));
  await until(() => recorder.frames.length === 2, 'the two frames for us were delivered');
  t.deepEqual(recorder.frames, [everybody, ethernetFrame(60, 2)]);
  const snapshot = endpoint.statistics.snapshot();
  t.like(snapshot, { receivedPackets: 4, deliveredPackets: 2, drops: { 'foreign-link-address': 1, runt: 1 } });
});

test('what was sent before a hang-up is delivered, then `closed` is emitted; a cut frame is counted', async (t) => {
  const { endpoint, peer, hangUp, recorder, reasons } = open(t);
  const frames = Array.from({ length: 300 }, (_, index) => ethernetFrame(100, index));
  writeSome(peer, Buffer.concat([wire(...frames), wire(ethernetFrame(100)).subarray(0, 50)]));
  hangUp();
  await until(() => reasons.length > 0, 'closed was emitted');
  t.is(recorder.frames.length, 300);
  t.deepEqual(reasons, [{ kind: 'hangup', fd: endpoint.fd }]);
  const { statistics } = endpoint;
  t.like(statistics.snapshot(), { receivedPackets: 301, deliveredPackets: 300, drops: { truncated: 1 } });
  t.is(statistics.get('receivedPackets'), statistics.get('deliveredPackets') + statistics.inboundDrops);
});

test('a peer that only stops sending hangs up, too', async (t) => {
  const { peer, reasons } = open(t);
  shutdown(peer, SHUT_WR);
  await until(() => reasons.length > 0, 'closed was emitted');
  t.is(reasons[0]?.kind, 'hangup');
});

test('packets to a peer that is gone are accepted and counted', (t) => {
  const { endpoint, hangUp } = open(t);
  hangUp();
  t.is(endpoint.writePackets(packetsOf([ethernetFrame(60), ethernetFrame(60)])), 2);
  t.is(endpoint.statistics.get('no-peer'), 2);
});

test('a lent frame may be edited, grown into its headroom and written back where it lies', async (t) => {
  const { endpoint, peer, recorder } = open(t);
  const answers = new PacketList();
  recorder.onPacket = (packet: PacketBuffer) => {
    packet.push(4);
    packet.view.setUint32(packet.start, 0xdead_beef);
    answers.clear();
    answers.push(packet);
    endpoint.writePackets(answers);
  };
  writeSome(peer, wire(ethernetFrame(60, 1), ethernetFrame(70, 2)));
  await until(() => recorder.frames.length === 2, 'both frames were delivered');
  const tagged = recorder.frames.map((frame) => Uint8Array.of(0xde, 0xad, 0xbe, 0xef, ...frame));
  t.deepEqual(recorder.frames, [ethernetFrame(60, 1), ethernetFrame(70, 2)]);
  t.deepEqual(readSome(peer), Uint8Array.from(wire(...tagged)));
  t.is(endpoint.statistics.get('transmitCopies'), 0);
});

test('detached inside a delivery, the rest is counted; a frame that was cut is finished for the next', async (t) => {
  const { endpoint, peer, recorder, reasons } = open(t);
  recorder.onPacket = () => endpoint.attach(null);
  const stream = wire(...Array.from({ length: 10 }, (_, index) => ethernetFrame(60, index)));
  writeSome(peer, stream.subarray(0, stream.length - 7));
  await until(() => reasons.length > 0, 'closed was emitted');
  t.like(endpoint.statistics.snapshot(), { receivedPackets: 9, deliveredPackets: 1, drops: { detached: 8 } });
  t.deepEqual(reasons, [{ kind: 'detached', fd: -1 }]);
  const next = new Recorder();
  endpoint.attach(next);
  writeSome(peer, stream.subarray(stream.length - 7));
  await until(() => next.frames.length === 1, 'the frame was delivered');
  t.deepEqual(next.frames, [ethernetFrame(60, 9)]);
});

test('a dispatcher that throws closes the endpoint with its error, and what was read is counted', async (t) => {
  const { endpoint, peer, recorder, reasons } = open(t);
  recorder.onPacket = () => {
    throw new Error('expected');
  };
  writeSome(peer, wire(ethernetFrame(60, 1), ethernetFrame(60, 2), ethernetFrame(60, 3)));
  await until(() => reasons.length > 0, 'closed was emitted');
  t.like(reasons[0], { kind: 'error', fd: endpoint.fd, error: { message: 'expected' } });
  const { statistics } = endpoint;
  t.is(statistics.get('receivedPackets'), 3);
  t.is(statistics.get('receivedPackets'), statistics.get('deliveredPackets') + statistics.inboundDrops);
  await endpoint.wait();
});

test('closed inside a delivery, it delivers nothing more and is quiet', async (t) => {
  const { endpoint, peer, recorder } = open(t);
  recorder.onPacket = () => endpoint.close();
  writeSome(peer, wire(ethernetFrame(60, 1), ethernetFrame(60, 2)));
  await until(() => recorder.frames.length > 0, 'a frame was delivered');
  await endpoint.wait();
  t.is(recorder.frames.length, 1);
});

test('what is no stream socket is refused', (t) => {
  const pair = socketPair(SOCK_SEQPACKET);
  for (const fd of pair) owned(t, fd);
  t.throws(() => openQemuStream({ fd: pair[0] }), { code: 'ERR_INVALID_OPTION', message: /use openFdBased/ });
  t.throws(() => openQemuStream({ fd: 1_000_000 }), { code: 'EBADF' });
});

test.serial('200 connections leave the descriptors and pins as they were', async (t) => {
  // The event loop keeps descriptors of its own once it has polled.
  await delay(1);
  const [fds, pins] = [fdCount(), pinnedCount()];
  for (let round = 0; round < 200; round++) {
    const [fd, peer] = socketPair(SOCK_STREAM, { sendBufferBytes: 4608 });
    const endpoint = openQemuStream({ fd, ownFd: true, mtu: 65_536, transmitSlots: 1 });
    endpoint.attach(new Recorder());
    endpoint.writePackets(packetsOf([ethernetFrame(60_000)]));
    endpoint.close();
    endpoint.close();
    t.throws(() => describeFd(fd), { code: 'EBADF' });
    closeFd(peer);
  }
  t.is(fdCount(), fds);
  t.is(pinnedCount(), pins);
});
