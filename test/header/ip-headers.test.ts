import test from 'ava';
import fc from 'fast-check';
import * as checksum from '../../header/checksum.ts';
import { formatIpv6, parseIpv4, parseIpv6 } from '../../header/address.ts';
import * as ethernet from '../../header/ethernet.ts';
import * as ipv4 from '../../header/ipv4.ts';
import * as ipv6 from '../../header/ipv6.ts';
import { bytesOf, canaries, viewOf } from './_support.ts';

const PACKET4 = bytesOf(`
  46 00 00 20  00 07 40 00  40 11 00 00  c0 00 02 01  c0 00 02 02
  01 94 02 00                              # options: no operation, two bytes of router alert, end
  04 d2 00 35  00 08 00 00`);

test('ethernet.swapAddresses() turns a frame around', (t) => {
  const view = canaries(20);
  ethernet.encode(view, 3, 0xfeff_ffff_fff2, 0x0200_0000_0001, 0x86dd);
  ethernet.swapAddresses(view, 3);
  t.deepEqual(ethernet.parse(view, 3, 17), {
    destination: 0x0200_0000_0001,
    source: 0xfeff_ffff_fff2,
    etherType: 0x86dd,
  });
  t.false(ethernet.isMulticast(view, 3));
  ethernet.setDestination(view, 3, 0xffff_ffff_ffff);
  t.true(ethernet.isMulticast(view, 3));
});

test('formatEtherType() names types, lengths and the unknown', (t) => {
  t.is(ethernet.formatEtherType(0x8100), '802.1Q');
  t.is(ethernet.formatEtherType(46), '802.3 length 46');
  t.is(ethernet.formatEtherType(0x88b5), '0x88b5');
});

test('ipv4.isValid() refuses each lie about version and lengths', (t) => {
  const lies: [why: string, at: number, value: number][] = [
    ['version 6', 0, 0x66],
    ['IHL 4', 0, 0x44],
    ['IHL beyond the total length', 0, 0x4f],
    ['total length below the header', 3, 0x17],
    ['total length beyond the end', 3, 0x21],
  ];
  t.true(ipv4.isValid(viewOf(PACKET4), 0, PACKET4.length));
  for (const [why, at, value] of lies) {
    const view = viewOf(PACKET4);
    view.setUint8(at, value);
    t.false(ipv4.isValid(view, 0, PACKET4.length), why);
  }
});

test('ipv4 ignores padding behind the total length', (t) => {
  const view = viewOf(Uint8Array.of(...PACKET4, 0, 0, 0, 0));
  t.true(ipv4.isValid(view, 0, PACKET4.length + 4));
  t.is(ipv4.packetEnd(view, 0), PACKET4.length);
});

test('ipv4 checksums are computed whatever the field holds, and verified', (t) => {
  // The header of RFC 791-style textbooks: 4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7.
  const view = viewOf(bytesOf('45 00 00 73 00 00 40 00 40 11 b8 61 c0 a8 00 01 c0 a8 00 c7'), 1);
  t.true(ipv4.isChecksumValid(view, 1));
  t.is(ipv4.computeChecksum(view, 1), 0xb861);
  ipv4.setTimeToLive(view, 1, 63);
  t.false(ipv4.isChecksumValid(view, 1));
  ipv4.fillChecksum(view, 1);
  t.true(ipv4.isChecksumValid(view, 1));
  ipv4.swapAddresses(view, 1);
  t.true(ipv4.isChecksumValid(view, 1));
  t.is(ipv4.source(view, 1), parseIpv4('192.168.0.199'));
});

test('ipv4 fragments: DF alone is none, MF or an offset is', (t) => {
  const view = viewOf(PACKET4);
  t.false(ipv4.isFragment(view, 0));
  ipv4.setFragment(view, 0, ipv4.FLAG_MORE_FRAGMENTS, 0);
  t.true(ipv4.isFragment(view, 0));
  ipv4.setFragment(view, 0, 0, 65528);
  t.true(ipv4.isFragment(view, 0));
  t.is(ipv4.fragmentOffset(view, 0), 65528);
  t.is(ipv4.flags(view, 0), 0);
});

test('ipv4 options are walked within the header, length by length', (t) => {
  const view = viewOf(PACKET4);
  t.true(ipv4.areOptionsValid(view, 0));
  t.is(ipv4.findOption(view, 0, ipv4.OPTION_ROUTER_ALERT), 21);
  t.is(ipv4.findOption(view, 0, ipv4.OPTION_TIMESTAMP), -1);
  for (const length of [0, 1, 4, 255]) {
    view.setUint8(22, length);
    t.false(ipv4.areOptionsValid(view, 0), `length ${length}`);
    t.is(ipv4.findOption(view, 0, ipv4.OPTION_ROUTER_ALERT), -1);
  }
  view.setUint32(20, 0x0101_0194);
  t.false(ipv4.areOptionsValid(view, 0), 'no length at all');
  view.setUint32(20, 0x0094_ffff);
  t.true(ipv4.areOptionsValid(view, 0), 'whatever follows the end of the list');
  t.is(ipv4.findOption(view, 0, ipv4.OPTION_ROUTER_ALERT), -1);
});

