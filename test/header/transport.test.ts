import test from 'ava';
import * as arp from '../../header/arp.ts';
import { NO_LINK_ADDRESS, PROTOCOL_ICMPV6, parseIpv4, parseIpv6 } from '../../header/index.ts';
import * as checksum from '../../header/checksum.ts';
import * as icmpv4 from '../../header/icmpv4.ts';
import * as icmpv6 from '../../header/icmpv6.ts';
import * as ipv6 from '../../header/ipv6.ts';
import * as ndp from '../../header/ndp.ts';
import * as tcp from '../../header/tcp.ts';
import * as udp from '../../header/udp.ts';
import { bytesOf, canaries, isUntouchedOutside, slice, viewOf } from './_support.ts';

const LINK = 0x0200_0000_0001;

test('arp.request() and arp.reply() are each other with the roles exchanged', (t) => {
  const view = canaries(64);
  t.is(arp.request(view, 2, LINK, parseIpv4('192.0.2.1'), parseIpv4('192.0.2.2')), 28);
  t.is(arp.format(view, 2, 30), 'ARP, Request who-has 192.0.2.2 tell 192.0.2.1, length 28');
  t.is(arp.targetLinkAddress(view, 2), 0);
  t.true(isUntouchedOutside(view, 2, 30));
  arp.replyInPlace(view, 2, 0x0200_0000_0002);
  arp.reply(view, 34, 0x0200_0000_0002, parseIpv4('192.0.2.2'), LINK, parseIpv4('192.0.2.1'));
  t.deepEqual(slice(view, 2, 30), slice(view, 34, 62));
});

test('arp.gratuitous() announces an address the way announcers and the kernel do', (t) => {
  const view = canaries(28);
  const golden = (target: string): Uint8Array =>
    bytesOf(`0001 0800 06 04 0001  02 00 00 00 00 01  c0 00 02 01  ${target}  c0 00 02 01`);
  t.is(arp.gratuitous(view, 0, LINK, parseIpv4('192.0.2.1')), 28);
  t.deepEqual(slice(view, 0, 28), golden('ff ff ff ff ff ff'));
  t.true(arp.isGratuitous(view, 0));
  t.is(arp.gratuitous(view, 0, LINK, parseIpv4('192.0.2.1'), { thaZero: true }), 28);
  t.deepEqual(slice(view, 0, 28), golden('00 00 00 00 00 00'));
});

test('arp.isValid() refuses other hardware, protocols and lengths', (t) => {
  for (const at of [0, 1, 2, 3, 4, 5]) {
    const view = canaries(28);
    arp.request(view, 0, LINK, 1, 2);
    view.setUint8(at, view.getUint8(at) ^ 0x10);
    t.false(arp.isValid(view, 0, 28), `byte ${at}`);
  }
});

test('icmpv4.echoReplyInPlace() keeps the checksum right', (t) => {
  for (const data of ['', '00', 'ff ff ff ff', '61 62 63 64 65']) {
    const bytes = bytesOf(`08 00 00 00 00 01 00 02 ${data}`);
    const view = viewOf(bytes, 1);
    const end = 1 + bytes.length;
    icmpv4.fillChecksum(view, 1, end);
    t.true(icmpv4.isChecksumValid(view, 1, end));
    icmpv4.echoReplyInPlace(view, 1);
    t.is(icmpv4.type(view, 1), icmpv4.TYPE_ECHO_REPLY);
    t.true(icmpv4.isChecksumValid(view, 1, end));
    t.is(icmpv4.checksum(view, 1), icmpv4.computeChecksum(view, 1, end));
  }
});

