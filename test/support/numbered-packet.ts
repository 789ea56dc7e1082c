/**
 * Numbered packets: IPv4 packets whose every byte follows from their number, so that whoever gets one can tell whether
 * it is whole, and which others are missing.
 *
 *      network header                      payload
 *      ├── IPv4 20 ─┬─ UDP 8 | TCP 20 ─────┼── "lp01" ── number u32 ── pattern of the number ──┤
 *
 * Lengths vary by number, and 64 flows take turns. With offloads, the transport checksum is left partial and every 16th
 * packet is a TCP super-packet: the metadata of both must come through, too.
 */

import { fold, pseudoHeaderIpv4 } from '../../header/checksum.ts';
import * as ethernet from '../../header/ethernet.ts';
import * as ipv4 from '../../header/ipv4.ts';
import { PROTOCOL_TCP, PROTOCOL_UDP } from '../../header/protocol.ts';
import * as tcp from '../../header/tcp.ts';
import * as udp from '../../header/udp.ts';
import { Arena } from '../../stack/arena.ts';
import type { PacketBuffer } from '../../stack/packet-buffer.ts';
import { PacketPool } from '../../stack/packet-pool.ts';

/** The packet is no numbered one: the kernel's own noise, or its number cannot be read. */
export const FOREIGN = -1;
/** The packet is a numbered one, and a byte or its metadata is wrong. */
export const CORRUPT = -2;

/** 192.0.2.1 and 192.0.2.2, documentation addresses. */
const SOURCE = 0xc000_0201;
const DESTINATION = 0xc000_0202;
const MAGIC = 0x6c70_3031;
const NUMBER_BYTES = 8;
/** Flows that take turns: packet n is of flow n mod 64. */
export const FLOWS = 64;
const FIRST_PORT = 1024;
/** Every so many packets one is a super-packet, where there are offloads. */
const SUPER_EVERY = 16;
/** Payload bytes of each segment of a super-packet. */
export const SEGMENT_BYTES = 1000;
const LONGEST_BYTES = 16_384;

const PATTERN_BYTES = 8192;
const pattern = new Uint8Array(PATTERN_BYTES + LONGEST_BYTES);
for (let at = 0, state = 1; at < pattern.length; at++) {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  pattern[at] = state >>> 16;
}

const isSuper = (number: number, offloads: boolean): boolean => offloads && number % SUPER_EVERY === SUPER_EVERY - 1;

/** Bytes of packet `number` from the network header on. */
export function numberedBytes(number: number, offloads: boolean): number {
  return isSuper(number, offloads)
    ? ipv4.HEADER_BYTES + tcp.HEADER_BYTES + 4000 + (number % 8000)
    : ipv4.HEADER_BYTES + udp.HEADER_BYTES + NUMBER_BYTES + ((number * 131) % 1000);
}

/** Writes packet `number` at `networkOffset` of a packet of `numberedBytes` bytes, and its metadata. */
export function writeNumbered(packet: PacketBuffer, number: number, offloads: boolean): void {
  const { view, networkOffset: at, end } = packet;
  const protocol = isSuper(number, offloads) ? PROTOCOL_TCP : PROTOCOL_UDP;
  const transport = at + ipv4.HEADER_BYTES;
  const headerBytes = protocol === PROTOCOL_TCP ? tcp.HEADER_BYTES : udp.HEADER_BYTES;
  ipv4.encode(view, at, end - at, 0, 64, protocol, SOURCE, DESTINATION);
  const payload = transport + headerBytes;
  view.setUint32(payload, MAGIC);
  view.setUint32(payload + 4, number);
  const from = (number * 7) % PATTERN_BYTES;
  packet.bytes.set(pattern.subarray(from, from + end - payload - NUMBER_BYTES), payload + NUMBER_BYTES);
  packet.egress.protocol = ethernet.ETHERTYPE_IPV4;
  const sum = pseudoHeaderIpv4(view, at, protocol, end - transport);
  if (protocol === PROTOCOL_TCP) writeTcp(view, transport, number);
  else udp.encode(view, transport, FIRST_PORT + (number % FLOWS), 7, end - payload);
  if (offloads) leaveToLink(packet, transport, protocol, sum);
  else udp.fillChecksum(view, transport, end, sum);
}

function writeTcp(view: DataView, at: number, number: number): void {
  for (let byte = 0; byte < tcp.HEADER_BYTES; byte++) view.setUint8(at + byte, 0);
  tcp.setSourcePort(view, at, FIRST_PORT + (number % FLOWS));
  tcp.setDestinationPort(view, at, 7);
  tcp.setSequence(view, at, number);
  tcp.setHeaderBytes(view, at, tcp.HEADER_BYTES);
  tcp.setFlags(view, at, tcp.FLAG_ACK);
  tcp.setWindow(view, at, 0xffff);
}

/** The field of a partial checksum holds the folded sum of the pseudo-header. */
function leaveToLink(packet: PacketBuffer, transport: number, protocol: number, sum: number): void {
  const isTcp = protocol === PROTOCOL_TCP;
  packet.checksum = 'partial';
  packet.checksumStart = transport;
  packet.checksumOffset = isTcp ? 16 : 6;
  packet.gsoType = isTcp ? 'tcp4' : 'none';
  packet.gsoSize = isTcp ? SEGMENT_BYTES : 0;
  packet.view.setUint16(transport + packet.checksumOffset, fold(sum));
}

const expectedPool = new PacketPool(new Arena(1, LONGEST_BYTES));

/** The number of a packet whose every byte and whose metadata are right; FOREIGN or CORRUPT otherwise. */
export function checkNumbered(packet: PacketBuffer, offloads: boolean): number {
  const number = readNumber(packet);
  if (number === FOREIGN) return FOREIGN;
  const expected = expectedPool.at(0);
  const start = expectedPool.arena.frameStart(0);
  const byteLength = numberedBytes(number, offloads);
  if (packet.networkBytes !== byteLength) return CORRUPT;
  expected.repoint(start, start + byteLength);
  expected.networkOffset = start;
  writeNumbered(expected, number, offloads);
  return isSame(packet, expected) ? number : CORRUPT;
}

function readNumber({ view, networkOffset: at, end }: PacketBuffer): number {
  if (!ipv4.isValid(view, at, end) || ipv4.source(view, at) !== SOURCE) return FOREIGN;
  const headerBytes = ipv4.protocol(view, at) === PROTOCOL_TCP ? tcp.HEADER_BYTES : udp.HEADER_BYTES;
  const payload = ipv4.payloadAt(view, at) + headerBytes;
  if (end - payload < NUMBER_BYTES || view.getUint32(payload) !== MAGIC) return FOREIGN;
  return view.getUint32(payload + 4);
}

function isSame(packet: PacketBuffer, expected: PacketBuffer): boolean {
  if (packet.gsoType !== expected.gsoType || packet.gsoSize !== expected.gsoSize) return false;
  if (expected.checksum === 'partial') {
    const start = packet.checksumStart - packet.networkOffset;
    if (packet.checksum !== 'partial' || start !== expected.checksumStart - expected.networkOffset) return false;
    if (packet.checksumOffset !== expected.checksumOffset) return false;
  }
  const found = packet.bytes.subarray(packet.networkOffset, packet.end);
  return Buffer.compare(found, expected.bytes.subarray(expected.start, expected.end)) === 0;
}
