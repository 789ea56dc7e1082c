/**
 * Options of an fd-based endpoint, their defaults, and what contradicts what. Everything is checked before the first
 * byte is read: a wrong option is a typed error at open, never a surprise on the wire.
 */

import type { FanoutOptions } from '../dispatch/fanout.ts';
import type { DispatchMode } from '../dispatch/link-dispatcher.ts';
import type { ReceiveOptions } from '../dispatch/open-dispatcher.ts';
import { DEFAULT_RING_GEOMETRY, type RingGeometry } from '../dispatch/rx-ring.ts';
import { InvalidOptionError } from '../errors.ts';
import type { VnetHeaderBytes } from '../gso/virtio-net-header.ts';
import type { LinkAddress } from '../header/address.ts';
import { HEADER_BYTES as ETHERNET_HEADER_BYTES } from '../header/ethernet.ts';
import { SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM } from '../native/constants.ts';
import { describeFd, type FdDescription } from '../native/fd.ts';
import { Capability, type Capabilities, type ClosedReason, type GsoSupport, NO_GSO } from '../stack/link-endpoint.ts';

/** Who reads the fds, and where the dispatcher runs. */
export type RunMode = 'inline' | 'worker' | 'ring';

/** Options of `openFdBased`. */
export interface FdBasedOptions {
  /** Descriptors that keep packet boundaries: TUN, TAP, macvtap, AF_PACKET, SEQPACKET, DGRAM. Set non-blocking. */
  readonly fds: readonly number[];
  /** Longest packet from the network header on, in bytes, 1 to 65,535. Default 1500. */
  readonly mtu?: number;
  /** Frames begin with an Ethernet header. Default: what the device says (TAP, AF_PACKET: true; TUN: false), else false. */
  readonly ethernetHeader?: boolean;
  /** Our link address: frames for others are counted and dropped. Default 0: no filter. */
  readonly linkAddress?: LinkAddress;
  /** With `linkAddress`: deliver frames for others too, marked `other-host`. Default false. */
  readonly promiscuous?: boolean;
  /** `auto` (default) picks recvmmsg for sockets and readv otherwise. */
  readonly dispatchMode?: DispatchMode | 'auto';
  /** Where packets are read and delivered; see docs/guide/embedding.md. Default inline. */
  readonly run?: RunMode;
  /** Longest super-packet that is accepted for writing, in bytes, 0 to 65,536; 0 switches GSO off. Default 65,535 with a virtio-net header. */
  readonly gsoMaxSize?: number;
  /** Bytes of virtio-net header before each frame. Default: asked of the kernel; on other sockets 10 if gsoMaxSize > 0. */
  readonly vnetHeaderBytes?: VnetHeaderBytes;
  /** Transport checksums may be left to the link. Default: true with a virtio-net header. */
  readonly txChecksumOffload?: boolean;
  /** Transport checksums need no verification. Default: false; `packet.checksum` knows better. */
  readonly rxChecksumOffload?: boolean;
  /** Capability bit: the endpoint survives a checkpoint. Default false. */
  readonly saveRestore?: boolean;
  /** Capability bit: a disconnect on restore is no error. Default false. */
  readonly disconnectOk?: boolean;
  /** Called like a `closed` listener that is registered before the first read. */
  readonly closed?: (reason: ClosedReason) => void;
  /** The endpoint closes the fds. Default false: they are the caller's. */
  readonly ownFds?: boolean;
  /** Capacity of a receive slot, in bytes of frame. Default: all that the device can hand up. */
  readonly slotBytes?: number;
  /** Most frames per batch, 1 to 1024. Default 64, or 8 with slots that hold 64 KiB. */
  readonly batch?: number;
  /** Deliver frames that did not fit, marked `truncated`, instead of dropping them. Default false. */
  readonly deliverTruncated?: boolean;
  /** Ring of dispatchMode packet-mmap. */
  readonly ring?: Partial<RingGeometry>;
  /** How the kernel spreads frames over AF_PACKET fds given together. Default hash. */
  readonly fanout?: FanoutOptions;
  /** Slots that `allocate` hands out. Default 256. */
  readonly transmitSlots?: number;
}

/** One fd and what the kernel said of it. */
export interface FdLink {
  readonly fd: number;
  readonly description: FdDescription;
  readonly mode: DispatchMode;
  readonly vnetHeaderBytes: VnetHeaderBytes;
}

/** All options, checked and filled in. */
export interface ResolvedFdBasedOptions {
  readonly links: readonly FdLink[];
  readonly mtu: number;
  readonly ethernetHeader: boolean;
  readonly linkAddress: LinkAddress;
  readonly promiscuous: boolean;
  readonly run: RunMode;
  readonly gso: GsoSupport;
  readonly capabilities: Capabilities;
  readonly ownFds: boolean;
  readonly capacityBytes: number;
  readonly batch: number;
  readonly deliverTruncated: boolean;
  readonly ring: RingGeometry;
  readonly fanout: FanoutOptions | undefined;
  readonly transmitSlots: number;
}