test('icmpv6.echoReplyInPlace() and exchanged addresses keep the checksum right', (t) => {
  const view = canaries(53);
  ipv6.encode(view, 0, 0, 0, 13, PROTOCOL_ICMPV6, 64, parseIpv6('2001:db8::1'), parseIpv6('2001:db8::2'));
  icmpv6.emit({ type: 128, code: 0, checksum: 0, identifier: 7, sequence: 1 }, view, 40);
  icmpv6.fillChecksum(view, 40, 53, checksum.pseudoHeaderIpv6(view, 0, PROTOCOL_ICMPV6, 13));
  ipv6.swapAddresses(view, 0);
  icmpv6.echoReplyInPlace(view, 40);
  const pseudo = checksum.pseudoHeader(parseIpv6('2001:db8::2'), parseIpv6('2001:db8::1'), PROTOCOL_ICMPV6, 13);
  t.is(icmpv6.type(view, 40), icmpv6.TYPE_ECHO_REPLY);
  t.true(icmpv6.isChecksumValid(view, 40, 53, pseudo));
  t.is(icmpv6.checksum(view, 40), icmpv6.computeChecksum(view, 40, 53, pseudo));
});

test('setMtu() and mtu() agree in both ICMPs', (t) => {
  const view = canaries(8);
  icmpv4.setMtu(view, 0, 1400);
  t.is(icmpv4.mtu(view, 0), 1400);
  t.is(icmpv4.identifier(view, 0), 0);
  icmpv6.setMtu(view, 0, 70_000);
  t.is(icmpv6.mtu(view, 0), 70_000);
});

test('udp.computeChecksum() is ffff where the sum comes out as zero', (t) => {
  const view = canaries(10);
  udp.encode(view, 0, 0, 0, 2);
  view.setUint16(8, 0xffff - 10 - 10 - 17);
  udp.fillChecksum(view, 0, 10, 17 + 10);
  t.is(udp.checksum(view, 0), 0xffff);
  t.true(udp.isChecksumValid(view, 0, 10, 17 + 10));
  udp.setChecksum(view, 0, udp.NO_CHECKSUM);
  t.false(udp.isChecksumValid(view, 0, 10, 17 + 10));
});

test('udp.swapPorts() turns a datagram around', (t) => {
  const view = canaries(8);
  udp.encode(view, 0, 1234, 53, 0);
  udp.swapPorts(view, 0);
  t.deepEqual([udp.sourcePort(view, 0), udp.destinationPort(view, 0)], [53, 1234]);
});

test('udp.isValid() refuses lengths that lie', (t) => {
  const view = canaries(16);
  udp.encode(view, 0, 1, 2, 8);
  for (const [length, isValid] of [[0, false], [7, false], [8, true], [16, true], [17, false]] as const) {
    udp.setLength(view, 0, length);
    t.is(udp.isValid(view, 0, 16), isValid, `length ${length}`);
  }
});

test('tcp.isValid() refuses data offsets that lie', (t) => {
  const view = canaries(24);
  for (let words = 0; words < 16; words++) {
    tcp.setHeaderBytes(view, 0, words * 4);
    t.is(tcp.isValid(view, 0, 24), words === 5 || words === 6, `offset ${words}`);
  }
});

test('tcp checksums are computed whatever the field holds', (t) => {
  const view = canaries(43);
  const pseudo = checksum.pseudoHeader(parseIpv4('192.0.2.1'), parseIpv4('192.0.2.2'), 6, 40);
  tcp.setHeaderBytes(view, 3, 20);
  tcp.fillChecksum(view, 3, 43, pseudo);
  const once = tcp.checksum(view, 3);
  tcp.fillChecksum(view, 3, 43, pseudo);
  t.is(tcp.checksum(view, 3), once);
  t.true(tcp.isChecksumValid(view, 3, 43, pseudo));
});

/** A TCP header with these options. */
function withOptions(text: string): DataView {
  const options = bytesOf(text);
  const view = canaries(20 + options.length);
  for (const [i, byte] of options.entries()) view.setUint8(20 + i, byte);
  tcp.setHeaderBytes(view, 0, 20 + options.length);
  return view;
}

