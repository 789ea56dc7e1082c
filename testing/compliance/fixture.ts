/** What the compliance suite needs to know and to hold of an endpoint under test. */

import type { LinkAddress } from '../../header/address.ts';
import type { Capabilities, ClosedReason, GsoSupport, LinkEndpoint } from '../../stack/link-endpoint.ts';

/** What an endpoint can do, so that only the cases that apply to it are registered. */
export interface LinkEndpointFeatures {
  /** Frames begin with an Ethernet header; else with an IP header. */
  readonly ethernet: boolean;
  /** Super-packets are accepted; the endpoint's `gso` must say so. */
  readonly gso: boolean;
  /** A peer that does not `receive` makes `writePackets` come up short within 100,000 packets; receiving frees it. */
  readonly canFill: boolean;
  /** The fixture's `hangUp` ends the endpoint with `closed({ kind: 'hangup' })`. */
  readonly detectsHangup: boolean;
  /** The endpoint is an InjectableLinkEndpoint. */
  readonly injectable: boolean;
}

/** The other side of the link. */
export interface LinkPeer {
  /**
   * Makes the endpoint receive a frame, link header included; a packet for an injectable endpoint is injected. While
   * nobody is attached it may be lost, but must not throw.
   */
  send(frame: Uint8Array): void | Promise<void>;
  /** The next frame that the endpoint wrote, link header included, or null while there is none. In order. */
  receive(): Promise<Uint8Array | null>;
}

/** Properties that an endpoint was made with, or that a decorator must forward. Those left out are not compared. */
export interface ExpectedProperties {
  readonly mtu?: number;
  readonly maxHeaderLength?: number;
  readonly linkAddress?: LinkAddress;
  readonly hardwareType?: number;
  readonly capabilities?: Capabilities;
  readonly gso?: GsoSupport;
}

/**
 * One endpoint, fresh, not attached, without a `closed` listener, and its peer.
 * Frames of strangers on the link (a kernel's router solicitations) do no harm: the suite knows its own.
 */
export interface LinkEndpointFixture {
  readonly endpoint: LinkEndpoint;
  readonly peer: LinkPeer;
  readonly expected?: ExpectedProperties;
  /** Destination link address of inbound frames. Default the endpoint's, or a documentation address where it is 0. */
  readonly inboundLinkAddress?: LinkAddress;
  /** Makes the peer end. Needed with `detectsHangup`. */
  hangUp?(): void | Promise<void>;
  /** Gives back everything; the endpoint may be closed already. */
  cleanup(): void | Promise<void>;
}

/** Collects the reasons of `closed`. */
export function recordClosed(endpoint: LinkEndpoint): ClosedReason[] {
  const reasons: ClosedReason[] = [];
  endpoint.on('closed', (reason) => reasons.push(reason));
  return reasons;
}
