/** One endpoint under test, and the verbs that the cases are written in. */

import assert from 'node:assert/strict';
import { TEST_ADDRESSES, ethernetFrame, ipv4Udp, patternBytes } from '../packets.ts';
import { toIpAddress } from '../../header/address.ts';
import { ETHERTYPE_IPV4, HEADER_BYTES as ETHERNET_HEADER_BYTES } from '../../header/ethernet.ts';
import { HEADER_BYTES as IPV4_HEADER_BYTES } from '../../header/ipv4.ts';
import { HEADER_BYTES as UDP_HEADER_BYTES } from '../../header/udp.ts';
import type { LinkEndpoint } from '../../stack/link-endpoint.ts';
import type { PacketBuffer } from '../../stack/packet-buffer.ts';
import { PacketList } from '../../stack/packet-list.ts';
import { type DeliveryScript, TappingDispatcher } from '../recording-dispatcher.ts';
import { until } from '../until.ts';
import type { LinkEndpointFeatures, LinkEndpointFixture } from './fixture.ts';

/** Begins the payload of every packet of the suite, so that a stranger's packets on the same link are not mistaken. */
const MARK: Uint8Array = new TextEncoder().encode('linkpoint suite ');
/** The sequence number behind the mark. */
const SEQUENCE_BYTES = 4;
/** Bytes of a packet of the suite without its pattern. */
const OVERHEAD_BYTES = IPV4_HEADER_BYTES + UDP_HEADER_BYTES + MARK.length + SEQUENCE_BYTES;
/** Shortest packet of the suite, in bytes from the network header on. */
export const PACKET_BYTES_MIN: number = OVERHEAD_BYTES;
/** Packets that are as good as any. */
const ORDINARY_PACKET_BYTES = 150;

/** The sequence number of a frame of the suite, or -1 for a stranger's. */
export function sequenceOf(frame: Uint8Array): number {
  for (const networkAt of [0, ETHERNET_HEADER_BYTES]) {
    const at = networkAt + IPV4_HEADER_BYTES + UDP_HEADER_BYTES;
    if (frame.length < at + MARK.length + SEQUENCE_BYTES) continue;
    if (!MARK.every((byte, index) => frame[at + index] === byte)) continue;
    return new DataView(frame.buffer, frame.byteOffset).getUint32(at + MARK.length);
  }
  return -1;
}

/** Records and taps the suite's packets only, and runs its script for them only. */
export class SuiteDispatcher extends TappingDispatcher {
  override deliverNetworkPacket(protocol: number, packet: PacketBuffer): void {
    if (sequenceOf(packet.copyBytes()) >= 0) super.deliverNetworkPacket(protocol, packet);
  }

  override deliverLinkPacket(...args: Parameters<TappingDispatcher['deliverLinkPacket']>): void {
    if (sequenceOf(args[1].copyBytes()) >= 0) super.deliverLinkPacket(...args);
  }

  /** Sequence numbers delivered, in order. */
  get sequences(): number[] {
    return this.frames.map(sequenceOf);
  }
}

/** The endpoint under test in one case. */
export class ComplianceContext {
  readonly endpoint: LinkEndpoint;
  readonly fixture: LinkEndpointFixture;
  readonly features: LinkEndpointFeatures;

  constructor(fixture: LinkEndpointFixture, features: LinkEndpointFeatures) {
    this.endpoint = fixture.endpoint;
    this.fixture = fixture;
    this.features = features;
  }

  /** A network packet with `sequence` in it. */
  networkPacket(sequence: number, packetBytes: number = ORDINARY_PACKET_BYTES): Uint8Array {
    const number = new Uint8Array(SEQUENCE_BYTES);
    new DataView(number.buffer).setUint32(0, sequence);
    const pattern = patternBytes(packetBytes - OVERHEAD_BYTES, sequence);
    return ipv4Udp({ payload: [...MARK, ...number, ...pattern] });
  }

