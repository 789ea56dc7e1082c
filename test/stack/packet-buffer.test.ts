import test from 'ava';
import fc from 'fast-check';
import { Arena, HEADROOM_BYTES, PacketBuffer, PacketPool } from '../../stack/index.ts';

const CAPACITY = 200;

function packetWith(...bytes: number[]): PacketBuffer {
  const packet = new PacketPool(new Arena(1, CAPACITY)).at(0);
  return packet.fill(Uint8Array.from(bytes));
}

function everythingSet(packet: PacketBuffer): PacketBuffer {
  packet.linkOffset = packet.start;
  packet.networkOffset = packet.start + 2;
  packet.transportOffset = packet.start + 4;
  packet.hash = 7;
  packet.packetType = 'multicast';
  packet.truncated = true;
  packet.checksum = 'partial';
  packet.checksumStart = packet.start + 4;
  packet.checksumOffset = 6;
  packet.gsoType = 'tcp6';
  packet.gsoEcn = true;
  packet.gsoSize = 1440;
  packet.headerEnd = packet.start + 5;
  Object.assign(packet.egress, {
    localLinkAddress: 1,
    remoteLinkAddress: 2,
    remoteAddress: 0xc000_0201,
    protocol: 0x0800,
  });
  return packet;
}

const metadataOf = (packet: PacketBuffer): object => ({
  link: packet.linkOffset - packet.start,
  network: packet.networkOffset - packet.start,
  transport: packet.transportOffset - packet.start,
  checksumStart: packet.checksumStart - packet.start,
  headerEnd: packet.headerEnd - packet.start,
  hash: packet.hash,
  packetType: packet.packetType,
  truncated: packet.truncated,
  checksum: packet.checksum,
  checksumOffset: packet.checksumOffset,
  gsoType: packet.gsoType,
  gsoEcn: packet.gsoEcn,
  gsoSize: packet.gsoSize,
  egress: { ...packet.egress },
});

test('a new packet is empty, behind the headroom, and knows nothing', (t) => {
  const packet = new PacketPool(new Arena(1, CAPACITY)).at(0);
  t.is(packet.start, HEADROOM_BYTES);
  t.is(packet.length, 0);
  t.is(packet.networkBytes, 0);
  t.deepEqual([packet.linkOffset, packet.networkOffset, packet.transportOffset], [-1, -1, -1]);
  t.is(packet.checksum, 'none');
  t.is(packet.gsoType, 'none');
});

test('push() grows the frame into the headroom and moves no other field (gVisor: HeaderPush)', (t) => {
  const packet = packetWith(1, 2, 3);
  packet.networkOffset = packet.start;
  const at = packet.push(14);
  packet.bytes.fill(0xee, at, at + 14);
  t.is(at, HEADROOM_BYTES - 14);
  t.is(packet.start, at);
  t.is(packet.length, 17);
  t.is(packet.networkOffset, HEADROOM_BYTES);
  t.is(packet.networkBytes, 3);
  t.deepEqual([...packet.copyBytes()], [...Array<number>(14).fill(0xee), 1, 2, 3]);
  t.deepEqual([...packet.copyNetworkBytes()], [1, 2, 3]);
});

test('push() may be called once per header until the headroom is used up', (t) => {
  const packet = packetWith(1);
  packet.push(14);
  packet.push(40);
  t.is(packet.push(HEADROOM_BYTES - 54), packet.base);
  t.is(packet.length, HEADROOM_BYTES + 1);
});

test('push() past the headroom throws and changes nothing (gVisor: PushTooLong)', (t) => {
  const packet = packetWith(1, 2, 3);
  packet.push(100);
  t.throws(() => packet.push(29), { instanceOf: RangeError, message: /the headroom has 28/ });
  t.is(packet.length, 103);
  t.is(packet.push(28), packet.base);
});

test('consume() takes bytes off the front (gVisor: HeaderConsume)', (t) => {
  const packet = packetWith(1, 2, 3, 4);
  t.true(packet.consume(3));
  t.deepEqual([...packet.copyBytes()], [4]);
  t.true(packet.consume(1), 'the last byte');
  t.true(packet.consume(0));
  t.is(packet.length, 0);
});

test('consume() of more than there is says so and changes nothing (gVisor: ConsumeDataTooShort)', (t) => {
  const packet = packetWith(1, 2, 3);
  t.false(packet.consume(4));
  t.deepEqual([...packet.copyBytes()], [1, 2, 3]);
});

