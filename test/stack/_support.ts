/** An endpoint over memory that records what is written to it and delivers what a test tells it to. */

import type { LinkAddress } from '../../header/address.ts';
import { EndpointBase } from '../../link/endpoint-base.ts';
import { Arena, Capability, HARDWARE_ETHER, NO_GSO, PacketPool } from '../../stack/index.ts';
import type { Capabilities, ClosedReason, GsoSupport, PacketBuffer, PacketList } from '../../stack/index.ts';

/** 02:00:00:00:00:01, ours. */
export const OWN: LinkAddress = 0x0200_0000_0001;
/** 02:00:00:00:00:02, a neighbor's. */
export const PEER: LinkAddress = 0x0200_0000_0002;
/** 192.0.2.1. */
export const OWN_IPV4 = 0xc000_0201;
/** 192.0.2.2. */
export const PEER_IPV4 = 0xc000_0202;
/** 2001:db8::2. */
export const PEER_IPV6: Uint8Array = Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);

const EIGHT_SLOTS = 8;
const SLOT_BYTES = 2048;

/** An Ethernet endpoint whose link takes `room` packets and then is full. */
export class RecordingEndpoint extends EndpointBase {
  override readonly mtu = 1500;
  override readonly maxHeaderLength = 14;
  override readonly linkAddress: LinkAddress = OWN;
  override readonly hardwareType: number = HARDWARE_ETHER;
  override readonly gso: GsoSupport = NO_GSO;
  override capabilities: Capabilities = Capability.RESOLUTION_REQUIRED;
  /** How many packets the link still takes. */
  room: number = Number.POSITIVE_INFINITY;
  /** The frames that were accepted. */
  readonly written: Uint8Array[] = [];
  readonly reasons: ClosedReason[] = [];
  readonly #pool = new PacketPool(new Arena(EIGHT_SLOTS, SLOT_BYTES));

  constructor() {
    super();
    this.on('closed', (reason) => this.reasons.push(reason));
  }

  protected override takeSlot(payloadBytes: number): PacketBuffer | null {
    return this.#pool.allocate(payloadBytes);
  }

  override writeRawPacket(bytes: Uint8Array): boolean {
    this.written.push(Uint8Array.from(bytes));
    return true;
  }

  protected override transmit(list: PacketList): number {
    const accepted = Math.min(this.room, list.length);
    for (let index = 0; index < accepted; index++) this.written.push(list.at(index).copyBytes());
    this.room -= accepted;
    return accepted;
  }

  /** Delivers `packet` as a batch of its own. */
  receive(protocol: number, packet: PacketBuffer): void {
    this.deliverOne(protocol, packet);
  }

  /** A packet of `bytes`, allocated here, for `remoteAddress`. */
  packetOf(bytes: readonly number[], remoteAddress: PacketBuffer['egress']['remoteAddress'] = null): PacketBuffer {
    const packet = this.allocate(bytes.length);
    if (packet === null) throw new Error('The test holds all slots of its endpoint');
    packet.fill(Uint8Array.from(bytes));
    packet.egress.remoteAddress = remoteAddress;
    packet.egress.protocol = 0x0800;
    return packet;
  }
}

/** The destination link address of a frame. */
export const destinationOf = (frame: Uint8Array | undefined): number =>
  (frame ?? new Uint8Array(0)).subarray(0, 6).reduce((sum, byte) => sum * 256 + byte, 0);
