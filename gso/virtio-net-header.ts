/**
 * The virtio-net header: 10 or 12 little-endian bytes before a frame that tell what the other side left to do:
 * a checksum to complete, a super-packet to cut.
 *
 *      0        1        2              4              6              8              10             12
 *      ├────────┼────────┼──────────────┼──────────────┼──────────────┼──────────────┼──────────────┤
 *      │ flags  │gso_type│ hdr_len      │ gso_size     │ csum_start   │ csum_offset  │ num_buffers  │
 *      └────────┴────────┴──────────────┴──────────────┴──────────────┴──────────────┴──────────────┘
 *                          link+network+  payload of     where summing  where the sum   12-byte form
 *                          transport      each segment   begins         is stored       only; 0
 *
 * `hdr_len` and `csum_start` count from the first byte of the frame: a link header counts exactly where there is one.
 * `csum_offset` counts from `csum_start`. With NEEDS_CSUM the field holds the folded, not inverted pseudo-header sum.
 *
 * Sources: Virtual I/O Device 1.2, 5.1.6; linux/virtio_net.h; packet(7) PACKET_VNET_HDR.
 */

import { LinkpointError } from '../errors.ts';
import { PROTOCOL_TCP, PROTOCOL_UDP } from '../header/protocol.ts';
import {
  locateTransport,
  NO_TRANSPORT,
  TCP_CHECKSUM_OFFSET,
  transportHeaderEnd,
  transportOffset,
  transportProtocol,
  UDP_CHECKSUM_OFFSET,
} from './transport.ts';

/** Bytes of the classic form: AF_PACKET's PACKET_VNET_HDR, TUN/TAP's default. */
export const HEADER_BYTES = 10;
/** Bytes of the form with `num_buffers` (virtio 1.0, mergeable receive buffers). */
export const MERGEABLE_HEADER_BYTES = 12;
/** Length of the header that an fd carries; 0 where it carries none. */
export type VnetHeaderBytes = 0 | 10 | 12;

const FLAGS = 0;
const GSO_TYPE = 1;
const HDR_LEN = 2;
const GSO_SIZE = 4;
const CSUM_START = 6;
const CSUM_OFFSET = 8;
const NUM_BUFFERS = 10;

/** Flag: the checksum at csum_start + csum_offset is partial and must be completed. */
export const NEEDS_CSUM = 1;
/** Flag: the checksum was verified. */
export const DATA_VALID = 2;

const GSO_NONE = 0;
const GSO_TCPV4 = 1;
const GSO_TCPV6 = 4;
const GSO_UDP_L4 = 5;
const GSO_ECN = 0x80;

/** Largest value of a 16-bit field; hdr_len saturates at it, for it is only a hint to the kernel. */
const FIELD_MAX = 0xffff;

/** Bytes of the checksum that csum_offset points at. */
const CHECKSUM_BYTES = 2;

/** Segmentation that a super-packet asks for; `udp` is UDP_L4 (USO), for both families. */
export type GsoType = 'none' | 'tcp4' | 'tcp6' | 'udp';
/** What is known of the transport checksum: nothing; that it is still partial; that it was verified. */
export type ChecksumState = 'none' | 'partial' | 'validated';

/** What the header means to a packet, as absolute positions, so that moving `start` keeps it true. */
export interface OffloadMetadata {
  /** First byte of the frame. */
  readonly start: number;
  /** Just behind its last byte. */
  readonly end: number;
  /** The memory that the positions index: that of the frame, which may be another one than the header's. */
  readonly view: DataView;
  /** Position of the network header, or -1 while unknown. `encode` asks for it where `headerEnd` is -1. */
  readonly networkOffset: number;
  checksum: ChecksumState;
  /** Position where summing begins, or -1. Only with `partial`. */
  checksumStart: number;
  /** Where the sum is stored, in bytes from `checksumStart`. */
  checksumOffset: number;
  gsoType: GsoType;
  /** Congestion window reduced was set: the segments carry it as RFC 3168 says. */
  gsoEcn: boolean;
  /** Payload bytes of each segment (the MSS), 0 without segmentation. */
  gsoSize: number;
  /** Position just behind the transport header, or -1 while unknown; segmentation cuts what is behind it. */
  headerEnd: number;
}