test('ipv6.swapAddresses() turns a packet around', (t) => {
  const view = canaries(48);
  ipv6.encode(view, 5, 0, 0, 0, 59, 64, parseIpv6('2001:db8::1'), parseIpv6('2001:db8:ffff::8000:2'));
  const sum = checksum.pseudoHeaderIpv6(view, 5, 17, 8);
  ipv6.swapAddresses(view, 5);
  t.is(formatIpv6(ipv6.source(view, 5)), '2001:db8:ffff::8000:2');
  t.is(formatIpv6(ipv6.destination(view, 5)), '2001:db8::1');
  t.is(checksum.pseudoHeaderIpv6(view, 5, 17, 8), sum);
});

test('ipv6 setters of one word leave each other alone', (t) => {
  const view = canaries(40);
  ipv6.setClassAndFlow(view, 0, 0xb9, 0xfffff);
  ipv6.setFlowLabel(view, 0, 0x12345);
  t.deepEqual([ipv6.version(view, 0), ipv6.trafficClass(view, 0), ipv6.flowLabel(view, 0)], [6, 0xb9, 0x12345]);
  ipv6.setTrafficClass(view, 0, 0x47);
  t.deepEqual([ipv6.dscp(view, 0), ipv6.ecn(view, 0), ipv6.flowLabel(view, 0)], [0x11, 3, 0x12345]);
});

/** An IPv6 packet whose payload is the given bytes, at offset 2 of its view. */
function packet6(nextHeader: number, payload: string): { view: DataView; at: number; end: number } {
  const bytes = bytesOf(payload);
  const view = canaries(2 + 40 + bytes.length);
  ipv6.encode(view, 2, 0, 0, bytes.length, nextHeader, 64, parseIpv6('2001:db8::1'), parseIpv6('2001:db8::2'));
  for (const [i, byte] of bytes.entries()) view.setUint8(42 + i, byte);
  return { view, at: 2, end: view.byteLength };
}

const HBH = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AH = 51;
const OPTIONS = 60;

interface Walk {
  title: string;
  next: number;
  payload: string;
  /** Protocol and offset from the fixed header's end; whether a fragment, whether a later one. Null for malformed. */
  expected: [protocol: number, offset: number, isFragment: boolean, isLater: boolean] | null;
}

const WALKS: Walk[] = [
  { title: 'no extension header', next: 6, payload: '00', expected: [6, 0, false, false] },
  { title: 'no payload', next: 6, payload: '', expected: [6, 0, false, false] },
  { title: 'no next header', next: 59, payload: '00', expected: [59, 0, false, false] },
  { title: 'ESP, which is opaque', next: 50, payload: '11 00 00 00', expected: [50, 0, false, false] },
  { title: 'an unknown header', next: 253, payload: '11 00', expected: [253, 0, false, false] },
  {
    title: 'hop-by-hop, routing, authentication, destination options',
    next: HBH,
    payload: `2b 00 01 04 00 00 00 00
              33 00 00 00 00 00 00 00
              3c 04 00 00 00000001 00000002 aabbccdd eeff0011 22334455   # (4 + 2) * 4 bytes
              11 01 01 0c 00 00 00 00 00 00 00 00 00 00 00 00            # (1 + 1) * 8 bytes
              04 d2 00 35`,
    expected: [17, 56, false, false],
  },
  { title: 'a first fragment', next: FRAGMENT, payload: '11 00 00 01 00000007 04d2', expected: [17, 8, true, false] },
  { title: 'a later fragment', next: FRAGMENT, payload: '11 00 00 09 00000007 04d2', expected: [17, 8, true, true] },
  { title: 'the last fragment', next: FRAGMENT, payload: '3c 00 05 a8 00000007 ff', expected: [60, 8, true, true] },
  { title: 'an atomic fragment', next: FRAGMENT, payload: '11 00 00 00 00000007', expected: [17, 8, false, false] },
  {
    title: 'reserved bits of a fragment',
    next: FRAGMENT,
    payload: '11 ff 00 06 00000007',
    expected: [17, 8, false, false],
  },
  {
    title: 'destination options in a first fragment',
    next: FRAGMENT,
    payload: '3c 00 00 01 00000007  06 00 01 04 00000000',
    expected: [6, 16, true, false],
  },
  {
    title: 'a first fragment without its chain (RFC 7112)',
    next: FRAGMENT,
    payload: '3c 00 00 01 00000007 06',
    expected: null,
  },
  {
    title: 'hop-by-hop not first',
    next: OPTIONS,
    payload: '00 00 01 04 00000000  06 00 01 04 00000000',
    expected: null,
  },
  { title: 'hop-by-hop twice', next: HBH, payload: '00 00 01 04 00000000  06 00 01 04 00000000', expected: null },
  {
    title: 'two Fragment headers',
    next: FRAGMENT,
    payload: '2c 00 00 01 00000007  11 00 00 01 00000007',
    expected: null,
  },
  { title: 'a length beyond the end', next: ROUTING, payload: '06 01 00 00 00 00 00 00', expected: null },
  {
    title: 'an authentication header beyond the end',
    next: AH,
    payload: '06 04 00 00 00000001 00000002',
    expected: null,
  },
  {
    title: 'a length one byte beyond the end',
    next: ROUTING,
    payload: '06 01 00 00 00000000 00000000 000000',
    expected: null,
  },
  { title: 'a header cut short', next: ROUTING, payload: '06 00 00', expected: null },
  {
    title: 'eight extension headers',
    next: OPTIONS,
    payload: `${'3c 00 01 04 00000000'.repeat(7)} 06 00 01 04 00000000`,
    expected: [6, 64, false, false],
  },
  {
    title: 'nine extension headers',
    next: OPTIONS,
    payload: `${'3c 00 01 04 00000000'.repeat(8)} 06 00 01 04 00000000`,
    expected: null,
  },
];