/** What a worker's half of an endpoint is given. Plain data and shared memory. */
export interface HalfOptions {
  /** With exactly one link, run inline, fds not owned. */
  readonly options: ResolvedFdBasedOptions;
  readonly statistics: SharedArrayBuffer;
  readonly statisticsBlock: number;
}

const RUN_MODES: readonly RunMode[] = ['inline', 'worker', 'ring'];
const DISPATCH_MODES: readonly (DispatchMode | 'auto')[] = ['auto', 'readv', 'recvmmsg', 'packet-mmap'];
const VNET_HEADER_BYTES: readonly (VnetHeaderBytes | undefined)[] = [undefined, 0, 10, 12];

const MAX_PACKET_BYTES = 65_535;
const MAX_GSO_BYTES = 65_536;
const SMALL_SLOT_BYTES = 16_384;
const BATCH_OF_SMALL_SLOTS = 64;
const BATCH_OF_LARGE_SLOTS = 8;

/**
 * Checks the options against each other and against the kernel.
 * @throws InvalidOptionError, SystemError (EBADF)
 */
export function resolveFdBasedOptions(options: FdBasedOptions): ResolvedFdBasedOptions {
  const mtu = integer('mtu', options.mtu ?? 1500, 1, MAX_PACKET_BYTES);
  const gsoMaxSize = integer('gsoMaxSize', options.gsoMaxSize ?? 0, 0, MAX_GSO_BYTES);
  oneOf('dispatchMode', options.dispatchMode ?? 'auto', DISPATCH_MODES);
  oneOf('vnetHeaderBytes', options.vnetHeaderBytes, VNET_HEADER_BYTES);
  const links = checkFds(options.fds).map((fd) => resolveLink(fd, options, gsoMaxSize));
  const first = links[0] as FdLink;
  if (links.some((link) => link.vnetHeaderBytes !== first.vnetHeaderBytes)) {
    throw new InvalidOptionError('Cannot open an fd-based endpoint: its fds have virtio-net headers of different lengths');
  }
  const ethernetHeader = options.ethernetHeader ?? links.every(({ description }) => carriesEthernet(description));
  const capacityBytes = integer('slotBytes', options.slotBytes ?? defaultCapacity(links, mtu, ethernetHeader), 1, 1 << 20);
  return {
    links,
    mtu,
    ethernetHeader,
    linkAddress: integer('linkAddress', options.linkAddress ?? 0, 0, 0xffff_ffff_ffff),
    promiscuous: options.promiscuous ?? false,
    run: oneOf('run', options.run ?? 'inline', RUN_MODES),
    gso: resolveGso(first.vnetHeaderBytes, options.gsoMaxSize),
    capabilities: resolveCapabilities(options, ethernetHeader, first.vnetHeaderBytes),
    ownFds: options.ownFds ?? false,
    capacityBytes,
    batch: integer('batch', options.batch ?? defaultBatch(capacityBytes), 1, 1024),
    deliverTruncated: options.deliverTruncated ?? false,
    ring: resolveRing(options.ring ?? {}),
    fanout: options.fanout,
    transmitSlots: integer('transmitSlots', options.transmitSlots ?? 256, 1, 65_536),
  };
}

/** What a reader of one of the fds must know. */
export function receiveOptions(link: FdLink, options: ResolvedFdBasedOptions): ReceiveOptions {
  const { capacityBytes, batch, deliverTruncated, ring } = options;
  const { fd, mode, vnetHeaderBytes, description } = link;
  const { isPacketSocket, type } = description;
  return { fd, mode, vnetHeaderBytes, canHangUp: type === SOCK_SEQPACKET, isPacketSocket, capacityBytes, batch, deliverTruncated, ring };
}

function checkFds(fds: readonly number[]): readonly number[] {
  if (fds.length === 0) throw new InvalidOptionError('Cannot open an fd-based endpoint: fds is empty');
  for (const fd of fds) integer('fds', fd, 0, 0x7fff_ffff);
  if (new Set(fds).size !== fds.length) {
    throw new InvalidOptionError(`Cannot open an fd-based endpoint: fds "${fds.join(',')}" names one fd twice`);
  }
  return fds;
}

function resolveLink(fd: number, options: FdBasedOptions, gsoMaxSize: number): FdLink {
  const description = describeFd(fd);
  checkKind(fd, description);
  return {
    fd,
    description,
    mode: resolveMode(fd, description, options.dispatchMode ?? 'auto'),
    vnetHeaderBytes: resolveVnetHeader(fd, description, options.vnetHeaderBytes, gsoMaxSize),
  };
}

function checkKind(fd: number, description: FdDescription): void {
  if (description.type === SOCK_STREAM) {
    throw new InvalidOptionError(`Cannot open an fd-based endpoint on fd ${fd}: it is a stream; use QemuStreamEndpoint`);
  }
  if (!description.isPollable || !description.isPacketCarrier) {
    throw new InvalidOptionError(`Cannot open an fd-based endpoint on fd ${fd}: it is no device or socket that can be polled`);
  }
}

