import test from 'ava';
import fc from 'fast-check';
import { ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, NO_FLOW, flowHash, parseIpv6 } from '../../header/index.ts';
import * as ipv4 from '../../header/ipv4.ts';
import * as ipv6 from '../../header/ipv6.ts';
import { bytesOf, canaries, ipv6Bytes, u16, u32, u8 } from './_support.ts';

const AT = 6;

interface Flow4 {
  source: number;
  destination: number;
  protocol: number;
  sourcePort: number;
  destinationPort: number;
}

function hash4(flow: Flow4, flags = ipv4.FLAG_DONT_FRAGMENT, fragmentOffset = 0, end = AT + 28): number {
  const view = canaries(AT + 28);
  ipv4.encode(view, AT, 28, 0, 64, flow.protocol, flow.source, flow.destination);
  ipv4.setFragment(view, AT, flags, fragmentOffset);
  view.setUint16(AT + 20, flow.sourcePort);
  view.setUint16(AT + 22, flow.destinationPort);
  return flowHash(view, AT, end, ETHERTYPE_IPV4);
}

function hash6(source: Uint8Array, destination: Uint8Array, next: number, payload: string): number {
  const bytes = bytesOf(payload);
  const view = canaries(AT + 40 + bytes.length);
  ipv6.encode(view, AT, 0, 0, bytes.length, next, 64, source, destination);
  for (const [i, byte] of bytes.entries()) view.setUint8(AT + 40 + i, byte);
  return flowHash(view, AT, view.byteLength, ETHERTYPE_IPV6);
}

const back = (flow: Flow4): Flow4 => ({
  source: flow.destination,
  destination: flow.source,
  protocol: flow.protocol,
  sourcePort: flow.destinationPort,
  destinationPort: flow.sourcePort,
});

const FLOW: Flow4 = {
  source: 0xc000_0201,
  destination: 0xc000_0202,
  protocol: 6,
  sourcePort: 1234,
  destinationPort: 80,
};
const A = parseIpv6('2001:db8::1');
const B = parseIpv6('2001:db8::2');

test('flowHash() of both directions is the same non-zero u32 over IPv4', (t) => {
  const flows = fc.record({ source: u32, destination: u32, protocol: u8, sourcePort: u16, destinationPort: u16 });
  fc.assert(
    fc.property(flows, (flow) => {
      const hash = hash4(flow);
      return hash === hash4(back(flow)) && hash > 0 && hash === hash >>> 0;
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('flowHash() of both directions is the same non-zero u32 over IPv6', (t) => {
  const port = (value: number): string => value.toString(16).padStart(4, '0');
  fc.assert(
    fc.property(ipv6Bytes, ipv6Bytes, fc.constantFrom(6, 17, 58, 50), u16, u16, (source, destination, next, p, q) => {
      const hash = hash6(source, destination, next, `${port(p)} ${port(q)}`);
      return hash === hash6(destination, source, next, `${port(q)} ${port(p)}`) && hash > 0 && hash === hash >>> 0;
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('flowHash() tells ports, protocols and crossed ports apart', (t) => {
  const hashes = [
    hash4(FLOW),
    hash4({ ...FLOW, sourcePort: 1235 }),
    hash4({ ...FLOW, protocol: 17 }),
    hash4({ ...FLOW, protocol: 132 }),
    hash4({ ...FLOW, sourcePort: 80, destinationPort: 1234 }),
    hash4({ ...FLOW, source: FLOW.source - 1, destination: FLOW.destination + 1 }),
  ];
  t.is(new Set(hashes).size, hashes.length);
});

test('flowHash() of ICMP, ESP and the unknown goes by addresses', (t) => {
  const expected = hash4({ ...FLOW, protocol: 1 });
  for (const protocol of [1, 50, 253]) t.is(hash4({ ...FLOW, protocol, sourcePort: 7 }), expected);
  t.is(hash6(A, B, 58, '80000000'), hash6(A, B, 50, 'ffffffff'));
});

test('flowHash() of all fragments of a packet is that of their addresses', (t) => {
  const expected = hash4({ ...FLOW, protocol: 1 });
  t.is(hash4(FLOW, ipv4.FLAG_MORE_FRAGMENTS, 0), expected);
  t.is(hash4({ ...FLOW, sourcePort: 9 }, ipv4.FLAG_MORE_FRAGMENTS, 1480), expected);
  t.is(hash4({ ...FLOW, sourcePort: 10 }, 0, 2960), expected);
  const first = hash6(A, B, 44, '11 00 00 01 00000007  04d2 0035 0100 0000');
  t.is(first, hash6(A, B, 44, '11 00 00 09 00000007  ffff ffff'));
  t.is(first, hash6(A, B, 58, '80000000'));
});

test('flowHash() walks extension headers, and does without where they are malformed', (t) => {
  const plain = hash6(A, B, 17, '04d2 0035 0008 0000');
  t.is(hash6(A, B, 0, '3c 00 01 04 00000000  11 00 01 04 00000000  04d2 0035 0008 0000'), plain);
  t.is(hash6(A, B, 44, '11 00 00 00 00000007  04d2 0035 0008 0000'), plain);
  t.is(hash6(A, B, 60, '11 ff 01 04 00000000'), hash6(A, B, 58, '80000000'));
});

test('flowHash() has no hash for what is not IP or has no whole header', (t) => {
  const view = canaries(64);
  t.is(flowHash(view, 0, 64, ETHERTYPE_ARP), NO_FLOW);
  t.is(flowHash(view, 0, 19, ETHERTYPE_IPV4), NO_FLOW);
  t.is(flowHash(view, 0, 39, ETHERTYPE_IPV6), NO_FLOW);
  view.setUint8(0, 0x44);
  t.is(flowHash(view, 0, 64, ETHERTYPE_IPV4), NO_FLOW);
});

test('flowHash() goes by addresses where the ports are cut off', (t) => {
  t.is(hash4(FLOW, 0, 0, AT + 23), hash4({ ...FLOW, protocol: 1 }));
  t.not(hash4(FLOW, 0, 0, AT + 24), hash4({ ...FLOW, protocol: 1 }));
});

test('flowHash() spreads neighbouring flows evenly over few queues', (t) => {
  const queues = new Array<number>(8).fill(0);
  const seen = new Set<number>();
  for (let host = 0; host < 16; host++) {
    for (let port = 0; port < 512; port++) {
      const hash = hash4({ ...FLOW, source: 0xc000_0200 + host, sourcePort: 32768 + port });
      queues[hash % queues.length]! += 1;
      seen.add(hash);
    }
  }
  // 8,192 flows: 1,024 a queue, give or take 30 (one standard deviation); a collision of 32-bit hashes is unlikely.
  for (const count of queues) t.true(count > 850 && count < 1200, String(queues));
  t.true(seen.size >= 8190);
});

test('flowHash() never throws, whatever the bytes', (t) => {
  const etherType = fc.constantFrom(ETHERTYPE_IPV4, ETHERTYPE_IPV6);
  const version = fc.constantFrom(0x45, 0x4f, 0x60);
  fc.assert(
    fc.property(etherType, version, fc.uint8Array({ maxLength: 90 }), (type, first, bytes) => {
      const view = new DataView(Uint8Array.of(first, ...bytes).buffer);
      return Number.isInteger(flowHash(view, 0, view.byteLength, type));
    }),
    { numRuns: 1000 },
  );
  t.pass();
});
