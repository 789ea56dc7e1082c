import test from 'ava';
import fc from 'fast-check';
import * as checksum from '../../header/checksum.ts';
import { parseIp, parseIpv4, parseIpv6 } from '../../header/address.ts';
import * as ipv4 from '../../header/ipv4.ts';
import * as ipv6 from '../../header/ipv6.ts';
import { bytesOf, canaries, ipv6Bytes, u16, u32, viewOf } from './_support.ts';

/** The definition, slowly: 16-bit big-endian words, an odd last byte padded, carries added back at once. */
function slowSum(bytes: Uint8Array): number {
  let total = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    total += bytes[i]! * 256 + (bytes[i + 1] ?? 0);
    if (total > 0xffff) total -= 0xffff;
  }
  return total;
}

const noise = Uint8Array.from({ length: 9100 }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 13) & 0xff);

test('sum() of the example of RFC 1071 section 3 is ddf2', (t) => {
  const view = viewOf(bytesOf('00 01 f2 03 f4 f5 f6 f7'));
  t.is(checksum.sum(view, 0, 8), 0xddf2);
  t.is(checksum.finish(checksum.sum(view, 0, 8)), 0x220d);
});

test('update16() of the example of RFC 1624 section 4 is 0000', (t) => {
  t.is(checksum.update16(0xdd2f, 0x5555, 0x3285), 0x0000);
});

for (let alignment = 0; alignment < 8; alignment++) {
  test(`sum() is the slow sum for every length from 0 to 9001 at alignment ${alignment}`, (t) => {
    const view = new DataView(noise.buffer);
    let expected = 0;
    for (let length = 0; length <= 9001; length++) {
      // The slow sum, extended by one byte a turn.
      if (length > 0) expected += noise[alignment + length - 1]! * (length % 2 === 1 ? 256 : 1);
      if (expected > 0xffff) expected -= 0xffff;
      const actual = checksum.sum(view, alignment, length);
      if (actual !== expected) return void t.fail(`length ${length}: ${actual} is not ${expected}`);
    }
    t.is(expected, slowSum(noise.subarray(alignment, alignment + 9001)));
  });
}

test('sum() of a megabyte of ones does not overflow', (t) => {
  const view = new DataView(new Uint8Array((1 << 20) + 3).fill(0xff).buffer);
  for (const length of [0x20000, 0x20001, 0x20002, 0x20020, 1 << 20, (1 << 20) + 3]) {
    const expected = length % 2 === 0 ? 0xffff : 0xff00;
    t.is(checksum.sum(view, 0, length), expected);
    t.is(checksum.sum(view, 0, length, 0x7fff_ffff), checksum.fold(expected + 0x7fff_ffff));
  }
});

test('sum() is chained over ranges of even length', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), u16, (bytes, cut, initial) => {
      const view = viewOf(bytes);
      const at = (cut % (bytes.length + 1)) & ~1;
      const chained = checksum.sum(view, at, bytes.length - at, checksum.sum(view, 0, at, initial));
      return chained === checksum.sum(view, 0, bytes.length, initial);
    }),
  );
  t.pass();
});

test('sum() reads shared memory', (t) => {
  const shared = new Uint8Array(new SharedArrayBuffer(9100));
  shared.set(noise);
  t.is(checksum.sum(new DataView(shared.buffer), 5, 1500), slowSum(noise.subarray(5, 1505)));
});

test('a message with its checksum in it is intact, and not after a flipped bit', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 2, maxLength: 100 }), fc.nat(), (bytes, bit) => {
      const view = viewOf(bytes);
      view.setUint16(0, 0);
      view.setUint16(0, checksum.finish(checksum.sum(view, 0, bytes.length)));
      if (!checksum.isIntact(checksum.sum(view, 0, bytes.length))) return false;
      const at = (bit >>> 3) % bytes.length;
      view.setUint8(at, view.getUint8(at) ^ (1 << (bit & 7)));
      return !checksum.isIntact(checksum.sum(view, 0, bytes.length));
    }),
  );
  t.pass();
});

test('pseudoHeader() of addresses is the sum of the headers that carry them', (t) => {
  const view = canaries(60);
  fc.assert(
    fc.property(u32, u32, ipv6Bytes, ipv6Bytes, u16, (source4, destination4, source6, destination6, length) => {
      ipv4.encode(view, 0, 20, 0, 64, 17, source4, destination4);
      const equal4 =
        checksum.fold(checksum.pseudoHeader(source4, destination4, 17, length)) ===
        checksum.fold(checksum.pseudoHeaderIpv4(view, 0, 17, length));
      ipv6.encode(view, 1, 0, 0, 0, 17, 64, source6, destination6);
      const equal6 =
        checksum.fold(checksum.pseudoHeader(source6, destination6, 17, length)) ===
        checksum.fold(checksum.pseudoHeaderIpv6(view, 1, 17, length));
      return equal4 && equal6;
    }),
  );
  const mapped = checksum.pseudoHeader(parseIp('::1'), parseIpv6('::2'), 58, 0x1_0004);
  t.is(mapped, 1 + 2 + 58 + 1 + 4);
  t.is(checksum.pseudoHeader(parseIpv4('0.1.0.2'), 0, 6, 20), 1 + 2 + 6 + 20);
});

test('update16() and update32() are the checksum of the changed message', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 64 }), u16, u32, (bytes, word, double) => {
      bytes[6] = 0x45; // Like a header, never all zero: the one case where 0 and ffff stand for the same sum.
      const view = viewOf(bytes);
      const before = checksum.finish(checksum.sum(view, 0, bytes.length));
      const by16 = checksum.update16(before, view.getUint16(0), word);
      view.setUint16(0, word);
      if (by16 !== checksum.finish(checksum.sum(view, 0, bytes.length))) return false;
      const by32 = checksum.update32(by16, view.getUint32(2), double);
      view.setUint32(2, double);
      return by32 === checksum.finish(checksum.sum(view, 0, bytes.length));
    }),
    { numRuns: 1000 },
  );
  t.pass();
});