  /** A frame for the endpoint to receive. */
  inboundFrame(sequence: number, packetBytes?: number, destination: number = this.ownLinkAddress): Uint8Array {
    const packet = this.networkPacket(sequence, packetBytes);
    if (!this.features.ethernet) return packet;
    return ethernetFrame(packet, { source: TEST_ADDRESSES.remoteLinkAddress, destination });
  }

  /** The address that inbound frames are sent to. */
  get ownLinkAddress(): number {
    const { linkAddress } = this.endpoint;
    return this.fixture.inboundLinkAddress ?? (linkAddress === 0 ? TEST_ADDRESSES.localLinkAddress : linkAddress);
  }

  /** Has the peer send frames with the given sequence numbers; returns them. */
  async send(...sequences: readonly number[]): Promise<Uint8Array[]> {
    const frames = sequences.map((sequence) => this.inboundFrame(sequence));
    for (const frame of frames) await this.fixture.peer.send(frame);
    return frames;
  }

  /** Attaches a dispatcher that records. */
  attach(script: DeliveryScript | null = null): SuiteDispatcher {
    const dispatcher = new SuiteDispatcher(script);
    this.endpoint.attach(dispatcher);
    return dispatcher;
  }

  /** Waits until `dispatcher` has got `count` packets. */
  async delivered(dispatcher: SuiteDispatcher, count: number): Promise<void> {
    await until(`${count} packets to be delivered`, () => dispatcher.packets.length >= count);
  }

  /** An allocated packet with `sequence`, its link header in place. The caller releases it. */
  outboundPacket(sequence: number, packetBytes?: number): PacketBuffer {
    const bytes = this.networkPacket(sequence, packetBytes);
    const packet = this.endpoint.allocate(bytes.length);
    assert.ok(packet !== null, 'allocate() gives a packet');
    packet.fill(bytes);
    this.address(packet);
    this.endpoint.addHeader(packet);
    return packet;
  }

  /** Fills in where a packet of the suite goes. */
  address(packet: PacketBuffer): void {
    packet.egress.remoteLinkAddress = TEST_ADDRESSES.remoteLinkAddress;
    packet.egress.remoteAddress = toIpAddress(TEST_ADDRESSES.remoteIpv4);
    packet.egress.protocol = ETHERTYPE_IPV4;
  }

  /** Writes packets with the given sequence numbers, all of which must be accepted; returns the frames. */
  write(...sequences: readonly number[]): Uint8Array[] {
    const packets = sequences.map((sequence) => this.outboundPacket(sequence));
    const frames = packets.map((packet) => packet.copyBytes());
    assert.equal(this.endpoint.writePackets(PacketList.of(...packets)), packets.length, 'all packets are accepted');
    for (const packet of packets) packet.release();
    return frames;
  }

  /** The next frame of the suite that the peer receives. */
  async received(): Promise<Uint8Array> {
    let frame: Uint8Array | null = null;
    await until('the peer to receive a frame', async () => {
      frame = await this.fixture.peer.receive();
      return frame !== null && sequenceOf(frame) >= 0;
    });
    return frame as unknown as Uint8Array;
  }

  /** Fails if the peer receives a frame of the suite that has not been taken yet. */
  async receivedNothing(): Promise<void> {
    let frame = await this.fixture.peer.receive();
    while (frame !== null && sequenceOf(frame) < 0) frame = await this.fixture.peer.receive();
    assert.equal(frame === null ? -1 : sequenceOf(frame), -1, 'the peer receives nothing');
  }

  /** Waits until every received packet is accounted for: delivered, or dropped for a reason. */
  async balanced(): Promise<void> {
    await until('receivedPackets = deliveredPackets + inbound drops', () => {
      const { statistics } = this.endpoint;
      return statistics.get('receivedPackets') === statistics.get('deliveredPackets') + statistics.inboundDrops;
    });
  }
}

/** One case of the suite. */
export interface ComplianceCase {
  /** A sentence about the endpoint. */
  readonly title: string;
  /** Only for endpoints with this feature. */
  readonly needs?: keyof LinkEndpointFeatures;
  readonly run: (context: ComplianceContext) => void | Promise<void>;
}