test('tcp options of another length than theirs are not there', (t) => {
  const good = withOptions('02 04 05 b4   03 03 0e 01   04 02 01 01   01 01 08 0a ffffffff 00000001');
  t.is(tcp.mss(good, 0), 1460);
  t.is(tcp.windowScale(good, 0), 14);
  t.true(tcp.isSackPermitted(good, 0));
  t.is(tcp.timestampValue(good, 0), 0xffff_ffff);
  t.is(tcp.timestampEcho(good, 0), 1);
  const bad = withOptions('02 03 05   03 02   04 03 00   08 06 00000000 00 00');
  t.true(tcp.areOptionsValid(bad, 0));
  t.is(tcp.mss(bad, 0), -1);
  t.is(tcp.windowScale(bad, 0), -1);
  t.false(tcp.isSackPermitted(bad, 0));
  t.is(tcp.timestampValue(bad, 0), -1);
});

test('tcp options end at a malformed one, at the end of the list, and at the header', (t) => {
  for (const text of ['01 01 01 02', '02 00 05 b4', '02 01 01 01', '02 05 05 b4', 'fd ff 02 04']) {
    const view = withOptions(text);
    t.false(tcp.areOptionsValid(view, 0), text);
    t.is(tcp.mss(view, 0), -1, text);
    t.notThrows(() => tcp.format(view, 0, view.byteLength));
  }
  const ended = withOptions('00 00 00 00   02 04 05 b4');
  t.true(tcp.areOptionsValid(ended, 0));
  t.is(tcp.mss(ended, 0), -1);
});

test('ndp.unsolicitedAdvertisement() is an override of 32 bytes', (t) => {
  const view = canaries(40);
  t.is(ndp.unsolicitedAdvertisement(view, 4, parseIpv6('2001:db8::1'), LINK), 32);
  const expected = `88 00 00 00  20 00 00 00  2001 0db8 0000 0000 0000 0000 0000 0001  02 01 02 00 00 00 00 01`;
  t.deepEqual(slice(view, 4, 36), bytesOf(expected));
  t.true(isUntouchedOutside(view, 4, 36));
  t.deepEqual(
    [ndp.isRouter(view, 4), ndp.isSolicited(view, 4), ndp.isOverride(view, 4), ndp.flags(view, 4)],
    [false, false, true, 0x2000_0000],
  );
  t.is(ndp.targetLinkAddress(view, 4, 36), LINK);
  t.is(ndp.sourceLinkAddress(view, 4, 36), NO_LINK_ADDRESS);
  ndp.setFlags(view, 4, ndp.FLAG_ROUTER);
  t.true(ndp.isRouter(view, 4));
});

test('ndp options of length zero, or that do not fill the message, make it malformed', (t) => {
  const view = canaries(40);
  const end = ndp.neighborSolicitation(view, 0, parseIpv6('2001:db8::1'), LINK);
  t.true(ndp.isValid(view, 0, end));
  for (let cut = 0; cut < end; cut++) t.is(ndp.isValid(view, 0, cut), cut === 24, `${cut} bytes`);
  for (const length of [0, 2, 255]) {
    view.setUint8(25, length);
    t.false(ndp.isValid(view, 0, end), `length ${length}`);
    t.is(ndp.findOption(view, 0, end, 1), -1);
    t.is(ndp.sourceLinkAddress(view, 0, end), NO_LINK_ADDRESS);
  }
});

test('a link-layer address option that is not of Ethernet is no link address', (t) => {
  const view = canaries(40);
  ndp.neighborSolicitation(view, 0, parseIpv6('2001:db8::1'), LINK);
  view.setUint8(25, 2);
  t.true(ndp.isValid(view, 0, 40));
  t.is(ndp.findOption(view, 0, 40, ndp.OPTION_SOURCE_LINK_ADDRESS), 24);
  t.is(ndp.sourceLinkAddress(view, 0, 40), NO_LINK_ADDRESS);
});