/** An outbound packet names a segmentation type that no virtio-net header can express. */
export class UnknownGsoTypeError extends LinkpointError {
  constructor(gsoType: string) {
    super(
      'ERR_UNKNOWN_GSO_TYPE',
      `Cannot encode a virtio-net header: the GSO type is "${gsoType}"; use none, tcp4, tcp6 or udp`,
    );
  }
}

/**
 * Reads the header at `at` of `view` into the packet that follows it, whose `start` and `end` are set.
 *
 * `hdr_len` is not believed: the kernel fills in how much of the packet happened to be linear (skb_headlen), and a peer
 * may write what it likes (virtio 1.2, 5.1.6.4.2: a hint). Where the header ends is read from the TCP or UDP header.
 *
 * @returns false when the header contradicts the frame (checksum or segmentation beyond its end, segments of no size,
 *   an unknown type): the metadata is cleared then, and the frame must be counted and dropped
 */
export function decode(view: DataView, at: number, packet: OffloadMetadata): boolean {
  const flags = view.getUint8(at + FLAGS);
  const type = view.getUint8(at + GSO_TYPE);
  clear(packet);
  const partial = (flags & NEEDS_CSUM) !== 0;
  if (partial && !decodeChecksum(view, at, packet)) return false;
  if (!partial && (flags & DATA_VALID) !== 0) packet.checksum = 'validated';
  if (type === GSO_NONE || decodeSegmentation(view, at, type, packet)) return true;
  clear(packet);
  return false;
}

function clear(packet: OffloadMetadata): void {
  packet.checksum = 'none';
  packet.checksumStart = -1;
  packet.checksumOffset = 0;
  packet.gsoType = 'none';
  packet.gsoEcn = false;
  packet.gsoSize = 0;
  packet.headerEnd = -1;
}

function decodeChecksum(view: DataView, at: number, packet: OffloadMetadata): boolean {
  const start = view.getUint16(at + CSUM_START, true);
  const offset = view.getUint16(at + CSUM_OFFSET, true);
  if (packet.start + start + offset + CHECKSUM_BYTES > packet.end) return false;
  packet.checksum = 'partial';
  packet.checksumStart = packet.start + start;
  packet.checksumOffset = offset;
  return true;
}

function decodeSegmentation(view: DataView, at: number, type: number, packet: OffloadMetadata): boolean {
  const gsoType = decodeGsoType(type & ~GSO_ECN);
  const size = view.getUint16(at + GSO_SIZE, true);
  if (gsoType === 'none' || size === 0) return false;
  if (packet.start + view.getUint16(at + HDR_LEN, true) > packet.end) return false;
  packet.gsoType = gsoType;
  packet.gsoEcn = (type & GSO_ECN) !== 0;
  packet.gsoSize = size;
  // Without a partial checksum nobody knows yet where the network header is: `encode` finds out when it is needed.
  if (packet.checksum !== 'partial') return true;
  if (packet.checksumOffset !== checksumOffsetOf(gsoType)) return false;
  packet.headerEnd = transportHeaderEnd(packet.view, packet.checksumStart, packet.end, protocolOf(gsoType));
  return packet.headerEnd >= 0;
}

const protocolOf = (gsoType: GsoType): number => (gsoType === 'udp' ? PROTOCOL_UDP : PROTOCOL_TCP);

const checksumOffsetOf = (gsoType: GsoType): number => (gsoType === 'udp' ? UDP_CHECKSUM_OFFSET : TCP_CHECKSUM_OFFSET);

function decodeGsoType(type: number): GsoType {
  if (type === GSO_TCPV4) return 'tcp4';
  if (type === GSO_TCPV6) return 'tcp6';
  if (type === GSO_UDP_L4) return 'udp';
  return 'none';
}

/**
 * Writes the header for `packet` at `at` of `view`: zeros when the packet asks for nothing.
 *
 * A packet whose payload fits one segment is sent as type none, its checksum fields kept, for the kernel refuses a
 * super-packet of one segment. Sizes are compared as they are, never cut to 16 bits. A `headerEnd` of -1 is found here,
 * from the transport header at `checksumStart`, else from the network header at `networkOffset`.
 *
 * @param headerBytes length of the header on this fd, 10 or 12
 * @returns false when the packet asks for what its bytes do not allow (checksum outside the frame, segments of 0 or of
 *   more than 65535 bytes, no transport header found): zeros are written then, and the packet must be counted and not
 *   sent. No exception, because the bytes of a forwarded packet are somebody else's.
 * @throws UnknownGsoTypeError for a `gsoType` outside the union (a caller without types)
 */