for (const { title, next, payload, expected } of WALKS) {
  test(`ipv6.transport() meets ${title}${expected === null ? ' and calls it malformed' : ''}`, (t) => {
    const { view, at, end } = packet6(next, payload);
    t.true(ipv6.isValid(view, at, end));
    const found = ipv6.transport(view, at, end);
    if (expected === null) {
      t.is(found, ipv6.TRANSPORT_MALFORMED);
      return;
    }
    const [protocol, offset, isFragment, isLater] = expected;
    t.is(ipv6.transportProtocol(found), protocol);
    t.is(ipv6.transportOffset(found), ipv6.HEADER_BYTES + offset);
    t.is(ipv6.isFragment(found), isFragment);
    t.is(ipv6.isLaterFragment(found), isLater);
  });
}

test('ipv6.transport() stops where the payload length says, and where the bytes end', (t) => {
  const { view, at, end } = packet6(OPTIONS, '06 00 01 04 00000000  04d20035');
  t.is(ipv6.transportProtocol(ipv6.transport(view, at, end)), 6);
  for (let cut = at + ipv6.HEADER_BYTES; cut < at + ipv6.HEADER_BYTES + 8; cut++) {
    t.is(ipv6.transport(view, at, cut), ipv6.TRANSPORT_MALFORMED);
  }
  ipv6.setPayloadLength(view, at, 7);
  t.is(ipv6.transport(view, at, end), ipv6.TRANSPORT_MALFORMED);
});

test('ipv6 Fragment headers are found and read', (t) => {
  const { view, at, end } = packet6(HBH, '2c 00 01 04 00000000  11 00 05 a9 80000007  ff');
  const fragmentAt = ipv6.fragmentHeaderAt(view, at, end);
  t.is(fragmentAt, at + 48);
  t.is(ipv6.fragmentOffset(view, fragmentAt), 1448);
  t.true(ipv6.hasMoreFragments(view, fragmentAt));
  t.is(ipv6.fragmentIdentification(view, fragmentAt), 0x8000_0007);
  const whole = packet6(HBH, '11 00 01 04 00000000  04d2');
  t.is(ipv6.fragmentHeaderAt(whole.view, whole.at, whole.end), -1);
});

test('ipv6.transport() answers within the packet or not at all, for any bytes', (t) => {
  const kinds = fc.constantFrom(HBH, ROUTING, FRAGMENT, AH, OPTIONS, 6, 0x10);
  fc.assert(
    fc.property(kinds, fc.array(fc.oneof(kinds, fc.constantFrom(0, 1, 2)), { maxLength: 100 }), (next, bytes) => {
      const view = canaries(40 + bytes.length);
      ipv6.encode(view, 0, 0, 0, bytes.length, next, 64, parseIpv6('::1'), parseIpv6('::2'));
      for (const [i, byte] of bytes.entries()) view.setUint8(40 + i, byte);
      const found = ipv6.transport(view, 0, view.byteLength);
      const fragmentAt = ipv6.fragmentHeaderAt(view, 0, view.byteLength);
      if (fragmentAt !== -1 && (fragmentAt < 40 || fragmentAt + 8 > view.byteLength)) return false;
      return found === -1 || (ipv6.transportOffset(found) >= 40 && ipv6.transportOffset(found) <= view.byteLength);
    }),
    { numRuns: 2000 },
  );
  t.pass();
});