test('push() and consume() mix in any order and are each other undone (gVisor: PushConsumeMixed)', (t) => {
  const step = fc.record({ isPush: fc.boolean(), count: fc.nat({ max: 160 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const packet = packetWith(...Array<number>(CAPACITY).fill(0xab));
      const bytes = packet.copyBytes();
      let start = packet.start;
      for (const { isPush, count } of steps) {
        const wanted = isPush ? start - count : start + count;
        const isPossible = wanted >= packet.base && wanted <= packet.end;
        if (isPush && !isPossible) t.throws(() => packet.push(count), { instanceOf: RangeError });
        else if (isPush) packet.push(count);
        else if (packet.consume(count) !== isPossible) return false;
        if (isPossible) start = wanted;
        if (packet.start !== start || packet.length !== packet.end - start) return false;
      }
      return Buffer.compare(bytes, packet.bytes.subarray(HEADROOM_BYTES, HEADROOM_BYTES + CAPACITY)) === 0;
    }),
  );
  t.pass();
});

test('fill() takes exactly the capacity, and one byte more throws and changes nothing', (t) => {
  const packet = packetWith(9);
  t.is(packet.fill(new Uint8Array(CAPACITY)).length, CAPACITY);
  packet.fill(Uint8Array.of(9));
  t.throws(() => packet.fill(new Uint8Array(CAPACITY + 1)), { instanceOf: RangeError, message: /its slot takes 200/ });
  t.deepEqual([...packet.copyBytes()], [9]);
});

test('networkBytes counts from the network header, or from the start while it is unknown', (t) => {
  const packet = packetWith(1, 2, 3, 4);
  t.is(packet.networkBytes, 4);
  packet.networkOffset = packet.start + 3;
  t.is(packet.networkBytes, 1);
});

test('repoint() forgets everything that was known, where the last frame went included', (t) => {
  const packet = everythingSet(packetWith(1, 2, 3, 4, 5));
  packet.repoint(packet.base + 10, packet.base + 30);
  const fresh = new PacketBuffer(packet.memory, 0, packet.base, packet.limit);
  fresh.start = packet.base + 10;
  fresh.end = packet.base + 30;
  t.deepEqual(metadataOf(packet), metadataOf(fresh));
  t.is(packet.length, 20);
});

test('clearOffload() forgets checksum and segmentation and keeps the rest', (t) => {
  const packet = everythingSet(packetWith(1, 2, 3, 4, 5));
  packet.clearOffload();
  t.deepEqual([packet.checksum, packet.checksumStart, packet.checksumOffset], ['none', -1, 0]);
  t.deepEqual([packet.gsoType, packet.gsoEcn, packet.gsoSize, packet.headerEnd], ['none', false, 0, -1]);
  t.is(packet.hash, 7);
  t.is(packet.networkOffset, packet.start + 2);
});

test('clone() keeps bytes and metadata after the slot is used again (gVisor: PacketBufferClone)', (t) => {
  const packet = everythingSet(packetWith(1, 2, 3, 4, 5));
  const metadata = metadataOf(packet);
  const clone = packet.clone();
  packet.repoint(packet.start, packet.end);
  packet.bytes.fill(0xff);
  t.deepEqual([...clone.copyBytes()], [1, 2, 3, 4, 5]);
  t.deepEqual(metadataOf(clone), metadata);
  t.not(clone.bytes.buffer, packet.bytes.buffer);
});

test('editing a clone leaves the packet alone', (t) => {
  const packet = everythingSet(packetWith(1, 2, 3));
  const clone = packet.clone();
  clone.bytes[clone.start] = 99;
  clone.egress.remoteLinkAddress = 99;
  t.is(packet.bytes[packet.start], 1);
  t.is(packet.egress.remoteLinkAddress, 2);
});

test('clone() has at least as much headroom as its packet (gVisor: ReserveHeadersAllowsPush)', (t) => {
  const packet = packetWith(1, 2, 3);
  packet.push(HEADROOM_BYTES);
  const small = packet.clone();
  t.is(small.push(HEADROOM_BYTES), 0);
  packet.consume(HEADROOM_BYTES + 2);
  t.is(packet.clone().push(HEADROOM_BYTES + 2), 0);
});

test('clone() keeps a link header that was consumed', (t) => {
  const packet = packetWith(0xa, 0xb, 1, 2, 3);
  packet.linkOffset = packet.start;
  packet.consume(2);
  const clone = packet.clone();
  t.is(clone.linkOffset, clone.start - 2);
  t.deepEqual([...clone.bytes.subarray(clone.linkOffset, clone.end)], [0xa, 0xb, 1, 2, 3]);
});

test('unknown positions stay unknown in a clone', (t) => {
  const clone = packetWith(1).clone();
  t.deepEqual([clone.linkOffset, clone.networkOffset, clone.transportOffset], [-1, -1, -1]);
  t.deepEqual([clone.checksumStart, clone.headerEnd], [-1, -1]);
});

test('release() of a lent packet or a clone has no effect', (t) => {
  const packet = packetWith(1, 2);
  packet.release();
  packet.clone().release();
  t.deepEqual([...packet.copyBytes()], [1, 2]);
});

test('toString() prints one line for any bytes, with and without a link header', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: CAPACITY }), fc.boolean(), (bytes, hasLink) => {
      const packet = packetWith(...bytes);
      if (hasLink) packet.linkOffset = packet.start;
      packet.egress.protocol = 0x0800;
      const line = packet.toString();
      return line.length > 0 && !line.includes('\n');
    }),
  );
  t.pass();
});
