/**
 * Packets and frames as one line of text, in the shape of tcpdump: for tests, the sniffer and `packet.toString()`.
 * Cold. No bytes make these throw: what is cut short or malformed ends in `[|name]`.
 */
import * as arp from './arp.ts';
import * as ethernet from './ethernet.ts';
import * as icmpv4 from './icmpv4.ts';
import * as icmpv6 from './icmpv6.ts';
import { formatIpv4, formatIpv6 } from './ip-text.ts';
import * as ipv4 from './ipv4.ts';
import * as ipv6 from './ipv6.ts';
import * as ndp from './ndp.ts';
import { PROTOCOL_ICMPV4, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP, formatProtocol } from './protocol.ts';
import * as tcp from './tcp.ts';
import * as udp from './udp.ts';

/** What an IP header says about its payload. */
interface Datagram {
  name: 'IP' | 'IP6';
  source: string;
  destination: string;
  protocol: number;
  /** `(frag 7:1480+)`, or nothing. */
  fragment: string;
  /** Whether the transport header is in this packet. */
  hasTransport: boolean;
}

/**
 * The packet whose network header is at `at`: `IP 192.0.2.1.1234 > 192.0.2.2.53: UDP, length 20`. The lengths are those
 * of the innermost payload.
 */
export function formatPacket(view: DataView, at: number, end: number, etherType: number): string {
  if (etherType === ethernet.ETHERTYPE_IPV4) return formatIpv4Packet(view, at, end);
  if (etherType === ethernet.ETHERTYPE_IPV6) return formatIpv6Packet(view, at, end);
  if (etherType === ethernet.ETHERTYPE_ARP) return arp.format(view, at, end);
  return `${ethernet.formatEtherType(etherType)}, length ${Math.max(end - at, 0)}`;
}

/** The Ethernet frame at `at`: addresses, EtherType and `formatPacket` of what is in it. */
export function formatFrame(view: DataView, at: number, end: number): string {
  if (!ethernet.isValid(view, at, end)) return ethernet.format(view, at, end);
  const packet = formatPacket(view, at + ethernet.HEADER_BYTES, end, ethernet.etherType(view, at));
  return `${ethernet.format(view, at, end)}, length ${end - at}: ${packet}`;
}

function formatIpv4Packet(view: DataView, at: number, end: number): string {
  if (!ipv4.isValid(view, at, end)) return ipv4.format(view, at, end);
  const offset = ipv4.fragmentOffset(view, at);
  const more = (ipv4.flags(view, at) & ipv4.FLAG_MORE_FRAGMENTS) === 0 ? '' : '+';
  const datagram: Datagram = {
    name: 'IP',
    source: formatIpv4(ipv4.source(view, at)),
    destination: formatIpv4(ipv4.destination(view, at)),
    protocol: ipv4.protocol(view, at),
    fragment: ipv4.isFragment(view, at) ? ` (frag ${ipv4.identification(view, at)}:${offset}${more})` : '',
    hasTransport: offset === 0,
  };
  return formatDatagram(datagram, view, ipv4.payloadAt(view, at), ipv4.packetEnd(view, at));
}

function formatIpv6Packet(view: DataView, at: number, end: number): string {
  if (!ipv6.isValid(view, at, end)) return ipv6.format(view, at, end);
  const packetEnd = ipv6.packetEnd(view, at);
  const transport = ipv6.transport(view, at, packetEnd);
  if (transport === ipv6.TRANSPORT_MALFORMED) return `${ipv6.format(view, at, end)} [|extension headers]`;
  const datagram: Datagram = {
    name: 'IP6',
    source: formatIpv6(ipv6.source(view, at)),
    destination: formatIpv6(ipv6.destination(view, at)),
    protocol: ipv6.transportProtocol(transport),
    fragment: ipv6.isFragment(transport) ? formatIpv6Fragment(view, ipv6.fragmentHeaderAt(view, at, packetEnd)) : '',
    hasTransport: !ipv6.isLaterFragment(transport),
  };
  return formatDatagram(datagram, view, at + ipv6.transportOffset(transport), packetEnd);
}

function formatIpv6Fragment(view: DataView, fragmentAt: number): string {
  const more = ipv6.hasMoreFragments(view, fragmentAt) ? '+' : '';
  const position = `${ipv6.fragmentOffset(view, fragmentAt)}${more}`;
  return ` (frag ${ipv6.fragmentIdentification(view, fragmentAt)}:${position})`;
}

function formatDatagram(datagram: Datagram, view: DataView, at: number, end: number): string {
  const { name, protocol, fragment } = datagram;
  const ports = datagram.hasTransport ? readPorts(protocol, view, at, end) : null;
  const source = ports === null ? datagram.source : `${datagram.source}.${ports.source}`;
  const destination = ports === null ? datagram.destination : `${datagram.destination}.${ports.destination}`;
  const payload = datagram.hasTransport
    ? formatTransport(datagram, view, at, end)
    : `${formatProtocol(protocol)}, length ${end - at}`;
  return `${name} ${source} > ${destination}:${fragment} ${payload}`;
}

function readPorts(
  protocol: number,
  view: DataView,
  at: number,
  end: number,
): { source: number; destination: number } | null {
  if (protocol === PROTOCOL_TCP && tcp.isValid(view, at, end)) {
    return { source: tcp.sourcePort(view, at), destination: tcp.destinationPort(view, at) };
  }
  const isUdp = protocol === PROTOCOL_UDP && udp.isValid(view, at, end);
  return isUdp ? { source: udp.sourcePort(view, at), destination: udp.destinationPort(view, at) } : null;
}

function formatTransport({ name, protocol }: Datagram, view: DataView, at: number, end: number): string {
  if (protocol === PROTOCOL_TCP) return tcp.summarize(view, at, end);
  if (protocol === PROTOCOL_UDP) return udp.summarize(view, at, end);
  if (protocol === PROTOCOL_ICMPV4 && name === 'IP') return icmpv4.format(view, at, end);
  if (protocol === PROTOCOL_ICMPV6 && name === 'IP6') {
    return ndp.isValid(view, at, end) ? ndp.format(view, at, end) : icmpv6.format(view, at, end);
  }
  return `${formatProtocol(protocol)}, length ${end - at}`;
}
