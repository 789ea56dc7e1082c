import test from 'ava';
import fc from 'fast-check';
import * as checksum from '../../header/checksum.ts';
import { buildIp, buildIpFrame, formatFrame, parseIp, parseIpv6 } from '../../header/index.ts';
import type { HeadroomBuffer, SendIpOptions } from '../../header/index.ts';
import * as icmpv4 from '../../header/icmpv4.ts';
import * as icmpv6 from '../../header/icmpv6.ts';
import * as ipv4 from '../../header/ipv4.ts';
import * as ipv6 from '../../header/ipv6.ts';
import * as tcp from '../../header/tcp.ts';
import * as udp from '../../header/udp.ts';
import { CANARY, bytesOf, viewOf } from './_support.ts';

const LINKS = { sourceLinkAddress: 0x0200_0000_0001, destinationLinkAddress: '02:00:00:00:00:02' };
const FOUR = { ...LINKS, source: '192.0.2.1', destination: '192.0.2.2' };
const SIX = { ...LINKS, source: '2001:db8::1', destination: '2001:db8::2' };
const IP_AT = 14;

/** A buffer of canaries with `headroom` bytes above `base` 8 and the segment behind them. */
function bufferOf(segment: Uint8Array, headroom: number): HeadroomBuffer {
  const start = 8 + headroom;
  const bytes = new Uint8Array(start + segment.length + 8).fill(CANARY);
  bytes.set(segment, start);
  return { bytes, view: new DataView(bytes.buffer), start, end: start + segment.length, base: 8 };
}

/** A UDP segment with this payload and canaries where its checksum goes. */
function datagram(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + payload.length);
  const view = new DataView(bytes.buffer);
  udp.emit({ sourcePort: 1234, destinationPort: 53, payloadBytes: payload.length, checksum: 0xa5a5 }, view, 0);
  bytes.set(payload, 8);
  return bytes;
}

/** The payload with which the checksum of a datagram comes out as zero: the sum lacks exactly that word. */
function zeroChecksumPayload(pseudoHeaderSum: number): Uint8Array {
  const segment = viewOf(datagram(new Uint8Array(2)));
  udp.setChecksum(segment, 0, 0);
  const missing = 0xffff - checksum.sum(segment, 0, 10, pseudoHeaderSum);
  return Uint8Array.of(missing >>> 8, missing & 0xff);
}

const pseudo = (options: { source: string; destination: string }, protocol: number, bytes: number): number =>
  checksum.pseudoHeader(parseIp(options.source), parseIp(options.destination), protocol, bytes);

test('row 16: IPv4 has DF set and id 0', (t) => {
  const frame = buildIpFrame({ ...FOUR, protocol: 17 }, datagram(Uint8Array.of(1, 2, 3)));
  const view = viewOf(frame);
  t.is(ipv4.flags(view, IP_AT), ipv4.FLAG_DONT_FRAGMENT);
  t.is(ipv4.identification(view, IP_AT), 0);
  t.is(ipv4.fragmentOffset(view, IP_AT), 0);
  t.is(ipv4.headerBytes(view, IP_AT), 20);
  t.true(ipv4.isChecksumValid(view, IP_AT));
});

test('row 16: a UDP checksum that comes out as zero is sent as ffff, over IPv6 and IPv4', (t) => {
  const payload6 = zeroChecksumPayload(pseudo(SIX, 17, 10));
  const view6 = viewOf(buildIpFrame({ ...SIX, protocol: 17 }, datagram(payload6)));
  t.is(udp.checksum(view6, IP_AT + 40), 0xffff);
  t.true(udp.isChecksumValid(view6, IP_AT + 40, view6.byteLength, pseudo(SIX, 17, 10)));
  const payload4 = zeroChecksumPayload(pseudo(FOUR, 17, 10));
  const view4 = viewOf(buildIpFrame({ ...FOUR, protocol: 17 }, datagram(payload4)));
  t.is(udp.checksum(view4, IP_AT + 20), 0xffff);
});

