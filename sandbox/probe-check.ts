/** What the checks of `probeKernel` have in common. */

/** Name of a feature, stable: tests and programs ask for it. */
export type FeatureName =
  | 'network-namespace'
  | 'user-namespace'
  | 'tun'
  | 'tap-multi-queue'
  | 'tap-vnet-header'
  | 'tap-udp-offload'
  | 'packet-socket'
  | 'packet-ring'
  | 'packet-vnet-header'
  | 'packet-vnet-header-12'
  | `packet-fanout-${FanoutModeName}`
  | 'veth'
  | 'bridge'
  | 'bridge-vlan-filtering'
  | 'vlan'
  | 'macvlan'
  | 'macvtap'
  | 'ipvlan'
  | 'nft'
  | 'vhost-net'
  | 'kvm';

/** Mode of a fan-out group, as the option `fanout` has it. */
export type FanoutModeName = 'hash' | 'lb' | 'cpu' | 'rollover' | 'random' | 'qm' | 'cbpf' | 'ebpf';

/** One check. */
export interface Check {
  readonly name: FeatureName;
  /** For people, a few words. */
  readonly what: string;
  /** `scratch`: makes links, so only in a namespace made for that; `anywhere`: leaves nothing behind. */
  readonly place: 'scratch' | 'anywhere';
  /** Throws when the feature is not there; what it made may stay in the scratch namespace. */
  readonly run: () => void;
  /** What to do when a right is missing. */
  readonly rightRemedy: string;
  /** What to do when it is the kernel or a program that is missing. */
  readonly remedy: string;
}

/** Where everything about interfaces and packet sockets is allowed. */
export const NETWORK_RIGHTS = 'run as root, or inside `unshare -Urn`';