export function encode(packet: OffloadMetadata, view: DataView, at: number, headerBytes: number): boolean {
  const type = encodeGsoType(packet.gsoType);
  fillZero(view, at, headerBytes);
  if (!isChecksumInside(packet)) return false;
  const headerEnd = type === GSO_NONE ? packet.start : findHeaderEnd(packet);
  if (headerEnd < packet.start || headerEnd > packet.end) return false;
  if (type !== GSO_NONE && !encodeSegmentation(packet, view, at, type, headerEnd)) return false;
  if (packet.checksum === 'validated') view.setUint8(at + FLAGS, DATA_VALID);
  if (packet.checksum !== 'partial') return true;
  view.setUint8(at + FLAGS, NEEDS_CSUM);
  view.setUint16(at + CSUM_START, packet.checksumStart - packet.start, true);
  view.setUint16(at + CSUM_OFFSET, packet.checksumOffset, true);
  return true;
}

function encodeSegmentation(
  packet: OffloadMetadata,
  view: DataView,
  at: number,
  type: number,
  headerEnd: number,
): boolean {
  const size = packet.gsoSize;
  if (size < 1) return false;
  if (packet.end - headerEnd <= size) return true;
  if (size > FIELD_MAX) return false;
  view.setUint8(at + GSO_TYPE, type | (packet.gsoEcn ? GSO_ECN : 0));
  view.setUint16(at + HDR_LEN, Math.min(headerEnd - packet.start, FIELD_MAX), true);
  view.setUint16(at + GSO_SIZE, size, true);
  return true;
}

function isChecksumInside(packet: OffloadMetadata): boolean {
  if (packet.checksum !== 'partial') return true;
  const start = packet.checksumStart - packet.start;
  const { checksumOffset } = packet;
  return (
    start >= 0 &&
    start <= FIELD_MAX &&
    checksumOffset >= 0 &&
    packet.checksumStart + checksumOffset + CHECKSUM_BYTES <= packet.end
  );
}

function findHeaderEnd(packet: OffloadMetadata): number {
  if (packet.headerEnd >= 0) return packet.headerEnd;
  const protocol = protocolOf(packet.gsoType);
  if (packet.checksum === 'partial') return transportHeaderEnd(packet.view, packet.checksumStart, packet.end, protocol);
  if (packet.networkOffset < 0) return -1;
  const located = locateTransport(packet.view, packet.networkOffset, packet.end);
  if (located === NO_TRANSPORT || transportProtocol(located) !== protocol) return -1;
  return transportHeaderEnd(packet.view, packet.networkOffset + transportOffset(located), packet.end, protocol);
}

/** Every byte of the header, so that none of the last packet's stays. */
function fillZero(view: DataView, at: number, headerBytes: number): void {
  view.setUint32(at, 0);
  view.setUint32(at + 4, 0);
  view.setUint16(at + CSUM_OFFSET, 0);
  if (headerBytes === MERGEABLE_HEADER_BYTES) view.setUint16(at + NUM_BUFFERS, 0);
}

function encodeGsoType(type: GsoType): number {
  if (type === 'none') return GSO_NONE;
  if (type === 'tcp4') return GSO_TCPV4;
  if (type === 'tcp6') return GSO_TCPV6;
  if (type === 'udp') return GSO_UDP_L4;
  throw new UnknownGsoTypeError(String(type));
}

/** One line for a person: what the header asks for. Reads 10 bytes; slow. */
export function format(view: DataView, at: number): string {
  const type = view.getUint8(at + GSO_TYPE);
  const name = decodeGsoType(type & ~GSO_ECN);
  const gso = type === GSO_NONE ? 'none' : `${name === 'none' ? type : name}/${view.getUint16(at + GSO_SIZE, true)}`;
  const flags = view.getUint8(at + FLAGS);
  const start = view.getUint16(at + CSUM_START, true);
  const csum = (flags & NEEDS_CSUM) !== 0 ? ` csum ${start}+${view.getUint16(at + CSUM_OFFSET, true)}` : '';
  const valid = (flags & DATA_VALID) !== 0 ? ' valid' : '';
  return `gso ${gso} hdr ${view.getUint16(at + HDR_LEN, true)}${csum}${valid}`;
}
