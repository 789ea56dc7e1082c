import test from 'ava';
import fc from 'fast-check';
import { decode, encode, format, type GsoType, UnknownGsoTypeError } from '../../gso/virtio-net-header.ts';
import { type PacketBuffer } from '../../stack/index.ts';
import { buildPacket, payloadAt, type Shape, transportAt } from './_support.ts';

const UDP_OVER_IPV4: Shape = { family: 4, transport: 'udp', payloadBytes: 3000 };
const TCP_OVER_IPV6: Shape = { family: 6, transport: 'tcp', payloadBytes: 5000, optionBytes: 12 };

interface Fields {
  flags?: number;
  gsoType?: number;
  hdrLen?: number;
  gsoSize?: number;
  csumStart?: number;
  csumOffset?: number;
}

/** The ten bytes, field by field. */
function headerOf(fields: Fields): DataView {
  const { flags = 0, gsoType = 0, hdrLen = 0, gsoSize = 0, csumStart = 0, csumOffset = 0 } = fields;
  const words = [hdrLen, gsoSize, csumStart, csumOffset].flatMap((word) => [word & 0xff, word >>> 8]);
  return new DataView(Uint8Array.of(flags, gsoType, ...words).buffer);
}

/** What `encode` writes for `packet` into memory full of 0xa5; null when it refuses. */
function encoded(packet: PacketBuffer, headerBytes = 10): number[] | null {
  const bytes = new Uint8Array(16).fill(0xa5);
  const isDone = encode(packet, new DataView(bytes.buffer), 2, headerBytes);
  if ([...bytes.subarray(0, 2), ...bytes.subarray(2 + headerBytes)].some((byte) => byte !== 0xa5)) {
    throw new Error('encode() wrote outside its header');
  }
  if (!isDone && bytes.subarray(2, 2 + headerBytes).some((byte) => byte !== 0))
    throw new Error('refused, yet not zero');
  return isDone ? [...bytes.subarray(2, 2 + headerBytes)] : null;
}

const offloadOf = (packet: PacketBuffer): object => ({
  checksum: packet.checksum,
  checksumStart: packet.checksumStart,
  checksumOffset: packet.checksumOffset,
  gsoType: packet.gsoType,
  gsoEcn: packet.gsoEcn,
  gsoSize: packet.gsoSize,
  headerEnd: packet.headerEnd,
});

const NO_OFFLOAD = {
  checksum: 'none',
  checksumStart: -1,
  checksumOffset: 0,
  gsoType: 'none',
  gsoEcn: false,
  gsoSize: 0,
  headerEnd: -1,
};

/** Sets what a stack would ask for, by hand. */
function ask(packet: PacketBuffer, shape: Shape, gsoType: GsoType, gsoSize: number): PacketBuffer {
  packet.checksum = 'partial';
  packet.checksumStart = transportAt(packet, shape);
  packet.checksumOffset = shape.transport === 'tcp' ? 16 : 6;
  packet.gsoType = gsoType;
  packet.gsoSize = gsoSize;
  packet.headerEnd = payloadAt(packet, shape);
  return packet;
}

test('a UDP super-packet is written field by field, in 10 bytes', (t) => {
  t.deepEqual(encoded(ask(buildPacket(UDP_OVER_IPV4), UDP_OVER_IPV4, 'udp', 1200)), [
    1, // flags: NEEDS_CSUM
    5, // gso_type: UDP_L4
    ...[42, 0], // hdr_len: 14 + 20 + 8
    ...[0xb0, 0x04], // gso_size: 1200, little-endian
    ...[34, 0], // csum_start: 14 + 20
    ...[6, 0], // csum_offset
  ]);
});

test('a TCP super-packet with options and ECN is written field by field, in 12 bytes', (t) => {
  const packet = ask(buildPacket(TCP_OVER_IPV6), TCP_OVER_IPV6, 'tcp6', 1440);
  packet.gsoEcn = true;
  t.deepEqual(encoded(packet, 12), [
    1, // flags: NEEDS_CSUM
    0x84, // gso_type: TCPV6 | ECN
    ...[86, 0], // hdr_len: 14 + 40 + 20 + 12
    ...[0xa0, 0x05], // gso_size: 1440
    ...[54, 0], // csum_start: 14 + 40
    ...[16, 0], // csum_offset
    ...[0, 0], // num_buffers
  ]);
});

