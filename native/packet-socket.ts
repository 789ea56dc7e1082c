/**
 * Packet sockets, packet(7): opening, fan-out, statistics. Reading them is vectors.ts or the ring of mapping.ts.
 *
 * @packageDocumentation
 */

import { InvalidOptionError } from '../errors.ts';
import * as c from './constants.ts';
import { ERRNO, missingRight, systemError } from './errno.ts';
import { closeFd } from './fd.ts';
import * as layout from './layout.ts';
import * as libc from './libc.ts';
import { allocatePinned, withPinned } from './memory.ts';
import { openSocket, setOption, trySetOption } from './socket.ts';

/** Options of {@link openPacketSocketFd}. */
export interface PacketSocketOptions {
  /** Interface to bind to; 0 takes the frames of all. */
  readonly interfaceIndex: number;
  /** EtherType in host byte order. Default ETH_P_ALL. */
  readonly protocol?: number;
  /** Bytes of virtio-net header before each frame: with it, offloaded super-frames come and go whole. Default 0. */
  readonly vnetHeaderBytes?: 0 | 10 | 12;
  /** Do not see what this host sends. Default true. */
  readonly ignoreOutgoing?: boolean;
  /** Send past the queueing discipline. Default false. */
  readonly qdiscBypass?: boolean;
  /** `raw`: with the link header; `dgram`: without. Default raw. */
  readonly type?: 'raw' | 'dgram';
}

/**
 * Opens a packet socket, non-blocking and closed on exec, and binds it. The caller closes it.
 *
 * The protocol is 0 in socket(2) and set by bind(2): otherwise frames of every interface would be queued in between.
 */