/** An IPv6 header at 0 and a message at 40; what each rule of RFC 4861 is asked about. */
function message(options: {
  value: ndp.Ndp;
  source?: string;
  destination?: string;
  hopLimit?: number;
}): [view: DataView, ipAt: number, at: number, end: number] {
  const view = canaries(100);
  const bytes = ndp.emit(options.value, view, 40);
  const source = parseIpv6(options.source ?? 'fe80::1');
  const destination = parseIpv6(options.destination ?? 'fe80::2');
  ipv6.encode(view, 0, 0, 0, bytes, PROTOCOL_ICMPV6, options.hopLimit ?? 255, source, destination);
  return [view, 0, 40, 40 + bytes];
}

const target = parseIpv6('2001:db8::1');
const solicitation: ndp.Ndp = { kind: 'neighbor-solicitation', target, sourceLinkAddress: LINK };
const probe: ndp.Ndp = { kind: 'neighbor-solicitation', target, sourceLinkAddress: null };
const group: ndp.Ndp = { ...probe, target: parseIpv6('ff02::1') };
const solicited: ndp.Ndp = {
  kind: 'neighbor-advertisement',
  flags: ndp.FLAG_SOLICITED,
  target,
  targetLinkAddress: LINK,
};
const routerAdvertisement: ndp.Ndp = {
  kind: 'router-advertisement',
  hopLimit: 64,
  flags: 0,
  lifetimeSeconds: 1,
  reachableMilliseconds: 0,
  retransmissionMilliseconds: 0,
  sourceLinkAddress: LINK,
};

test('isValidNeighborSolicitation() keeps the rules of RFC 4861 section 7.1.1', (t) => {
  const isValid = (options: Parameters<typeof message>[0]): boolean =>
    ndp.isValidNeighborSolicitation(...message(options));
  t.true(isValid({ value: solicitation }));
  t.false(isValid({ value: solicitation, hopLimit: 254 }));
  t.false(isValid({ value: group }));
  t.false(isValid({ value: solicited }));
  t.true(isValid({ value: probe, source: '::', destination: 'ff02::1:ff00:1' }));
  t.false(isValid({ value: probe, source: '::', destination: 'ff02::1' }));
  t.false(isValid({ value: probe, source: '::', destination: 'ff02::1:fe00:1' }));
  t.false(isValid({ value: solicitation, source: '::', destination: 'ff02::1:ff00:1' }));
  const [view, ipAt, at, end] = message({ value: solicitation });
  icmpv6.setCode(view, at, 1);
  t.false(ndp.isValidNeighborSolicitation(view, ipAt, at, end));
});

test('isValidNeighborAdvertisement() keeps the rules of RFC 4861 section 7.1.2', (t) => {
  const isValid = (options: Parameters<typeof message>[0]): boolean =>
    ndp.isValidNeighborAdvertisement(...message(options));
  t.true(isValid({ value: solicited }));
  t.false(isValid({ value: solicited, destination: 'ff02::1' }));
  t.true(isValid({ value: { ...solicited, flags: ndp.FLAG_OVERRIDE }, destination: 'ff02::1' }));
  t.false(isValid({ value: solicited, hopLimit: 64 }));
  t.false(isValid({ value: { ...solicited, target: parseIpv6('ff02::1') } }));
  t.false(isValid({ value: solicitation }));
});

test('the router messages keep the rules of RFC 4861 section 6.1', (t) => {
  const routerSolicitation: ndp.Ndp = { kind: 'router-solicitation', sourceLinkAddress: LINK };
  t.true(ndp.isValidRouterSolicitation(...message({ value: routerSolicitation })));
  t.false(ndp.isValidRouterSolicitation(...message({ value: routerSolicitation, source: '::' })));
  const bare: ndp.Ndp = { kind: 'router-solicitation', sourceLinkAddress: null };
  t.true(ndp.isValidRouterSolicitation(...message({ value: bare, source: '::' })));
  t.true(ndp.isValidRouterAdvertisement(...message({ value: routerAdvertisement })));
  t.false(ndp.isValidRouterAdvertisement(...message({ value: routerAdvertisement, source: '2001:db8::1' })));
  t.false(ndp.isValidRouterAdvertisement(...message({ value: routerAdvertisement, hopLimit: 1 })));
});
