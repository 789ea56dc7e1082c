/**
 * What a rootless namespace's process and its parent say to each other, over a SEQPACKET pair: JSON, and descriptors
 * with it. The child begins with `ready`; then it answers every request, in order.
 *
 *     parent                                   child (user namespace, network namespace)
 *        │  ◄──── { kind: 'ready' } + the namespace ──────────────────   │
 *        │  ───── { kind: 'tap', … } ─────────────────────────────────►  │
 *        │  ◄──── { kind: 'tap', … } + its queues, or 'failure' ──────   │
 */

import type { PacketSocketDevice } from '../link/open-packet-socket.ts';
import type { TunDevice } from '../link/open-tun.ts';
import type { DeviceOptions, NamespaceDevice, PacketSocketOptionsInside, TunOptionsInside } from './net-namespace.ts';

/** What the parent asks for. */
export type RootlessRequest =
  | { readonly kind: 'netlink'; readonly groups?: number }
  | { readonly kind: 'tun'; readonly mode: 'tap' | 'tun'; readonly options: TunOptionsInside }
  | { readonly kind: 'packet'; readonly options: PacketSocketOptionsInside }
  | { readonly kind: 'device'; readonly options: DeviceOptions };

/** What a TunDevice is made of again, but for its descriptors. */
export type TunProperties = Pick<TunDevice, 'name' | 'mode' | 'vnetHeaderBytes' | 'offloads'>;
/** What a PacketSocketDevice is made of again, but for its descriptors. */
export type PacketProperties = Pick<PacketSocketDevice, 'name' | 'interfaceIndex' | 'mode' | 'vnetHeaderBytes'>;

/** An error, to be made again. */
export interface FailureMessage {
  readonly kind: 'failure';
  readonly code: string;
  readonly message: string;
  /** Of a failed system call. */
  readonly errno?: number;
  readonly syscall?: string;
}

/** What the child answers; the descriptors come with it. */
export type RootlessReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'netlink' }
  | { readonly kind: 'tun'; readonly properties: TunProperties }
  | { readonly kind: 'packet'; readonly properties: PacketProperties }
  | { readonly kind: 'device'; readonly device: DeviceMessage }
  | FailureMessage;

/** A NamespaceDevice without its descriptors. */
export type DeviceMessage = Pick<NamespaceDevice, 'name' | 'refused'> &
  (
    | { readonly kind: 'tap'; readonly properties: TunProperties }
    | { readonly kind: 'veth'; readonly properties: PacketProperties }
  );
