/**
 * The symmetric flow hash: both directions of a conversation hash alike, so that both meet on one fd, queue or worker.
 *
 *      end    = combine(address words ..., port)        one per direction
 *      hash   = finalize(end of source + end of destination, protocol)
 *
 * The sum has no order, which makes the hash symmetric; each end is mixed before, so that 192.0.2.1 <-> 192.0.2.4 and
 * 192.0.2.2 <-> 192.0.2.3 differ. What has no ports goes by addresses alone: fragments (all of a packet alike, as only
 * the first has the ports), ICMP, ESP and whatever is malformed behind a readable network header.
 */
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from './ethernet.ts';
import * as ipv4 from './ipv4.ts';
import * as ipv6 from './ipv6.ts';
import { combine, finalize } from './mix.ts';
import { PROTOCOL_DCCP, PROTOCOL_SCTP, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_UDP_LITE } from './protocol.ts';

/** The answer for a packet that is not IP. */
export const NO_FLOW = 0;

/** Stands where a port would, when there is none. */
const NO_PORT = 0;
/** Source and destination port together; all protocols with ports start with them. */
const PORTS_BYTES = 4;
/** Stands where the protocol would, when the addresses alone are hashed. */
const BY_ADDRESSES = 0;

/**
 * Hash of the packet whose network header is at `at`: a non-zero u32, or NO_FLOW for other EtherTypes and headers that
 * are cut short. Nothing but the fixed header need be valid. Hot.
 */
export function flowHash(view: DataView, at: number, end: number, etherType: number): number {
  if (etherType === ETHERTYPE_IPV4) return hashIpv4(view, at, end);
  if (etherType === ETHERTYPE_IPV6) return hashIpv6(view, at, end);
  return NO_FLOW;
}

function hashIpv4(view: DataView, at: number, end: number): number {
  if (end - at < ipv4.HEADER_BYTES || ipv4.headerBytes(view, at) < ipv4.HEADER_BYTES) return NO_FLOW;
  const protocol = ipv4.protocol(view, at);
  const portsAt = ipv4.payloadAt(view, at);
  const isByPorts = hasPorts(protocol) && !ipv4.isFragment(view, at) && portsAt + PORTS_BYTES <= end;
  const sourcePort = isByPorts ? view.getUint16(portsAt) : NO_PORT;
  const destinationPort = isByPorts ? view.getUint16(portsAt + 2) : NO_PORT;
  const source = combine(sourcePort, view.getInt32(ipv4.sourceAt(at)));
  const destination = combine(destinationPort, view.getInt32(ipv4.destinationAt(at)));
  return join(source, destination, isByPorts ? protocol : BY_ADDRESSES);
}

function hashIpv6(view: DataView, at: number, end: number): number {
  if (end - at < ipv6.HEADER_BYTES) return NO_FLOW;
  const transport = ipv6.transport(view, at, end);
  const protocol = ipv6.transportProtocol(transport);
  const portsAt = at + ipv6.transportOffset(transport);
  const isByPorts =
    transport !== ipv6.TRANSPORT_MALFORMED &&
    hasPorts(protocol) &&
    !ipv6.isFragment(transport) &&
    portsAt + PORTS_BYTES <= end;
  const source = hashIpv6End(view, ipv6.sourceAt(at), isByPorts ? view.getUint16(portsAt) : NO_PORT);
  const destination = hashIpv6End(view, ipv6.destinationAt(at), isByPorts ? view.getUint16(portsAt + 2) : NO_PORT);
  return join(source, destination, isByPorts ? protocol : BY_ADDRESSES);
}

const hasPorts = (protocol: number): boolean =>
  protocol === PROTOCOL_TCP ||
  protocol === PROTOCOL_UDP ||
  protocol === PROTOCOL_SCTP ||
  protocol === PROTOCOL_UDP_LITE ||
  protocol === PROTOCOL_DCCP;

function hashIpv6End(view: DataView, at: number, port: number): number {
  const half = combine(combine(port, view.getInt32(at)), view.getInt32(at + 4));
  return combine(combine(half, view.getInt32(at + 8)), view.getInt32(ipv4.sourceAt(at)));
}

/** Both ends are finalized before they are added: a sum of half-mixed words would keep their patterns. */
function join(source: number, destination: number, protocol: number): number {
  const hash = finalize(combine((finalize(source) + finalize(destination)) | 0, protocol)) >>> 0;
  return hash === NO_FLOW ? 1 : hash;
}
