import test from 'ava';
import fc from 'fast-check';
import { ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, formatFrame, formatPacket } from '../../header/index.ts';
import { bytesOf, viewOf } from './_support.ts';

const ETHERNET = '02 00 00 00 00 02  02 00 00 00 00 01';
const ADDRESSES4 = 'c0 00 02 01 c0 00 02 02';
const ADDRESSES6 = '20010db8000000000000000000000001 20010db8000000000000000000000002';

const PACKETS: [line: string, etherType: number, bytes: string][] = [
  [
    'IP 192.0.2.1.1234 > 192.0.2.2.53: UDP, length 2',
    ETHERTYPE_IPV4,
    `45 00 00 1e 00 00 40 00 40 11 00 00 ${ADDRESSES4}  04d2 0035 000a 0000 abcd`,
  ],
  [
    'IP 192.0.2.1.1234 > 192.0.2.2.80: Flags [S], seq 1, win 64240, options [mss 1460], length 0',
    ETHERTYPE_IPV4,
    `45 00 00 2c 00 00 40 00 40 06 00 00 ${ADDRESSES4}  04d2 0050 00000001 00000000 6002 faf0 0000 0000 020405b4`,
  ],
  [
    'IP 192.0.2.1 > 192.0.2.2: ICMP echo request, id 1, seq 2, length 8',
    ETHERTYPE_IPV4,
    `45 00 00 1c 00 00 40 00 40 01 00 00 ${ADDRESSES4}  0800 0000 0001 0002`,
  ],
  [
    'IP 192.0.2.1 > 192.0.2.2: protocol 253, length 1',
    ETHERTYPE_IPV4,
    `45 00 00 15 00 00 40 00 40 fd 00 00 ${ADDRESSES4}  ff`,
  ],
  [
    'IP 192.0.2.1 > 192.0.2.2: (frag 7:1480+) UDP, length 8',
    ETHERTYPE_IPV4,
    `45 00 00 1c 00 07 20 b9 40 11 00 00 ${ADDRESSES4}  04d2 0035 0008 0000`,
  ],
  ['IP 192.0.2.1 > 192.0.2.2: [|UDP]', ETHERTYPE_IPV4, `45 00 00 15 00 00 40 00 40 11 00 00 ${ADDRESSES4}  04`],
  ['[|IP]', ETHERTYPE_IPV4, `45 00 00 ff 00 00 40 00 40 11 00 00 ${ADDRESSES4}`],
  [
    'IP6 2001:db8::1.1234 > 2001:db8::2.53: UDP, length 0',
    ETHERTYPE_IPV6,
    `60000000 0008 11 40 ${ADDRESSES6}  04d2 0035 0008 0000`,
  ],
  [
    'IP6 2001:db8::1 > 2001:db8::2: (frag 7:1448+) TCP, length 2',
    ETHERTYPE_IPV6,
    `60000000 000a 2c 40 ${ADDRESSES6}  06 00 05a9 00000007 ffff`,
  ],
  [
    'IP6 2001:db8::1 > 2001:db8::2: ICMP6, neighbor solicitation, who has 2001:db8::2, length 24',
    ETHERTYPE_IPV6,
    `60000000 0018 3a ff ${ADDRESSES6}  87000000 00000000 20010db8000000000000000000000002`,
  ],
  [
    'IP6 2001:db8::1 > 2001:db8::2: ICMP6, echo reply, id 1, seq 2, length 8',
    ETHERTYPE_IPV6,
    `60000000 0008 3a ff ${ADDRESSES6}  81000000 00010002`,
  ],
  [
    'IP6 2001:db8::1 > 2001:db8::2: hop-by-hop options, hlim 64, length 4 [|extension headers]',
    ETHERTYPE_IPV6,
    `60000000 0004 00 40 ${ADDRESSES6}  06000000`,
  ],
  ['[|ARP]', ETHERTYPE_ARP, '0001'],
  ['802.1Q, length 4', 0x8100, '00010800'],
];

for (const [line, etherType, text] of PACKETS) {
  test(`formatPacket() prints "${line}"`, (t) => {
    const bytes = bytesOf(text);
    t.is(formatPacket(viewOf(bytes, 5), 5, 5 + bytes.length, etherType), line);
  });

  test(`formatPacket() of no prefix throws: "${line}"`, (t) => {
    const bytes = bytesOf(text);
    for (let length = 0; length < bytes.length; length++) {
      t.notThrows(() => formatPacket(viewOf(bytes.slice(0, length)), 0, length, etherType));
    }
  });
}

test('formatFrame() prints the addresses in front of the packet', (t) => {
  const bytes = bytesOf(`${ETHERNET} 0806  0001 0800 06 04 0001 020000000001 c0000201 000000000000 c0000202`);
  t.is(
    formatFrame(viewOf(bytes), 0, bytes.length),
    '02:00:00:00:00:01 > 02:00:00:00:00:02, ARP, length 42: ARP, Request who-has 192.0.2.2 tell 192.0.2.1, length 28',
  );
  t.is(formatFrame(viewOf(bytes), 0, 13), '[|Ethernet]');
});

test('formatFrame() never throws, whatever the bytes', (t) => {
  const etherTypes = fc.constantFrom('0800', '0806', '86dd', '0101', '8100');
  const starts = fc.constantFrom('45', '4f', '60', ...PACKETS.map(([, , text]) => text));
  fc.assert(
    fc.property(etherTypes, starts, fc.uint8Array({ maxLength: 100 }), fc.nat(), (etherType, start, noise, keep) => {
      const head = bytesOf(start);
      const kept = head.slice(0, 1 + (keep % head.length));
      const bytes = Uint8Array.of(...bytesOf(ETHERNET + etherType), ...kept, ...noise);
      return typeof formatFrame(viewOf(bytes), 0, bytes.length) === 'string';
    }),
    { numRuns: 2000 },
  );
  t.pass();
});