test('TCP over IPv4 is type 1, and without ECN the bit is clear', (t) => {
  const shape: Shape = { family: 4, transport: 'tcp', payloadBytes: 4000 };
  t.is(encoded(ask(buildPacket(shape), shape, 'tcp4', 1000))?.[1], 1);
});

for (const headerBytes of [10, 12]) {
  test(`a packet that asks for nothing gets ${headerBytes} zeros, whatever was there`, (t) => {
    t.deepEqual(encoded(buildPacket(UDP_OVER_IPV4), headerBytes), Array<number>(headerBytes).fill(0));
  });
}

test('a checksum without segmentation is NEEDS_CSUM and type none', (t) => {
  t.deepEqual(encoded(ask(buildPacket(UDP_OVER_IPV4), UDP_OVER_IPV4, 'none', 0)), [1, 0, 0, 0, 0, 0, 34, 0, 6, 0]);
});

test('a verified checksum is DATA_VALID', (t) => {
  const packet = buildPacket(UDP_OVER_IPV4);
  packet.checksum = 'validated';
  t.deepEqual(encoded(packet), [2, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
});

for (const [payloadBytes, gsoType] of [
  [1, 0],
  [1199, 0],
  [1200, 0],
  [1201, 5],
] as const) {
  test(`${payloadBytes} bytes of payload for segments of 1200 are type ${gsoType}, the checksum fields kept`, (t) => {
    const shape: Shape = { ...UDP_OVER_IPV4, payloadBytes };
    const bytes = encoded(ask(buildPacket(shape), shape, 'udp', 1200));
    t.is(bytes?.[1], gsoType);
    t.deepEqual(bytes?.slice(2, 6), gsoType === 0 ? [0, 0, 0, 0] : [42, 0, 0xb0, 0x04]);
    t.is(bytes?.[0], 1);
    t.deepEqual(bytes?.slice(6), [34, 0, 6, 0]);
  });
}

test('an unknown GSO type of an untyped caller is a typed error', (t) => {
  const packet = buildPacket(UDP_OVER_IPV4);
  packet.gsoType = 'ufo' as GsoType;
  t.throws(() => encoded(packet), { instanceOf: UnknownGsoTypeError, code: 'ERR_UNKNOWN_GSO_TYPE', message: /"ufo"/ });
});

for (const shape of [UDP_OVER_IPV4, TCP_OVER_IPV6]) {
  const gsoType = shape.transport === 'udp' ? 'udp' : 'tcp6';
  test(`encode() finds the end of the ${gsoType} header where the caller left it -1`, (t) => {
    const given = ask(buildPacket(shape), shape, gsoType, 1000);
    const wanted = encoded(given);
    given.headerEnd = -1;
    t.deepEqual(encoded(given), wanted, 'from the checksum');
    given.checksum = 'none';
    t.deepEqual(encoded(given), [0, ...(wanted?.slice(1, 6) ?? []), 0, 0, 0, 0], 'from the network header');
  });
}

const refusals: readonly [string, (packet: PacketBuffer) => void][] = [
  ['a segment size of 0', (packet) => (packet.gsoSize = 0)],
  ['a negative segment size', (packet) => (packet.gsoSize = -1)],
  [
    'a checksum field that ends behind the frame',
    (packet) => (packet.checksumOffset = packet.end - packet.checksumStart - 1),
  ],
  ['a checksum before the frame', (packet) => (packet.checksumStart = packet.start - 1)],
  ['a checksum whose position is not known', (packet) => (packet.checksumStart = -1)],
  ['headers that end behind the frame', (packet) => (packet.headerEnd = packet.end + 1)],
  ['headers that end before the frame', (packet) => (packet.headerEnd = packet.start - 1)],
  [
    'no transport header to be found',
    (packet) => Object.assign(packet, { checksum: 'none', headerEnd: -1, networkOffset: -1 }),
  ],
  [
    'TCP segmentation of a UDP packet',
    (packet) => Object.assign(packet, { checksum: 'none', headerEnd: -1, gsoType: 'tcp4' }),
  ],
];
for (const [what, spoil] of refusals) {
  test(`encode() refuses ${what}, without an exception, and leaves zeros`, (t) => {
    const packet = ask(buildPacket(UDP_OVER_IPV4), UDP_OVER_IPV4, 'udp', 1200);
    t.not(encoded(packet), null);
    spoil(packet);
    t.is(encoded(packet), null);
  });
}

test('encode() refuses what would be cut to 16 bits: a segment size and a checksum position of 65,536', (t) => {
  const shape: Shape = { family: 6, transport: 'tcp', payloadBytes: 200_000 };
  t.is(encoded(ask(buildPacket(shape), shape, 'tcp6', 65_536)), null);
  const packet = ask(buildPacket(shape), shape, 'none', 0);
  packet.checksumStart = packet.start + 65_536;
  t.is(encoded(packet), null);
  packet.checksumStart = packet.start + 65_535;
  t.deepEqual(encoded(packet)?.slice(6, 8), [0xff, 0xff]);
});

test('decode() reads checksum and segmentation as positions', (t) => {
  const packet = buildPacket(TCP_OVER_IPV6);
  const header = headerOf({ flags: 1, gsoType: 0x84, hdrLen: 86, gsoSize: 1440, csumStart: 54, csumOffset: 16 });
  t.true(decode(header, 0, packet));
  t.deepEqual(offloadOf(packet), {
    checksum: 'partial',
    checksumStart: packet.start + 54,
    checksumOffset: 16,
    gsoType: 'tcp6',
    gsoEcn: true,
    gsoSize: 1440,
    headerEnd: packet.start + 86,
  });
});

for (const [flags, checksum] of [
  [0, 'none'],
  [2, 'validated'],
  [1, 'partial'],
  [3, 'partial'],
] as const) {
  test(`flags ${flags} mean that the checksum is ${checksum}`, (t) => {
    const packet = buildPacket(UDP_OVER_IPV4);
    t.true(decode(headerOf({ flags, csumStart: 34, csumOffset: 6 }), 0, packet));
    t.is(packet.checksum, checksum);
  });
}

test('decode() of zeros forgets what the slot knew of its last packet', (t) => {
  const packet = ask(buildPacket(UDP_OVER_IPV4), UDP_OVER_IPV4, 'udp', 1200);
  packet.gsoEcn = true;
  t.true(decode(headerOf({}), 0, packet));
  t.deepEqual(offloadOf(packet), NO_OFFLOAD);
});

for (const hdrLen of [0, 42, 1000, 3042]) {
  test(`hdr_len is a hint: ${hdrLen} does not move the end of the headers`, (t) => {
    const packet = buildPacket(UDP_OVER_IPV4);
    t.true(decode(headerOf({ flags: 1, gsoType: 5, hdrLen, gsoSize: 1200, csumStart: 34, csumOffset: 6 }), 0, packet));
    t.is(packet.headerEnd, packet.start + 42);
    t.deepEqual(encoded(packet)?.slice(0, 6), [1, 5, 42, 0, 0xb0, 0x04], 'forwarded, it is still a super-packet');
  });
}

const GOOD: Fields = { flags: 1, gsoType: 5, hdrLen: 42, gsoSize: 1200, csumStart: 34, csumOffset: 6 };
const contradictions: readonly [string, Fields][] = [
  ['a checksum field that ends one byte behind the frame', { csumStart: 3042 - 7, csumOffset: 6, gsoType: 0 }],
  ['a checksum far behind the frame', { csumStart: 0xffff, gsoType: 0 }],
  ['a checksum offset far behind the frame', { csumOffset: 0xffff, gsoType: 0 }],
  ['segments of no bytes', { gsoSize: 0 }],
  ['headers longer than the frame', { hdrLen: 3043 }],
  ['type 3, UFO', { gsoType: 3 }],
  ['type 2, which is none', { gsoType: 2 }],
  ['ECN without a type', { gsoType: 0x80 }],
  ['a tunnel bit', { gsoType: 0x20 | 5 }],
  ['TCP segments whose checksum is where UDP has it', { gsoType: 1 }],
  ['UDP segments whose checksum is where TCP has it', { csumOffset: 16 }],
  ['TCP segments and no TCP header that is long enough', { gsoType: 1, csumOffset: 16 }],
  ['UDP segments and no room for a UDP header', { csumStart: 3042 - 8 + 1, csumOffset: 5 }],
];
for (const [what, fields] of contradictions) {
  test(`decode() refuses ${what}, and clears the metadata`, (t) => {
    const packet = buildPacket(UDP_OVER_IPV4);
    t.true(decode(headerOf(GOOD), 0, packet), 'the same header without the contradiction is taken');
    packet.bytes.fill(0, packet.start + 34, packet.start + 54); // no data offset where a TCP header would be
    t.false(decode(headerOf({ ...GOOD, ...fields }), 0, packet));
    t.deepEqual(offloadOf(packet), NO_OFFLOAD);
  });
}

test('the last checksum field inside the frame is taken', (t) => {
  const packet = buildPacket(UDP_OVER_IPV4);
  t.true(decode(headerOf({ flags: 1, csumStart: packet.length - 8, csumOffset: 6 }), 0, packet));
});

test('row 4: csum_start and hdr_len count the link header that is there, and only that', (t) => {
  for (const linkBytes of [0, 14] as const) {
    const shape: Shape = { ...TCP_OVER_IPV6, linkBytes };
    const bytes = encoded(ask(buildPacket(shape), shape, 'tcp6', 1440));
    t.deepEqual(bytes?.slice(6, 8), [linkBytes + 40, 0], `csum_start with a link header of ${linkBytes}`);
    t.deepEqual(bytes?.slice(2, 4), [linkBytes + 40 + 32, 0], `hdr_len with a link header of ${linkBytes}`);
  }
});

test('row 4: a link header that is added after the request is counted', (t) => {
  const shape: Shape = { ...TCP_OVER_IPV6, linkBytes: 0 };
  const packet = ask(buildPacket(shape), shape, 'tcp6', 1440);
  packet.push(14);
  const bytes = encoded(packet);
  t.deepEqual(bytes?.slice(6, 8), [54, 0]);
  t.deepEqual(bytes?.slice(2, 4), [86, 0]);
});

for (const payloadBytes of [65_535, 65_536, 65_536 + 1000, 131_072, 200_000]) {
  test(`row 4: ${payloadBytes} bytes of payload are not cut to 16 bits: segments of 1440 are asked for`, (t) => {
    const shape: Shape = { family: 6, transport: 'tcp', payloadBytes };
    const bytes = encoded(ask(buildPacket(shape), shape, 'tcp6', 1440));
    t.deepEqual(bytes?.slice(0, 6), [1, 4, 74, 0, 0xa0, 0x05]);
  });
}

test('row 5: what the header said survives editing and forwarding', (t) => {
  const packet = buildPacket(TCP_OVER_IPV6);
  const came = { flags: 1, gsoType: 0x84, hdrLen: 86, gsoSize: 1440, csumStart: 54, csumOffset: 16 };
  t.true(decode(headerOf(came), 0, packet));
  packet.view.setUint8(packet.networkOffset + 7, 63); // one hop less
  packet.consume(14); // the Ethernet header goes: out by a TUN
  const naked = headerOf({ ...came, hdrLen: 72, csumStart: 40 });
  t.deepEqual(encoded(packet), [...new Uint8Array(naked.buffer)]);
  packet.push(14 + 4); // and out by a link with a VLAN tag
  const tagged = headerOf({ ...came, hdrLen: 90, csumStart: 58 });
  t.deepEqual(encoded(packet), [...new Uint8Array(tagged.buffer)]);
});

test('row 5: a verified checksum stays verified, and a clone keeps all of it', (t) => {
  const packet = buildPacket(UDP_OVER_IPV4);
  t.true(decode(headerOf({ flags: 2 }), 0, packet));
  t.deepEqual(encoded(packet.clone()), [2, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  t.true(decode(headerOf(GOOD), 0, packet));
  t.deepEqual(encoded(packet.clone()), encoded(packet));
});

const shapes: fc.Arbitrary<Shape> = fc.record({
  family: fc.constantFrom(4 as const, 6 as const),
  transport: fc.constantFrom('tcp' as const, 'udp' as const),
  payloadBytes: fc.nat({ max: 4000 }),
  linkBytes: fc.constantFrom(0 as const, 14 as const),
  optionBytes: fc.nat({ max: 10 }).map((words) => words * 4),
});

test('encode() then decode() gives back what a stack asked for', (t) => {
  const wish = fc.record({
    shape: shapes,
    isSegmented: fc.boolean(),
    gsoSize: fc.integer({ min: 1, max: 5000 }),
    gsoEcn: fc.boolean(),
    headerBytes: fc.constantFrom(10, 12),
  });
  fc.assert(
    fc.property(wish, ({ shape, isSegmented, gsoSize, gsoEcn, headerBytes }) => {
      const gsoType = shape.transport === 'udp' ? 'udp' : shape.family === 4 ? 'tcp4' : 'tcp6';
      const packet = ask(buildPacket(shape), shape, isSegmented ? gsoType : 'none', isSegmented ? gsoSize : 0);
      packet.gsoEcn = isSegmented && gsoEcn;
      const wanted = { ...offloadOf(packet) };
      const isSuper = isSegmented && shape.payloadBytes > gsoSize;
      const bytes = encoded(packet, headerBytes);
      if (bytes === null || !decode(new DataView(Uint8Array.from(bytes).buffer), 0, packet)) return false;
      const single = { ...wanted, gsoType: 'none', gsoEcn: false, gsoSize: 0, headerEnd: -1 };
      t.deepEqual(offloadOf(packet), isSuper ? wanted : single);
      return true;
    }),
  );
});

test('decode() of any ten bytes never throws; what it takes lies in the frame and encodes to the same meaning', (t) => {
  const near = fc.oneof(fc.nat({ max: 120 }), fc.nat({ max: 0xffff }));
  const anyHeader = fc.record({
    flags: fc.nat({ max: 255 }),
    gsoType: fc.oneof(fc.constantFrom(0, 1, 4, 5, 0x81, 0x84, 0x85), fc.nat({ max: 255 })),
    hdrLen: near,
    gsoSize: near,
    csumStart: fc.oneof(fc.constantFrom(20, 34, 40, 54), near),
    csumOffset: fc.oneof(fc.constantFrom(6, 16), near),
  });
  let takenCount = 0;
  fc.assert(
    fc.property(anyHeader, shapes, (fields, shape) => {
      const packet = buildPacket(shape);
      if (!decode(headerOf(fields), 0, packet)) return JSON.stringify(offloadOf(packet)) === JSON.stringify(NO_OFFLOAD);
      takenCount++;
      const first = offloadOf(packet);
      if (packet.headerEnd > packet.end || packet.checksumStart + packet.checksumOffset > packet.end - 2) return false;
      const bytes = encoded(packet);
      if (bytes === null) return packet.gsoType !== 'none' && packet.checksum !== 'partial'; // no such transport in it
      const again = buildPacket(shape);
      if (!decode(new DataView(Uint8Array.from(bytes).buffer), 0, again)) return false;
      if (again.gsoType === packet.gsoType && packet.gsoType !== 'none')
        return JSON.stringify(offloadOf(again)) === JSON.stringify(first);
      return again.checksum === packet.checksum && again.checksumStart === packet.checksumStart;
    }),
    { numRuns: 2000 },
  );
  t.true(takenCount > 100, `${takenCount} headers of 2000 were taken`);
});

test('format() prints one line for any ten bytes', (t) => {
  t.is(format(headerOf(GOOD), 0), 'gso udp/1200 hdr 42 csum 34+6');
  t.is(format(headerOf({ flags: 2 }), 0), 'gso none hdr 0 valid');
  t.is(format(headerOf({ gsoType: 3, gsoSize: 7 }), 0), 'gso 3/7 hdr 0');
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 10, maxLength: 10 }),
      (bytes) => !format(new DataView(Uint8Array.from(bytes).buffer), 0).includes('\n'),
    ),
  );
});
