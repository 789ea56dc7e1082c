/**
 * What the demo and its child in the namespace say to each other, over a SEQPACKET pair: JSON, and descriptors with it.
 *
 *     demo (endpoint, dispatcher)                    child (namespace, device, kernel sockets)
 *        │  ◄──── { kind: 'device' } + the device's descriptor ────   │
 *        │  ────── { kind: 'start' } ──────────────────────────────►  │   the endpoint is attached
 *        │  ◄──── { kind: 'result' } or { kind: 'failure' } ───────   │
 */

import type { ExchangeResult } from './demo-exchange.ts';
import type { ProbeResult } from './demo-probe.ts';

/** What the demo runs on, best first. */
export const TIERS = ['tap', 'veth', 'socketpair'] as const;
/** One of them. */
export type Tier = (typeof TIERS)[number];

/** Why a better tier was not used. */
export interface Refusal {
  readonly tier: Tier;
  readonly reason: string;
}

/** The device that a child has made; its descriptor comes with the message. */
export interface DeviceMessage {
  readonly kind: 'device';
  readonly tier: Tier;
  /** Name of the interface. */
  readonly name: string;
  /** UDP and TCP cross as super-packets. */
  readonly offloads: boolean;
  readonly refused: readonly Refusal[];
}

/** How the exchange with one address went. */
export interface NamedExchange extends ExchangeResult {
  readonly address: string;
}

/** Everything went to its end, well or not. */
export interface ResultMessage {
  readonly kind: 'result';
  readonly probes: readonly ProbeResult[];
  readonly exchanges: readonly NamedExchange[];
}

/** It did not. */
export interface FailureMessage {
  readonly kind: 'failure';
  readonly message: string;
  readonly code: string;
  /** No tier of this child can be used: the demo may go on with another. */
  readonly refused: readonly Refusal[];
}

/** The endpoint is attached: begin. */
export interface StartMessage {
  readonly kind: 'start';
}

/** What the child says. */
export type ChildMessage = DeviceMessage | ResultMessage | FailureMessage;
