import test from 'ava';
import fc from 'fast-check';
import { completeChecksum, requestChecksum, requestSegmentation } from '../../gso/index.ts';
import * as checksum from '../../header/checksum.ts';
import * as ipv6 from '../../header/ipv6.ts';
import * as tcp from '../../header/tcp.ts';
import { type PacketBuffer } from '../../stack/index.ts';
import { buildPacket, payloadAt, type Shape, transportAt } from './_support.ts';

const SHAPES: readonly Shape[] = ([4, 6] as const).flatMap((family) =>
  (['tcp', 'udp'] as const).map((transport) => ({ family, transport, payloadBytes: 101, optionBytes: 4 })),
);
const nameOf = ({ family, transport }: Shape): string => `${transport} over IPv${family}`;

/** Whether the transport checksum, seen by its receiver, is right. */
function isIntact(packet: PacketBuffer, shape: Shape): boolean {
  const at = transportAt(packet, shape);
  const pseudoHeader = shape.family === 4 ? checksum.pseudoHeaderIpv4 : checksum.pseudoHeaderIpv6;
  const sum = pseudoHeader(packet.view, packet.networkOffset, shape.transport === 'tcp' ? 6 : 17, packet.end - at);
  return checksum.isIntact(checksum.sum(packet.view, at, packet.end - at, sum));
}

for (const shape of SHAPES) {
  test(`requestChecksum() finds the checksum of ${nameOf(shape)}, and completing it makes it right`, (t) => {
    const packet = buildPacket(shape);
    t.true(requestChecksum(packet));
    t.is(packet.checksum, 'partial');
    t.is(packet.checksumStart, transportAt(packet, shape));
    t.is(packet.transportOffset, transportAt(packet, shape));
    t.is(packet.checksumOffset, shape.transport === 'tcp' ? 16 : 6);
    t.is(packet.headerEnd, payloadAt(packet, shape));
    t.is(packet.gsoType, 'none');
    t.false(isIntact(packet, shape), 'partial so far');
    completeChecksum(packet);
    t.true(isIntact(packet, shape));
    t.is(packet.checksum, 'none');
    t.is(packet.checksumStart, -1);
  });

  test(`requestSegmentation() asks for the type of ${nameOf(shape)}`, (t) => {
    const packet = buildPacket(shape);
    t.true(requestSegmentation(packet, 40));
    t.is(packet.gsoType, shape.transport === 'udp' ? 'udp' : shape.family === 4 ? 'tcp4' : 'tcp6');
    t.is(packet.gsoSize, 40);
    t.is(packet.checksum, 'partial');
    t.false(packet.gsoEcn);
  });
}

test('the partial sum is the folded pseudo-header, not inverted', (t) => {
  const shape: Shape = { family: 4, transport: 'udp', payloadBytes: 4 };
  const packet = buildPacket(shape);
  requestChecksum(packet);
  // c000 + 0201 + c000 + 0202 + 17 (UDP) + 12 (its length) = 1 8420; the carry comes back in
  t.is(packet.view.getUint16(transportAt(packet, shape) + 6), 0x8421);
});

test('the network header is taken to be at the start where it is not known', (t) => {
  const shape: Shape = { family: 6, transport: 'tcp', payloadBytes: 10, linkBytes: 0 };
  const packet = buildPacket(shape);
  packet.networkOffset = -1;
  t.true(requestSegmentation(packet, 5));
  t.is(packet.gsoType, 'tcp6');
  t.is(packet.checksumStart, packet.start + 40);
});

test('a TCP header with CWR asks for segments that carry it as RFC 3168 says', (t) => {
  const shape: Shape = { family: 4, transport: 'tcp', payloadBytes: 100, tcpFlags: tcp.FLAG_ACK | tcp.FLAG_CWR };
  const packet = buildPacket(shape);
  t.true(requestSegmentation(packet, 40));
  t.true(packet.gsoEcn);
});

test('padding of the link behind the IP packet is not counted', (t) => {
  const shape: Shape = { family: 4, transport: 'udp', payloadBytes: 4 };
  const [plain, padded] = [buildPacket(shape), buildPacket({ ...shape, payloadBytes: 20 })];
  padded.bytes.set(plain.copyBytes(), padded.start);
  t.true(requestChecksum(plain));
  t.true(requestChecksum(padded));
  t.is(padded.view.getUint16(padded.checksumStart + 6), plain.view.getUint16(plain.checksumStart + 6));
});

