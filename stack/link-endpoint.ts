/**
 * The contract of a link endpoint: one end of a link, whatever the link is made of.
 *
 *                 NetworkDispatcher
 *                   ▲           │
 *     deliver*      │           │  writePackets(list)      borrows; the accepted prefix is gone when it returns
 *     lends         │           ▼
 *                 LinkEndpoint         ◄── decorators are LinkEndpoints around a LinkEndpoint
 *                   ▲           │
 *                   │           ▼
 *                  fd, memory, or another endpoint
 *
 * The ownership rules live in network-dispatcher.ts (inbound) and at `allocate`/`writePackets` below (outbound).
 */

import type { LinkAddress } from '../header/address.ts';
import type { NetworkDispatcher } from './network-dispatcher.ts';
import type { PacketBuffer } from './packet-buffer.ts';
import type { PacketList } from './packet-list.ts';
import type { LinkStatistics } from './statistics.ts';

/** Bits of `LinkEndpoint.capabilities`, gVisor's set. A value is the OR of some of them. */
export const Capability = {
  /** The link completes transport checksums on transmit. */
  TX_CHECKSUM_OFFLOAD: 1,
  /** The link verified transport checksums on receive; per packet, `packet.checksum` knows better. */
  RX_CHECKSUM_OFFLOAD: 2,
  /** Packets need a resolved link address before they can be written. */
  RESOLUTION_REQUIRED: 4,
  /** The endpoint survives a checkpoint: its owner hands it new fds on restore. */
  SAVE_RESTORE: 8,
  /** A disconnect on restore is no error. */
  DISCONNECT_OK: 16,
  /** Whatever is written comes back in. */
  LOOPBACK: 32,
} as const;

/** OR of `Capability` bits. */
export type Capabilities = number;

/** Who cuts super-packets: nobody, the host behind the fd, or software of ours. */
export type GsoKind = 'none' | 'host' | 'software';

/** What an endpoint accepts as a super-packet. */
export interface GsoSupport {
  readonly kind: GsoKind;
  /** Longest super-packet, in bytes from the network header on; 0 with kind none. */
  readonly maxSize: number;
}

/** No segmentation offload. */
export const NO_GSO: GsoSupport = { kind: 'none', maxSize: 0 };

/** `hardwareType` of Ethernet, ARPHRD_ETHER of linux/if_arp.h. */
export const HARDWARE_ETHER = 1;
/** `hardwareType` of a loopback, ARPHRD_LOOPBACK. */
export const HARDWARE_LOOPBACK = 772;
/** `hardwareType` of a link without link-layer header, ARPHRD_NONE. */
export const HARDWARE_NONE = 0xfffe;

/** Why an attachment ended. */
export interface ClosedReason {
  /** `detached`: attach(null) or close(); `hangup`: the other side is gone; `error`: `error` tells. */
  readonly kind: 'detached' | 'hangup' | 'error';
  /** The fd that ended, or -1 where no single fd is to blame. */
  readonly fd: number;
  readonly error?: Error;
}

/** Life-cycle events of an endpoint. Never one per packet. */
export interface LinkEndpointEvents {
  /** Once per attachment. An `error` without a listener is rethrown from setImmediate. */
  closed: [reason: ClosedReason];
  /** Once after a short `writePackets`: it is worth writing again. */
  drain: [];
}

/** One end of a link. */
export interface LinkEndpoint extends AsyncDisposable {
  /** Longest packet from the network header on, in bytes, without segmentation offload. */
  readonly mtu: number;
  /** Bytes that `addHeader` puts before a packet, through all decorators. */
  readonly maxHeaderLength: number;
  /** Our own address on the link, 0 where it has none. */
  readonly linkAddress: LinkAddress;
  /** ARPHRD_* of linux/if_arp.h. */
  readonly hardwareType: number;
  readonly capabilities: Capabilities;
  readonly gso: GsoSupport;
  readonly statistics: LinkStatistics;
  /** A dispatcher is attached. */
  readonly isAttached: boolean;

  /**
   * Starts delivery to `dispatcher`; null ends it (`closed({ kind: 'detached' })`) and is idempotent.
   * @throws AlreadyAttachedError when another dispatcher is attached
   * @throws LinkClosedError after close(), a hang-up or an error
   */
  attach(dispatcher: NetworkDispatcher | null): void;

  /** Writes the link header that `packet.egress` asks for before `networkOffset` and moves `start` to it. */
  addHeader(packet: PacketBuffer): void;

  /** Reads the link header at `start`: sets `linkOffset`, `networkOffset`, `egress.protocol`. False if it is too short. */
  parseHeader(packet: PacketBuffer): boolean;

  /**
   * A packet of `payloadBytes` in the endpoint's own memory, with headroom for every header: the fastest to write.
   * The caller owns it until `release()`.
   * @returns null when none is free (counted `allocate-failed`)
   */
  allocate(payloadBytes: number): PacketBuffer | null;

  /**
   * Writes the packets in order, link headers in place. The list is borrowed: when the call returns, the accepted prefix
   * is in the kernel (or copied) and every packet is the caller's again.
   * @returns how many were accepted; fewer than given means the link is full, and `drain` will tell when to go on
   * @throws PacketTooLongError before anything is sent
   * @throws LinkClosedError after close()
   */
  writePackets(list: PacketList): number;

  /**
   * Writes one frame as it is, link header included, to the first fd.
   * @returns false when the link is full
   */
  writeRawPacket(bytes: Uint8Array): boolean;

  /** Resolves when nothing is read and no dispatcher can be called any more. Stops nothing itself. */
  wait(): Promise<void>;

  /** Ends the endpoint for good; implies attach(null); idempotent; allowed inside delivery. */
  close(): void;

  on<Event extends keyof LinkEndpointEvents>(event: Event, listener: (...args: LinkEndpointEvents[Event]) => void): this;
  once<Event extends keyof LinkEndpointEvents>(event: Event, listener: (...args: LinkEndpointEvents[Event]) => void): this;
  off<Event extends keyof LinkEndpointEvents>(event: Event, listener: (...args: LinkEndpointEvents[Event]) => void): this;
}

/** An endpoint whose inbound packets come from the program, not from a wire: for tests, tunnels and multiplexers. */
export interface InjectableLinkEndpoint extends LinkEndpoint {
  /**
   * Delivers `packet` as if it had come in; the packet is lent for the duration of the call.
   * @throws NotAttachedError when no dispatcher is attached
   */
  injectInbound(protocol: number, packet: PacketBuffer): void;

  /**
   * Writes one frame as it is towards `destination`.
   * @returns false when the link is full
   * @throws HostUnreachableError when a multiplexer has no route to it
   */
  injectOutbound(destination: import('../header/address.ts').IpAddress, bytes: Uint8Array): boolean;
}