function resolveMode(fd: number, description: FdDescription, mode: DispatchMode | 'auto'): DispatchMode {
  const isSocket = description.kind === 'socket';
  if (mode === 'auto') return isSocket ? 'recvmmsg' : 'readv';
  if (mode === 'recvmmsg' && !isSocket) {
    throw new InvalidOptionError(`Cannot use dispatchMode "recvmmsg" on fd ${fd}: it is no socket; use readv`);
  }
  if (mode === 'packet-mmap' && !description.isPacketSocket) {
    throw new InvalidOptionError(`Cannot use dispatchMode "packet-mmap" on fd ${fd}: it is no AF_PACKET socket; use recvmmsg or readv`);
  }
  return mode;
}

/** The kernel knows for its own devices; for a plain socket the two sides agree, as gVisor's do, by gsoMaxSize. */
function resolveVnetHeader(
  fd: number,
  description: FdDescription,
  asked: VnetHeaderBytes | undefined,
  gsoMaxSize: number,
): VnetHeaderBytes {
  const kernelKnows = description.isPacketSocket || description.kind === 'tun' || description.kind === 'tap';
  if (!kernelKnows) return asked ?? (gsoMaxSize > 0 ? 10 : 0);
  const actual = description.vnetHeaderBytes;
  if (asked !== undefined && asked !== actual) {
    throw new InvalidOptionError(
      `Cannot use vnetHeaderBytes ${asked} on fd ${fd}: the kernel's virtio-net header there has ${actual} bytes`,
    );
  }
  if (actual === 0 || actual === 10 || actual === 12) return actual;
  throw new InvalidOptionError(`Cannot use fd ${fd}: its virtio-net header has ${actual} bytes; set 10 or 12`);
}

function carriesEthernet({ kind, isPacketSocket, type }: FdDescription): boolean {
  return kind === 'tap' || (isPacketSocket && type !== SOCK_DGRAM);
}

/**
 * All that can come: super-frames of 64 KiB from every kernel device (veth hands them up without a virtio-net header
 * too) and from whoever speaks that header; on a plain socket pair the peers keep to the MTU.
 */
function defaultCapacity(links: readonly FdLink[], mtu: number, ethernetHeader: boolean): number {
  const header = ethernetHeader ? ETHERNET_HEADER_BYTES : 0;
  const bounded = links.every(({ description, vnetHeaderBytes }) => isMessageSocket(description) && vnetHeaderBytes === 0);
  return (bounded ? mtu : MAX_PACKET_BYTES) + header;
}

function isMessageSocket({ isPacketSocket, type }: FdDescription): boolean {
  return !isPacketSocket && (type === SOCK_SEQPACKET || type === SOCK_DGRAM);
}

function defaultBatch(capacityBytes: number): number {
  return capacityBytes <= SMALL_SLOT_BYTES ? BATCH_OF_SMALL_SLOTS : BATCH_OF_LARGE_SLOTS;
}

/** The kernel refuses what is no multiple of its pages; no blocks at all would be a request for no ring. */
function resolveRing(asked: Partial<RingGeometry>): RingGeometry {
  const { blockBytes, blockCount, retireMilliseconds } = { ...DEFAULT_RING_GEOMETRY, ...asked };
  return {
    blockBytes: integer('ring.blockBytes', blockBytes, 4096, 1 << 30),
    blockCount: integer('ring.blockCount', blockCount, 1, 65_536),
    retireMilliseconds: integer('ring.retireMilliseconds', retireMilliseconds, 0, 60_000),
  };
}

function resolveGso(vnetHeaderBytes: VnetHeaderBytes, asked: number | undefined): GsoSupport {
  const maxSize = asked ?? MAX_PACKET_BYTES;
  return vnetHeaderBytes === 0 || maxSize === 0 ? NO_GSO : { kind: 'host', maxSize };
}

function resolveCapabilities(options: FdBasedOptions, ethernetHeader: boolean, vnetHeaderBytes: number): Capabilities {
  const tx = options.txChecksumOffload ?? vnetHeaderBytes > 0;
  return (
    (tx ? Capability.TX_CHECKSUM_OFFLOAD : 0) |
    (options.rxChecksumOffload === true ? Capability.RX_CHECKSUM_OFFLOAD : 0) |
    (ethernetHeader ? Capability.RESOLUTION_REQUIRED : 0) |
    (options.saveRestore === true ? Capability.SAVE_RESTORE : 0) |
    (options.disconnectOk === true ? Capability.DISCONNECT_OK : 0)
  );
}

function integer(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new InvalidOptionError(`Cannot open an fd-based endpoint: ${name} is ${value}; an integer from ${least} to ${most} is required`);
}

/** For callers without types. */
function oneOf<T>(name: string, value: T, choices: readonly T[]): T {
  if (choices.includes(value)) return value;
  const known = choices.filter((choice) => choice !== undefined).join(', ');
  const state = `${name} is "${String(value)}"; one of ${known} is required`;
  throw new InvalidOptionError(`Cannot open an fd-based endpoint: ${state}`);
}
