import test from 'ava';

import { ECHO_PORT, OURS, THEIRS } from '../../cli/demo-addresses.ts';
import { answerInPlace } from '../../cli/demo-answers.ts';
import { readReply } from '../../cli/demo-peer-replies.ts';
import { ipv6MulticastLinkAddress, LINK_BROADCAST, parseIpv6, solicitedNodeMulticast } from '../../header/address.ts';
import * as arp from '../../header/arp.ts';
import * as ethernet from '../../header/ethernet.ts';
import * as icmpv4 from '../../header/icmpv4.ts';
import * as ipv4 from '../../header/ipv4.ts';
import * as ndp from '../../header/ndp.ts';
import { PROTOCOL_ICMPV4, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP } from '../../header/protocol.ts';
import { buildIpFrame } from '../../header/send-ip.ts';
import * as tcp from '../../header/tcp.ts';
import * as udp from '../../header/udp.ts';
import { parseEthernetHeader } from '../../link/link-header.ts';
import { PacketBuffer } from '../../stack/packet-buffer.ts';

/** A packet as an Ethernet endpoint lends it. */
function lentPacket(frame: Uint8Array): PacketBuffer {
  const bytes = new Uint8Array(2048);
  bytes.set(frame, 128);
  const packet = new PacketBuffer({ bytes, view: new DataView(bytes.buffer), address: 0 }, 0, 0, bytes.length);
  packet.repoint(128, 128 + frame.byteLength);
  parseEthernetHeader(packet);
  return packet;
}

function segment(byteLength: number, fill: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(byteLength);
  fill(new DataView(bytes.buffer));
  return bytes;
}

function ipFrame(to: number | Uint8Array, protocol: number, payload: Uint8Array, link = OURS.linkAddress): Uint8Array {
  const source = typeof to === 'number' ? THEIRS.ipv4 : THEIRS.ipv6;
  const links = { sourceLinkAddress: THEIRS.linkAddress, destinationLinkAddress: link };
  return buildIpFrame({ ...links, source, destination: to, protocol }, payload);
}

function arpFrame(target: number): Uint8Array {
  return segment(ethernet.HEADER_BYTES + arp.HEADER_BYTES, (view) => {
    ethernet.encode(view, 0, LINK_BROADCAST, THEIRS.linkAddress, ethernet.ETHERTYPE_ARP);
    arp.request(view, ethernet.HEADER_BYTES, THEIRS.linkAddress, THEIRS.ipv4, target);
  });
}

const echo = (type: number): Uint8Array =>
  segment(64, (view) => icmpv4.emit({ type, code: 0, checksum: 0, identifier: 7, sequence: 9 }, view, 0));

const datagram = (destinationPort: number): Uint8Array =>
  segment(108, (view) => udp.emit({ sourcePort: 1234, destinationPort, payloadBytes: 100, checksum: 0 }, view, 0));

const solicitation = (target: Uint8Array): Uint8Array =>
  segment(32, (view) => ndp.neighborSolicitation(view, 0, target, THEIRS.linkAddress));

const bareSolicitation = (target: Uint8Array): Uint8Array =>
  segment(24, (view) => ndp.neighborSolicitation(view, 0, target));

const NOBODY = parseIpv6('2001:db8::9');
const GROUP = solicitedNodeMulticast(OURS.ipv6);
const GROUP_LINK = ipv6MulticastLinkAddress(GROUP);

const answered: Record<string, [Uint8Array, string]> = {
  'an ARP request': [arpFrame(OURS.ipv4), 'link-address'],
  'a multicast solicitation': [ipFrame(GROUP, PROTOCOL_ICMPV6, solicitation(OURS.ipv6), GROUP_LINK), 'link-address'],
  'a bare unicast solicitation': [ipFrame(OURS.ipv6, PROTOCOL_ICMPV6, bareSolicitation(OURS.ipv6)), 'link-address'],
  'an ICMPv4 echo request': [ipFrame(OURS.ipv4, PROTOCOL_ICMPV4, echo(8)), 'echo'],
  'an ICMPv6 echo request': [ipFrame(OURS.ipv6, PROTOCOL_ICMPV6, echo(128)), 'echo'],
  'UDP over IPv4': [ipFrame(OURS.ipv4, PROTOCOL_UDP, datagram(ECHO_PORT)), 'datagram'],
  'UDP over IPv6': [ipFrame(OURS.ipv6, PROTOCOL_UDP, datagram(ECHO_PORT)), 'datagram'],
};

for (const [what, [frame, kind]] of Object.entries(answered)) {
  test(`${what} is answered in place, with checksums that hold`, (t) => {
    const packet = lentPacket(frame);
    t.true(answerInPlace(packet.egress.protocol, packet, OURS));
    t.is(ethernet.destination(packet.view, packet.linkOffset), THEIRS.linkAddress);
    t.is(ethernet.source(packet.view, packet.linkOffset), OURS.linkAddress);
    const reply = readReply(packet.egress.protocol, packet);
    t.is(reply?.kind, kind as typeof kind & 'echo');
    if (reply?.kind === 'link-address') t.is(reply.linkAddress, OURS.linkAddress);
    if (reply?.kind === 'echo') t.is(reply.sequence, 9);
    if (reply?.kind === 'datagram') t.is(reply.end - reply.at, 100);
  });
}

const fragment = ipFrame(OURS.ipv4, PROTOCOL_UDP, datagram(ECHO_PORT));
ipv4.setFragment(new DataView(fragment.buffer, fragment.byteOffset), 14, ipv4.FLAG_MORE_FRAGMENTS, 0);

const ignored: Record<string, Uint8Array> = {
  'an ARP request for another host': arpFrame(THEIRS.ipv4 + 9),
  'a solicitation for another host': ipFrame(GROUP, PROTOCOL_ICMPV6, solicitation(NOBODY), GROUP_LINK),
  'an echo reply': ipFrame(OURS.ipv4, PROTOCOL_ICMPV4, echo(0)),
  'UDP to another port': ipFrame(OURS.ipv4, PROTOCOL_UDP, datagram(ECHO_PORT + 1)),
  'UDP to another host': ipFrame(THEIRS.ipv4 + 9, PROTOCOL_UDP, datagram(ECHO_PORT)),
  'UDP over IPv6 to another host': ipFrame(NOBODY, PROTOCOL_UDP, datagram(ECHO_PORT)),
  'a fragment': fragment,
  TCP: ipFrame(OURS.ipv4, PROTOCOL_TCP, segment(20, (view) => tcp.setHeaderBytes(view, 0, 20))),
};

for (const [what, frame] of Object.entries(ignored)) {
  test(`${what} is not answered, nor touched`, (t) => {
    const packet = lentPacket(frame);
    t.false(answerInPlace(packet.egress.protocol, packet, OURS));
    t.deepEqual(packet.copyBytes(), Uint8Array.from(frame));
  });
}

test('no prefix of an answerable frame makes it throw', (t) => {
  for (const [frame] of Object.values(answered)) {
    for (let length = ethernet.HEADER_BYTES + 1; length < frame.byteLength; length++) {
      const packet = lentPacket(frame.subarray(0, length));
      t.notThrows(() => answerInPlace(packet.egress.protocol, packet, OURS));
    }
  }
});