export function openPacketSocketFd(options: PacketSocketOptions): number {
  const fd = createPacketSocketFd(options);
  try {
    bindPacketSocket(fd, options.interfaceIndex, options.protocol ?? c.ETH_P_ALL);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  return fd;
}

/** The first half of {@link openPacketSocketFd}: not bound yet, so that a ring can be set up before the first frame. */
export function createPacketSocketFd(options: Omit<PacketSocketOptions, 'interfaceIndex' | 'protocol'>): number {
  const fd = openSocket(c.AF_PACKET, options.type === 'dgram' ? c.SOCK_DGRAM : c.SOCK_RAW, 0);
  try {
    setVnetHeader(fd, options.vnetHeaderBytes ?? 0);
    if (options.ignoreOutgoing ?? true) {
      setOption(fd, c.SOL_PACKET, c.PACKET_IGNORE_OUTGOING, 1, 'PACKET_IGNORE_OUTGOING');
    }
    if (options.qdiscBypass ?? false) {
      setOption(fd, c.SOL_PACKET, c.PACKET_QDISC_BYPASS, 1, 'PACKET_QDISC_BYPASS');
    }
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  return fd;
}

/** Has the kernel put a virtio-net header before each frame. The 12-byte one needs Linux 6.5. */
function setVnetHeader(fd: number, bytes: 0 | 10 | 12): void {
  if (bytes === 0) return;
  if (bytes === 10) return setOption(fd, c.SOL_PACKET, c.PACKET_VNET_HDR, 1, 'PACKET_VNET_HDR');
  const errno = trySetOption(fd, c.SOL_PACKET, c.PACKET_VNET_HDR_SZ, bytes);
  if (errno === 0) return;
  const remedy = errno === ERRNO.ENOPROTOOPT ? 'Linux 6.5 or vnetHeaderBytes 10 is required' : undefined;
  const action = `Cannot set a virtio-net header of ${bytes} bytes on fd ${fd}`;
  throw systemError(action, 'setsockopt(PACKET_VNET_HDR_SZ)', errno, remedy);
}

// | struct sockaddr_ll 20, padded to 24 | socklen_t 4 | statistics 12 |
const LENGTH = 24;
const STATISTICS = 28;
const scratch = allocatePinned(STATISTICS + layout.TPACKET_STATS_BYTES);

/** bind(2) to an interface and an EtherType in host byte order. */
export function bindPacketSocket(fd: number, interfaceIndex: number, protocol: number = c.ETH_P_ALL): void {
  const { view } = scratch;
  scratch.bytes.fill(0, 0, layout.SOCKADDR_LL_BYTES);
  view.setUint16(layout.SOCKADDR_LL_FAMILY, c.AF_PACKET, true);
  view.setUint16(layout.SOCKADDR_LL_PROTOCOL, protocol);
  view.setInt32(layout.SOCKADDR_LL_IFINDEX, interfaceIndex, true);
  if (libc.bindSocket(fd, scratch.address, layout.SOCKADDR_LL_BYTES) >= 0) return;
  const errno = libc.errno();
  const remedy = errno === ERRNO.ENODEV ? 'an interface of this namespace is required' : undefined;
  throw systemError(`Cannot bind fd ${fd} to interface ${interfaceIndex}`, 'bind', errno, remedy);
}

/**
 * A struct sockaddr_ll, for sendTo() over a socket of type dgram: the kernel makes the link header from it.
 *
 * @param protocol EtherType in host byte order
 * @param linkAddress destination, a 48-bit integer
 */
export function packetAddress(interfaceIndex: number, protocol: number, linkAddress: number): Uint8Array {
  const bytes = new Uint8Array(layout.SOCKADDR_LL_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(layout.SOCKADDR_LL_FAMILY, c.AF_PACKET, true);
  view.setUint16(layout.SOCKADDR_LL_PROTOCOL, protocol);
  view.setInt32(layout.SOCKADDR_LL_IFINDEX, interfaceIndex, true);
  view.setUint16(layout.SOCKADDR_LL_HARDWARE_TYPE, c.ARPHRD_ETHER, true);
  view.setUint8(layout.SOCKADDR_LL_ADDRESS_LENGTH, 6);
  view.setUint16(layout.SOCKADDR_LL_ADDRESS, Math.floor(linkAddress / 0x1_0000_0000));
  view.setUint32(layout.SOCKADDR_LL_ADDRESS + 2, linkAddress % 0x1_0000_0000);
  return bytes;
}

/**
 * Index of the interface that a packet socket is bound to: 0 when to all, -1 when the interface was deleted, another
 * negative number is -errno (getsockname(2) never fails with EPERM, which is what -1 would be).
 */
export function boundInterfaceIndex(fd: number): number {
  scratch.view.setInt32(LENGTH, layout.SOCKADDR_LL_BYTES, true);
  if (libc.getsockname(fd, scratch.address, scratch.address + LENGTH) < 0) return -libc.errno();
  return scratch.view.getInt32(layout.SOCKADDR_LL_IFINDEX, true);
}

/** Index into the result of {@link readPacketStatistics}: frames lost because the queue or ring was full. */
export const STATISTICS_DROPS = 0;
/** Index: frames that matched, the lost ones included. */
export const STATISTICS_PACKETS = 1;
/** Index: how often a ring was full (0 without a ring of version 3). */
export const STATISTICS_FREEZES = 2;

/**
 * PACKET_STATISTICS into `out`: 0, or -errno. Reading resets the kernel's counters, so one owner must read and add up.
 */
export function readPacketStatistics(fd: number, out: Int32Array): number {
  const { view } = scratch;
  view.setInt32(LENGTH, layout.TPACKET_STATS_BYTES, true);
  // Without a ring of version 3 the kernel writes 8 bytes only.
  view.setInt32(STATISTICS + layout.TPACKET_STATS_FREEZES, 0, true);
  const value = scratch.address + STATISTICS;
  if (libc.getsockopt(fd, c.SOL_PACKET, c.PACKET_STATISTICS, value, scratch.address + LENGTH) < 0) {
    return -libc.errno();
  }
  out[STATISTICS_DROPS] = view.getInt32(STATISTICS + layout.TPACKET_STATS_DROPS, true);
  out[STATISTICS_PACKETS] = view.getInt32(STATISTICS + layout.TPACKET_STATS_PACKETS, true);
  out[STATISTICS_FREEZES] = view.getInt32(STATISTICS + layout.TPACKET_STATS_FREEZES, true);
  return 0;
}

/**
 * Joins a fan-out group of this namespace: the group's id.
 *
 * @param id of the group, 0 to 65535; must be 0 with PACKET_FANOUT_FLAG_UNIQUEID, where the kernel picks an unused one
 * @param mode PACKET_FANOUT_HASH …
 * @param flags PACKET_FANOUT_FLAG_…; the same for all members
 */
export function joinFanout(fd: number, id: number, mode: number, flags: number): number {
  //   31          16 15           0
  //   | flags | mode |     id     |
  const errno = trySetOption(fd, c.SOL_PACKET, c.PACKET_FANOUT, id | ((mode | flags) << 16));
  if (errno !== 0) {
    throw systemError(
      `Cannot join fanout group ${id} on fd ${fd}`,
      'setsockopt(PACKET_FANOUT)',
      errno,
      fanoutRemedy(errno),
    );
  }
  return joinedFanout(fd).id;
}

/** The group that a socket is in, its mode and flags as `joinFanout` takes them; all 0 when it is in none. */
export function joinedFanout(fd: number): { id: number; modeAndFlags: number } {
  scratch.view.setInt32(LENGTH, 4, true);
  if (libc.getsockopt(fd, c.SOL_PACKET, c.PACKET_FANOUT, scratch.address, scratch.address + LENGTH) < 0) {
    throw systemError(`Cannot read the fanout group of fd ${fd}`, 'getsockopt(PACKET_FANOUT)', libc.errno());
  }
  return { id: scratch.view.getUint16(0, true), modeAndFlags: scratch.view.getUint16(2, true) };
}

function fanoutRemedy(errno: number): string | undefined {
  if (errno === ERRNO.EINVAL || errno === ERRNO.ENETDOWN) {
    return 'a bound socket on an interface that is up, and the mode and flags of the other members are required';
  }
  if (errno === ERRNO.EALREADY) return 'the socket is in a group; a socket joins one only';
  return missingRight(errno, 'CAP_NET_RAW');
}

/**
 * Sets the program of a group in mode CBPF or EBPF (PACKET_FANOUT_DATA); its result modulo the member count chooses.
 *
 * @param program the struct sock_filter instructions (offsets count from the network header), or the fd of an eBPF
 * program of type socket filter
 */
export function setFanoutProgram(fd: number, program: Uint8Array | number): void {
  if (typeof program === 'number') {
    return setOption(fd, c.SOL_PACKET, c.PACKET_FANOUT_DATA, program, 'PACKET_FANOUT_DATA');
  }
  if (program.byteLength === 0 || program.byteLength % layout.SOCK_FILTER_BYTES !== 0) {
    throw new InvalidOptionError(
      `Cannot set the fanout program of fd ${fd}: it has ${program.byteLength} bytes, not a multiple of 8`,
    );
  }
  withPinned(program, (address) => {
    const fprog = new Uint8Array(layout.SOCK_FPROG_BYTES);
    const view = new DataView(fprog.buffer);
    view.setUint16(layout.SOCK_FPROG_LENGTH, program.byteLength / layout.SOCK_FILTER_BYTES, true);
    view.setBigUint64(layout.SOCK_FPROG_FILTER, BigInt(address), true);
    setOption(fd, c.SOL_PACKET, c.PACKET_FANOUT_DATA, fprog, 'PACKET_FANOUT_DATA');
  });
}

/** Geometry of a receive ring of version 3. */
export interface RxRingOptions {
  /** Bytes of a block: a multiple of the page size. With a virtio-net header more than 64 KiB. */
  readonly blockBytes: number;
  /** Number of blocks. */
  readonly blockCount: number;
  /** Largest frame, with its header of 48 bytes and more; a multiple of 16 that divides the block. */
  readonly frameBytes: number;
  /** After this time a block is handed up although it is not full. 0: the kernel chooses, about 8 ms. */
  readonly retireMilliseconds: number;
}

/**
 * PACKET_VERSION 3 and PACKET_RX_RING: blocks of `blockBytes * blockCount` bytes, which mapping.ts makes readable. The
 * virtio-net header must be set before, and a ring cannot be added once another one of the socket is mapped.
 */
export function setupRxRing(fd: number, options: RxRingOptions): void {
  const { blockBytes, blockCount, frameBytes, retireMilliseconds } = options;
  const action = `Cannot set up a ring of ${blockCount} blocks of ${blockBytes} bytes on fd ${fd}`;
  if (blockBytes % frameBytes !== 0) {
    throw new InvalidOptionError(`${action}: frameBytes is ${frameBytes}, which does not divide a block`);
  }
  setOption(fd, c.SOL_PACKET, c.PACKET_VERSION, c.TPACKET_V3, 'PACKET_VERSION');
  const request = new Uint8Array(layout.TPACKET_REQ3_BYTES);
  const view = new DataView(request.buffer);
  view.setUint32(layout.TPACKET_REQ3_BLOCK_SIZE, blockBytes, true);
  view.setUint32(layout.TPACKET_REQ3_BLOCK_COUNT, blockCount, true);
  view.setUint32(layout.TPACKET_REQ3_FRAME_SIZE, frameBytes, true);
  view.setUint32(layout.TPACKET_REQ3_FRAME_COUNT, (blockBytes / frameBytes) * blockCount, true);
  view.setUint32(layout.TPACKET_REQ3_RETIRE_TIMEOUT, retireMilliseconds, true);
  const errno = trySetOption(fd, c.SOL_PACKET, c.PACKET_RX_RING, request);
  if (errno !== 0) throw systemError(action, 'setsockopt(PACKET_RX_RING)', errno, ringRemedy(errno));
}

function ringRemedy(errno: number): string | undefined {
  if (errno === ERRNO.EINVAL) return 'blocks of whole pages and frames of a multiple of 16 bytes are required';
  if (errno === ERRNO.ENOMEM) return 'a smaller ring is required';
  return missingRight(errno, 'CAP_NET_RAW');
}

/** Has the interface receive frames for other stations as long as the socket is open (PACKET_MR_PROMISC). */
export function setPromiscuous(fd: number, interfaceIndex: number): void {
  const request = new Uint8Array(layout.PACKET_MREQ_BYTES);
  const view = new DataView(request.buffer);
  view.setInt32(layout.PACKET_MREQ_IFINDEX, interfaceIndex, true);
  view.setUint16(layout.PACKET_MREQ_TYPE, c.PACKET_MR_PROMISC, true);
  setOption(fd, c.SOL_PACKET, c.PACKET_ADD_MEMBERSHIP, request, 'PACKET_ADD_MEMBERSHIP');
}