const LONG4 = new Uint8Array(65_536 - 20);
const LONG6 = new Uint8Array(65_536);
const UNSENDABLE: [why: string, options: SendIpOptions, segment: Uint8Array, headroom: number][] = [
  ['an IPv4 packet of 65,536 bytes', { ...FOUR, protocol: 6 }, LONG4, 128],
  ['an IPv6 payload of 65,536 bytes', { ...SIX, protocol: 6 }, LONG6, 128],
  ['33 bytes of headroom for IPv4', { ...FOUR, protocol: 6 }, new Uint8Array(20), 33],
  ['53 bytes of headroom for IPv6', { ...SIX, protocol: 6 }, new Uint8Array(20), 53],
  ['19 bytes of TCP', { ...FOUR, protocol: 6 }, new Uint8Array(19), 128],
  ['7 bytes of UDP', { ...SIX, protocol: 17 }, new Uint8Array(7), 128],
  ['7 bytes of ICMP', { ...FOUR, protocol: 1 }, new Uint8Array(7), 128],
  ['7 bytes of ICMPv6', { ...SIX, protocol: 58 }, new Uint8Array(7), 128],
  ['hop limit 256', { ...FOUR, protocol: 6, hopLimit: 256 }, new Uint8Array(20), 128],
  ['traffic class -1', { ...FOUR, protocol: 6, trafficClass: -1 }, new Uint8Array(20), 128],
  ['a flow label of 21 bits', { ...SIX, protocol: 6, flowLabel: 1 << 20 }, new Uint8Array(20), 128],
  ['protocol 1.5', { ...SIX, protocol: 1.5 }, new Uint8Array(20), 128],
  ['a link address of 49 bits', { ...SIX, protocol: 6, sourceLinkAddress: 2 ** 48 }, new Uint8Array(20), 128],
];

for (const [why, options, segment, headroom] of UNSENDABLE) {
  test(`row 16: ${why} is a RangeError before any byte is written`, (t) => {
    const buffer = bufferOf(segment, headroom);
    const before = buffer.bytes.slice();
    const { start, end } = buffer;
    t.throws(() => buildIp(options, buffer), { instanceOf: RangeError, message: /^Cannot send / });
    t.is(Buffer.compare(buffer.bytes, before), 0);
    t.deepEqual([buffer.start, buffer.end], [start, end]);
  });
}

test('row 16: the longest packets that their length fields can tell are sent', (t) => {
  for (const [options, longest, headerBytes] of [[FOUR, 65_535 - 20, 34], [SIX, 65_535, 54]] as const) {
    const buffer = bufferOf(new Uint8Array(longest).fill(0xff), headerBytes);
    t.is(buildIp({ ...options, protocol: 6 }, buffer), headerBytes + longest);
    t.is(buffer.start, buffer.base);
    const segmentAt = buffer.start + headerBytes;
    t.true(tcp.isChecksumValid(buffer.view, segmentAt, buffer.end, pseudo(options, 6, longest)));
  }
});

test('buildIp() writes the golden IPv4 frame, in exactly the headroom it needs', (t) => {
  const buffer = bufferOf(datagram(Uint8Array.of(0xde, 0xad)), 34);
  t.is(buildIp({ ...FOUR, protocol: 17, hopLimit: 64, trafficClass: 0xb8 }, buffer), 44);
  t.deepEqual(
    buffer.bytes.slice(buffer.start, buffer.end),
    bytesOf(`
      02 00 00 00 00 02  02 00 00 00 00 01  08 00
      45 b8 00 1e  00 00 40 00  40 11 b6 13  c0 00 02 01  c0 00 02 02
      04 d2 00 35  00 0a 98 21  de ad`),
  );
  t.true([...buffer.bytes.slice(0, 8), ...buffer.bytes.slice(-8)].every((byte) => byte === CANARY));
});

test('buildIp() writes the golden IPv6 frame, in exactly the headroom it needs', (t) => {
  const buffer = bufferOf(bytesOf('80 00 a5 a5  00 01 00 02  61'), 54);
  t.is(buildIp({ ...SIX, protocol: 58, flowLabel: 0x12345 }, buffer), 63);
  t.deepEqual(
    buffer.bytes.slice(buffer.start, buffer.end),
    bytesOf(`
      02 00 00 00 00 02  02 00 00 00 00 01  86 dd
      60 01 23 45  00 09 3a ff
      20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01
      20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 02
      80 00 c3 43  00 01 00 02  61`),
  );
  t.true([...buffer.bytes.slice(0, 8), ...buffer.bytes.slice(-8)].every((byte) => byte === CANARY));
});

