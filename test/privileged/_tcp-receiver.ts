/**
 * The other end of a TCP connection that only sends: as little of RFC 9293 as the kernel's TCP is content with.
 *
 *     kernel                              us
 *     SYN                          ────►
 *                                  ◄────  SYN, ACK: MSS 1460, window scale 4
 *     data, in super-segments too  ────►
 *                                  ◄────  ACK of what is there without a gap; what came too early is kept
 *     FIN                          ────►
 *                                  ◄────  FIN, ACK
 */

import { createHash } from 'node:crypto';

import type { Identity } from '../../cli/demo-addresses.ts';
import { EchoDispatcher } from '../../cli/demo-echo.ts';
import * as ethernet from '../../header/ethernet.ts';
import * as ipv4 from '../../header/ipv4.ts';
import { PROTOCOL_TCP } from '../../header/protocol.ts';
import { buildIpFrame } from '../../header/send-ip.ts';
import * as tcp from '../../header/tcp.ts';
import type { LinkEndpoint, NetworkDispatcher, PacketBuffer } from '../../stack/index.ts';

const INITIAL_SEQUENCE = 1000;
/** MSS 1460, a NOP for alignment, window scale 4. */
const SYN_OPTIONS = Uint8Array.of(
  ...[tcp.OPTION_MSS, 4, 1460 >> 8, 1460 & 0xff],
  ...[tcp.OPTION_NOP, tcp.OPTION_WINDOW_SCALE, 3, 4],
);

interface Segment {
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** How far sequence number `a` is behind `b`, negative when it is before; RFC 9293 section 3.4. */
const after = (a: number, b: number): number => (a - b) | 0;

/** Takes one connection over IPv4, to any port; ARP, NDP and echo are answered by the demo's dispatcher. */
export class TcpReceiver implements NetworkDispatcher {
  /** Bytes that came, without a gap. */
  bytes = 0;
  /** Longest payload of a packet. */
  longest = 0;
  readonly #endpoint: LinkEndpoint;
  readonly #ours: Identity;
  readonly #echo: EchoDispatcher;
  readonly #hash = createHash('sha256');
  readonly #early: Segment[] = [];
  #next = 0;

  constructor(endpoint: LinkEndpoint, ours: Identity) {
    this.#endpoint = endpoint;
    this.#ours = ours;
    this.#echo = new EchoDispatcher(endpoint, ours, false);
  }

  deliverNetworkPacket(protocol: number, packet: PacketBuffer): void {
    const isTcp = protocol === ethernet.ETHERTYPE_IPV4 && this.#takeTcp(packet);
    if (!isTcp) this.#echo.deliverNetworkPacket(protocol, packet);
  }

  deliverBatchEnd(): void {
    this.#echo.deliverBatchEnd();
  }

  /** SHA-256 of these bytes, as hexadecimal digits. To be asked for once. */
  digest(): string {
    return this.#hash.digest('hex');
  }

  #takeTcp(packet: PacketBuffer): boolean {
    const { view, bytes, networkOffset: ip, end } = packet;
    if (!ipv4.isValid(view, ip, end) || ipv4.protocol(view, ip) !== PROTOCOL_TCP) return false;
    const at = ipv4.payloadAt(view, ip);
    const payload = bytes.subarray(tcp.payloadAt(view, at), ipv4.packetEnd(view, ip));
    const flags = tcp.flags(view, at);
    if ((flags & tcp.FLAG_SYN) !== 0) this.#next = (tcp.sequence(view, at) + 1) >>> 0;
    else if (!this.#receive(tcp.sequence(view, at), payload, flags)) return true;
    this.#answer(packet, at, flags & (tcp.FLAG_SYN | tcp.FLAG_FIN));
    return true;
  }

  /** False where there is nothing to acknowledge. What is early is kept: without, the kernel waits longer and longer. */
  #receive(sequence: number, payload: Uint8Array, flags: number): boolean {
    const isFin = (flags & tcp.FLAG_FIN) !== 0;
    if (payload.length === 0 && !isFin) return false;
    this.longest = Math.max(this.longest, payload.length);
    if (after(sequence, this.#next) > 0) {
      if (!isFin) this.#early.push({ sequence, payload: payload.slice() });
      return true;
    }
    this.#take(sequence, payload);
    if (isFin && after(sequence, this.#next) + payload.length === 0) this.#next = (this.#next + 1) >>> 0;
    for (let segment = this.#nextEarly(); segment !== undefined; segment = this.#nextEarly()) {
      this.#take(segment.sequence, segment.payload);
    }
    return true;
  }

  /** A segment that came too early and is not any more. */
  #nextEarly(): Segment | undefined {
    const at = this.#early.findIndex(({ sequence }) => after(sequence, this.#next) <= 0);
    return at < 0 ? undefined : this.#early.splice(at, 1)[0];
  }

  /** What is new of a segment that begins at the next byte or before. */
  #take(sequence: number, payload: Uint8Array): void {
    const fresh = payload.subarray(-after(sequence, this.#next));
    this.#hash.update(fresh);
    this.bytes += fresh.length;
    this.#next = (this.#next + fresh.length) >>> 0;
  }

  #answer({ view, networkOffset: ip, linkOffset }: PacketBuffer, at: number, flags: number): void {
    const isSyn = (flags & tcp.FLAG_SYN) !== 0;
    const options = isSyn ? SYN_OPTIONS : new Uint8Array(0);
    const segment = new Uint8Array(tcp.HEADER_BYTES + options.length);
    const header: tcp.Tcp = {
      sourcePort: tcp.destinationPort(view, at),
      destinationPort: tcp.sourcePort(view, at),
      sequence: isSyn ? INITIAL_SEQUENCE : INITIAL_SEQUENCE + 1,
      acknowledgment: this.#next,
      flags: flags | tcp.FLAG_ACK,
      window: 0xffff,
      checksum: 0,
      urgentPointer: 0,
      options,
    };
    tcp.emit(header, new DataView(segment.buffer), 0);
    const route = {
      sourceLinkAddress: this.#ours.linkAddress,
      destinationLinkAddress: ethernet.source(view, linkOffset),
      source: this.#ours.ipv4,
      destination: ipv4.source(view, ip),
      protocol: PROTOCOL_TCP,
    };
    this.#endpoint.writeRawPacket(buildIpFrame(route, segment));
  }
}
