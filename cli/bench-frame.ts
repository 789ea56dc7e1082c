/** The frames that `linkpoint bench tx` writes: all alike, made once. */

import { requestSegmentation } from '../gso/index.ts';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, HEADER_BYTES as ETHERNET_HEADER_BYTES } from '../header/ethernet.ts';
import * as ipv4 from '../header/ipv4.ts';
import * as ipv6 from '../header/ipv6.ts';
import { PROTOCOL_TCP, PROTOCOL_UDP } from '../header/protocol.ts';
import { buildIpFrame } from '../header/send-ip.ts';
import * as tcp from '../header/tcp.ts';
import * as udp from '../header/udp.ts';
import type { LinkEndpoint } from '../stack/link-endpoint.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';
import { PacketList } from '../stack/packet-list.ts';
import type { BenchGso, FramePlan } from './bench-options.ts';
import { OURS, THEIRS } from './demo-addresses.ts';
import { UsageError } from './usage.ts';

/** Segments of TCP fill an MTU of 1,500 with IPv6 and timestamps; those of UDP are QUIC's. */
const SEGMENT_BYTES: Readonly<Record<BenchGso, number>> = { tcp4: 1448, tcp6: 1428, udp: 1200 };
const SOURCE_PORT = 40_000;
/** Discard, RFC 863. */
const DESTINATION_PORT = 9;

/** A list of `plan.batch` equal packets in the endpoint's own slots, ready to be written again and again. */
export function makePackets(endpoint: LinkEndpoint, plan: FramePlan): PacketList {
  const frame = makeFrame(plan, endpoint.maxHeaderLength);
  const list = new PacketList();
  for (let index = 0; index < plan.batch; index++) list.push(makePacket(endpoint, frame, plan.gso));
  return list;
}

function makePacket(endpoint: LinkEndpoint, frame: Uint8Array, gso: BenchGso | null): PacketBuffer {
  const linkBytes = endpoint.maxHeaderLength;
  const packet = endpoint.allocate(frame.byteLength - linkBytes);
  if (packet === null) throw new UsageError(`--size is ${frame.byteLength}: the endpoint takes no packet so long`);
  if (linkBytes > 0) packet.linkOffset = packet.push(linkBytes);
  packet.bytes.set(frame, packet.start);
  const version = packet.view.getUint8(packet.networkOffset) >> 4;
  packet.egress.protocol = version === 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;
  if (gso !== null && !requestSegmentation(packet, SEGMENT_BYTES[gso])) {
    throw new UsageError(`--gso is "${gso}": --frame has no whole TCP or UDP packet of ${frame.byteLength} bytes`);
  }
  return packet;
}

/** One frame: a TCP segment or UDP datagram to the discard port, or what `plan.head` says and zeros. */
function makeFrame(plan: FramePlan, linkBytes: number): Uint8Array {
  const frame = new Uint8Array(plan.size);
  const head = Buffer.from(plan.head, 'hex');
  if (plan.size <= linkBytes || plan.size < head.byteLength) {
    throw new UsageError(`--size is ${plan.size}: more than ${Math.max(linkBytes, head.byteLength - 1)} is expected`);
  }
  if (head.byteLength > 0) frame.set(head);
  else frame.set(makeIpFrame(plan, linkBytes));
  return frame;
}

function makeIpFrame({ size, gso }: FramePlan, linkBytes: number): Uint8Array {
  const isIpv6 = gso === 'tcp6';
  const isTcp = gso === 'tcp4' || gso === 'tcp6';
  const transportBytes = isTcp ? tcp.HEADER_BYTES : udp.HEADER_BYTES;
  const payloadBytes = size - linkBytes - (isIpv6 ? ipv6.HEADER_BYTES : ipv4.HEADER_BYTES) - transportBytes;
  if (payloadBytes < 0) {
    throw new UsageError(`--size is ${size}: with its headers a packet has at least ${size - payloadBytes}`);
  }
  const segment = new Uint8Array(transportBytes + payloadBytes);
  const view = new DataView(segment.buffer);
  if (isTcp) emitTcp(view);
  else udp.emit({ sourcePort: SOURCE_PORT, destinationPort: DESTINATION_PORT, payloadBytes, checksum: 0 }, view, 0);
  const [from, to] = isIpv6 ? [THEIRS.ipv6, OURS.ipv6] : [THEIRS.ipv4, OURS.ipv4];
  const frame = buildIpFrame(
    {
      sourceLinkAddress: THEIRS.linkAddress,
      destinationLinkAddress: OURS.linkAddress,
      source: from,
      destination: to,
      protocol: isTcp ? PROTOCOL_TCP : PROTOCOL_UDP,
    },
    segment,
  );
  return frame.subarray(ETHERNET_HEADER_BYTES - linkBytes);
}

function emitTcp(view: DataView): void {
  tcp.setSourcePort(view, 0, SOURCE_PORT);
  tcp.setDestinationPort(view, 0, DESTINATION_PORT);
  tcp.setHeaderBytes(view, 0, tcp.HEADER_BYTES);
  tcp.setFlags(view, 0, tcp.FLAG_ACK);
  tcp.setWindow(view, 0, 0xffff);
}
