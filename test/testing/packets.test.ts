import test from 'ava';
import { formatFrame } from '../../header/format.ts';
import { completeChecksum } from '../../gso/request-offload.ts';
import * as checksum from '../../header/checksum.ts';
import * as icmpv4 from '../../header/icmpv4.ts';
import * as icmpv6 from '../../header/icmpv6.ts';
import * as ipv4 from '../../header/ipv4.ts';
import * as ipv6 from '../../header/ipv6.ts';
import { PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP } from '../../header/protocol.ts';
import * as tcp from '../../header/tcp.ts';
import * as udp from '../../header/udp.ts';
import {
  arpRequest,
  ethernetFrame,
  icmpEcho,
  icmpv6Echo,
  ipv4Udp,
  ipv6Udp,
  packetFrom,
  patternBytes,
  tcpSegment,
} from '../../testing/index.ts';

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
/** What tcpdump would print, without the link header. */
const lineOf = (frame: Uint8Array): string =>
  formatFrame(viewOf(frame), 0, frame.length).replace(/^.*?length \d+: /, '');

test('builders make valid packets from nothing', (t) => {
  const packets = [ipv4Udp(), ipv6Udp(), tcpSegment(), icmpEcho(), icmpv6Echo(), arpRequest()];
  t.deepEqual(
    packets.map((packet) => lineOf(ethernetFrame(packet))),
    [
      'IP 192.0.2.1.1234 > 192.0.2.2.7: UDP, length 0',
      'IP6 2001:db8::1.1234 > 2001:db8::2.7: UDP, length 0',
      'IP 192.0.2.1.1234 > 192.0.2.2.7: Flags [.], seq 1, ack 1, win 65535, length 0',
      'IP 192.0.2.1 > 192.0.2.2: ICMP echo request, id 1, seq 1, length 8',
      'IP6 2001:db8::1 > 2001:db8::2: ICMP6, echo request, id 1, seq 1, length 8',
      'ARP, Request who-has 192.0.2.2 tell 192.0.2.1, length 28',
    ],
  );
});

test('every checksum is right, for odd payloads, too', (t) => {
  for (const payload of [patternBytes(0), patternBytes(33), patternBytes(1400)]) {
    const v4 = ipv4Udp({ payload });
    t.true(ipv4.isChecksumValid(viewOf(v4), 0));
    const sum4 = checksum.pseudoHeaderIpv4(viewOf(v4), 0, PROTOCOL_UDP, v4.length - 20);
    t.true(udp.isChecksumValid(viewOf(v4), 20, v4.length, sum4));
    const v6 = ipv6Udp({ payload });
    const sum6 = checksum.pseudoHeaderIpv6(viewOf(v6), 0, PROTOCOL_UDP, v6.length - 40);
    t.true(udp.isChecksumValid(viewOf(v6), 40, v6.length, sum6));
    const segment = tcpSegment({ payload });
    const sumTcp = checksum.pseudoHeaderIpv4(viewOf(segment), 0, PROTOCOL_TCP, segment.length - 20);
    t.true(tcp.isChecksumValid(viewOf(segment), 20, segment.length, sumTcp));
    const echo4 = icmpEcho({ payload });
    t.true(icmpv4.isChecksumValid(viewOf(echo4), 20, echo4.length));
    const echo6 = icmpv6Echo({ payload });
    const sumEcho = checksum.pseudoHeaderIpv6(viewOf(echo6), 0, PROTOCOL_ICMPV6, echo6.length - 40);
    t.true(icmpv6.isChecksumValid(viewOf(echo6), 40, echo6.length, sumEcho));
  }
});

test('options say who, where and what', (t) => {
  const addresses = { source: '2001:db8::7', destination: '2001:db8::8' };
  const packet = ipv6Udp({ ...addresses, sourcePort: 53, hopLimit: 3, payload: [1, 2] });
  t.is(ipv6.hopLimit(viewOf(packet), 0), 3);
  const links = { source: '02:00:00:00:00:01', destination: 0x0200_0000_0002 };
  const frame = ethernetFrame(packet, { ...links, etherType: 0x86dd });
  t.is(lineOf(frame), 'IP6 2001:db8::7.53 > 2001:db8::8.7: UDP, length 2');
  t.deepEqual([...frame.subarray(0, 14)], [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd]);
  const reply = lineOf(ethernetFrame(icmpEcho({ isReply: true })));
  t.is(reply, 'IP 192.0.2.1 > 192.0.2.2: ICMP echo reply, id 1, seq 1, length 8');
  t.true(lineOf(ethernetFrame(tcpSegment({ source: '2001:db8::1' }))).startsWith('IP6 '));
});

test('packetFrom() makes a packet in private memory, with headroom and protocol', (t) => {
  const bytes = ethernetFrame(ipv4Udp());
  const packet = packetFrom(bytes, 14);
  bytes.fill(0);
  t.deepEqual(packet.copyBytes(), ethernetFrame(ipv4Udp()));
  t.deepEqual(packet.copyNetworkBytes(), ipv4Udp());
  t.is(packet.linkOffset, packet.start);
  t.is(packet.start - packet.base, 128);
  t.is(packet.egress.protocol, 0x0800);
  t.is(packetFrom(arpRequest()).egress.protocol, 0x0806);
  completeChecksum(packet); // none is missing
  t.deepEqual(packet.copyNetworkBytes(), ipv4Udp());
});