const spoilers: readonly [string, (packet: PacketBuffer) => void][] = [
  ['a fragment', (packet) => packet.view.setUint16(packet.networkOffset + 6, 0x2000)],
  ['neither TCP nor UDP', (packet) => packet.view.setUint8(packet.networkOffset + 9, 1)],
  ['cut short', (packet) => (packet.end -= 1)],
  ['no IP packet', (packet) => packet.view.setUint8(packet.networkOffset, 0x75)],
  ['a TCP header shorter than one can be', (packet) => packet.view.setUint8(packet.networkOffset + 20 + 12, 0x40)],
  ['a TCP header longer than the packet', (packet) => packet.view.setUint16(packet.networkOffset + 2, 43)],
];
for (const [what, spoil] of spoilers) {
  test(`what is ${what} is left as it is`, (t) => {
    const packet = buildPacket({ family: 4, transport: 'tcp', payloadBytes: 20, optionBytes: 4 });
    spoil(packet);
    const before = packet.copyBytes();
    t.false(requestChecksum(packet));
    t.false(requestSegmentation(packet, 10));
    t.deepEqual(packet.copyBytes(), before);
    t.is(packet.checksum, 'none');
    t.is(packet.gsoType, 'none');
  });
}

test('a fragment of IPv6 is left as it is', (t) => {
  const packet = buildPacket({ family: 6, transport: 'udp', payloadBytes: 40 });
  ipv6.setNextHeader(packet.view, packet.networkOffset, 44);
  packet.view.setUint32(packet.networkOffset + 40, 0x1100_0001); // next header UDP, offset 0, more to come
  t.false(requestChecksum(packet));
});

for (const segmentBytes of [0, -1, 65_536, 1.5, Number.NaN]) {
  test(`segments of ${segmentBytes} bytes are refused`, (t) => {
    const packet = buildPacket(SHAPES[0] as Shape);
    t.throws(() => requestSegmentation(packet, segmentBytes), { instanceOf: RangeError, message: /1 to 65535/ });
    t.is(packet.checksum, 'none');
  });
}

test('a checksum that comes out as 0 is sent as 0xffff', (t) => {
  const shape: Shape = { family: 6, transport: 'udp', payloadBytes: 2 };
  const packet = buildPacket(shape);
  const at = transportAt(packet, shape);
  packet.view.setUint16(at + 8, 0);
  requestChecksum(packet);
  const missing = checksum.finish(checksum.sum(packet.view, at, packet.end - at));
  packet.view.setUint16(at + 8, missing); // the payload that makes the sum 0xffff, so its complement 0
  completeChecksum(packet);
  t.is(packet.view.getUint16(at + 6), 0xffff);
  t.true(isIntact(packet, shape));
});

test('completeChecksum() leaves packets alone whose checksum is complete', (t) => {
  const packet = buildPacket(SHAPES[0] as Shape);
  const before = packet.copyBytes();
  completeChecksum(packet);
  packet.checksum = 'validated';
  completeChecksum(packet);
  t.deepEqual(packet.copyBytes(), before);
  t.is(packet.checksum, 'validated');
});

test('no bytes make a request throw, and what it notes is inside the packet', (t) => {
  const edits = fc.array(fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 255 })), { maxLength: 4 });
  let takenCount = 0;
  fc.assert(
    fc.property(fc.constantFrom(...SHAPES), edits, fc.nat({ max: 20 }), (shape, changed, cut) => {
      const packet = buildPacket(shape);
      for (const [at, byte] of changed) packet.view.setUint8(packet.networkOffset + at, byte);
      packet.end -= cut % 3 === 0 ? cut : 0;
      if (!requestSegmentation(packet, 10)) return packet.checksum === 'none' && packet.gsoType === 'none';
      takenCount++;
      return packet.headerEnd <= packet.end && packet.checksumStart + packet.checksumOffset + 2 <= packet.end;
    }),
    { numRuns: 1000 },
  );
  t.true(takenCount > 100 && takenCount < 900, `${takenCount} of 1000 were taken`);
});