test('buildIp() computes the checksums of TCP, UDP, ICMP and ICMPv6 for any segment', (t) => {
  const segments = fc.uint8Array({ minLength: 20, maxLength: 200 });
  fc.assert(
    fc.property(segments, (segment) => {
      const build = (options: SendIpOptions): DataView => viewOf(buildIpFrame(options, segment));
      const [at4, at6, end4, end6] = [34, 54, 34 + segment.length, 54 + segment.length];
      const four = (protocol: number): number => pseudo(FOUR, protocol, segment.length);
      const six = (protocol: number): number => pseudo(SIX, protocol, segment.length);
      return (
        tcp.isChecksumValid(build({ ...FOUR, protocol: 6 }), at4, end4, four(6)) &&
        udp.isChecksumValid(build({ ...FOUR, protocol: 17 }), at4, end4, four(17)) &&
        icmpv4.isChecksumValid(build({ ...FOUR, protocol: 1 }), at4, end4) &&
        tcp.isChecksumValid(build({ ...SIX, protocol: 6 }), at6, end6, six(6)) &&
        udp.isChecksumValid(build({ ...SIX, protocol: 17 }), at6, end6, six(17)) &&
        icmpv6.isChecksumValid(build({ ...SIX, protocol: 58 }), at6, end6, six(58))
      );
    }),
  );
  t.pass();
});

test('buildIp() leaves the segment of other protocols alone, even an empty one', (t) => {
  const segment = Uint8Array.of(1, 2, 3);
  t.deepEqual(buildIpFrame({ ...FOUR, protocol: 253 }, segment).slice(34), segment);
  t.is(buildIpFrame({ ...SIX, protocol: 59 }, new Uint8Array(0)).length, 54);
});

test('buildIp() sends UDP over IPv4 without a checksum when told so, and never over IPv6', (t) => {
  const segment = datagram(Uint8Array.of(1));
  const options = { protocol: 17, udp4Checksum: false };
  t.is(udp.checksum(viewOf(buildIpFrame({ ...FOUR, ...options }, segment)), 34), udp.NO_CHECKSUM);
  t.not(udp.checksum(viewOf(buildIpFrame({ ...SIX, ...options }, segment)), 54), udp.NO_CHECKSUM);
});

test('buildIp() takes IPv4-mapped addresses for IPv4', (t) => {
  const segment = datagram(Uint8Array.of(1));
  const expected = buildIpFrame({ ...FOUR, protocol: 17 }, segment);
  const mapped = { source: '::ffff:192.0.2.1', destination: parseIpv6('::ffff:192.0.2.2') };
  t.deepEqual(buildIpFrame({ ...LINKS, ...mapped, protocol: 17 }, segment), expected);
  t.deepEqual(buildIpFrame({ ...FOUR, source: mapped.source, protocol: 17 }, segment), expected);
  const mixed = { source: 0xc000_0201, destination: mapped.destination };
  t.deepEqual(buildIpFrame({ ...LINKS, ...mixed, protocol: 17 }, segment), expected);
});

test('buildIp() refuses mixed families and unreadable addresses with a TypeError, before any byte is written', (t) => {
  const wrong: Partial<SendIpOptions>[] = [
    { source: '2001:db8::1' },
    { destination: '2001:db8::1' },
    { source: '::ffff:192.0.2.1', destination: '2001:db8::1' },
    { source: 'example.org' },
    { destination: new Uint8Array(4) },
    { sourceLinkAddress: '02:00' },
  ];
  for (const part of wrong) {
    const buffer = bufferOf(datagram(Uint8Array.of(1)), 128);
    const before = buffer.bytes.slice();
    t.throws(() => buildIp({ ...FOUR, protocol: 17, ...part }, buffer), { instanceOf: TypeError });
    t.deepEqual(buffer.bytes, before);
  }
});

test('buildIp() defaults to hop limit 255, which neighbour discovery asks for', (t) => {
  const four = viewOf(buildIpFrame({ ...FOUR, protocol: 253 }, new Uint8Array(0)));
  const six = viewOf(buildIpFrame({ ...SIX, protocol: 253 }, new Uint8Array(0)));
  t.deepEqual([ipv4.timeToLive(four, IP_AT), ipv6.hopLimit(six, IP_AT)], [255, 255]);
  t.is(
    formatFrame(six, 0, six.byteLength),
    '02:00:00:00:00:01 > 02:00:00:00:00:02, IPv6, length 54: IP6 2001:db8::1 > 2001:db8::2: protocol 253, length 0',
  );
});
