/**
 * What frames cross, in a namespace of this process's own: sockets and TUN devices are made for each sample.
 *
 *     generator ── fd ──[ device ]── fd 3 ── contestant
 */

import { writeFileSync } from 'node:fs';
import type { LinkAddress } from '../header/address.ts';
import { openPacketSocket } from '../link/open-packet-socket.ts';
import { openTap, openTun } from '../link/open-tun.ts';
import {
  addIpv4Address,
  closeFd,
  createNetworkNamespace,
  enterNamespace,
  interfaceLinkAddress,
  setBufferSizes,
  setInterfaceUp,
  setNonblocking,
  socketPair,
} from '../native/index.ts';
import { createVeth } from '../sandbox/veth.ts';
import { HOST_IPV4 } from './frames.ts';

/** Kinds of devices; those with `-vnet` have a virtio-net header before each frame. */
export type DeviceKind = 'seqpacket' | 'seqpacket-vnet' | 'veth' | 'veth-vnet' | 'tun' | 'tap' | 'tun-vnet';

/** Queues must hold a burst: 8 MiB of socket buffers. */
const BUFFER_BYTES = 1 << 23;

/** An open device. */
export interface Device extends Disposable {
  readonly kind: DeviceKind;
  /** What the contestant reads and writes. */
  readonly fd: number;
  /** What the generator sends to; the other end of a pair. */
  readonly generatorFd: number;
  /** The contestant's interface; '' where there is none. */
  readonly interfaceName: string;
  /** Its link address; 0 where there is none. */
  readonly linkAddress: LinkAddress;
  /** Gives up this process's copy of the contestant's fd: its peers see the contestant's end as the only one. */
  handOver(): void;
}

/** Frames of this kind of device begin with an Ethernet header. */
export function hasEthernet(kind: DeviceKind): boolean {
  return kind === 'veth' || kind === 'veth-vnet' || kind === 'tap';
}

/** Bytes of virtio-net header on this kind of device. */
export function vnetBytes(kind: DeviceKind): 0 | 10 {
  return kind.endsWith('-vnet') ? 10 : 0;
}

/** Needs no right at all. */
export function isUnprivileged(kind: DeviceKind): boolean {
  return kind === 'seqpacket' || kind === 'seqpacket-vnet';
}

/** Moves this thread, and the children that it starts, to a network namespace that dies with them. */
export function enterOwnNamespace(): void {
  const namespace = createNetworkNamespace();
  enterNamespace(namespace);
  closeFd(namespace);
  // The kernel's own chatter would be measured, too.
  for (const scope of ['all', 'default']) trySetting(`/proc/sys/net/ipv6/conf/${scope}/disable_ipv6`, '1');
}

/** Opens a device. @throws SystemError naming the missing right */
export function openDevice(kind: DeviceKind): Device {
  switch (kind) {
    case 'seqpacket':
    case 'seqpacket-vnet':
      return openPair(kind);
    case 'veth':
    case 'veth-vnet':
      return openVethPair(kind);
    case 'tun':
    case 'tap':
    case 'tun-vnet':
      return openTunDevice(kind);
  }
}

function openPair(kind: DeviceKind): Device {
  const [fd, generatorFd] = socketPair();
  for (const end of [fd, generatorFd]) setBufferSizes(end, { send: BUFFER_BYTES, receive: BUFFER_BYTES, force: true });
  setNonblocking(generatorFd);
  return new OpenDevice({ kind, fd, generatorFd, interfaceName: '', linkAddress: 0 }, []);
}

let hasVeth = false;

/** One pair for all samples: to delete an interface keeps the kernel busy long after. */
function ensureVeth(): void {
  if (hasVeth) return;
  hasVeth = true;
  createVeth({ name: 'bench0', peerName: 'bench1' });
  addIpv4Address('bench0', HOST_IPV4, 24);
  for (const name of ['bench0', 'bench1']) setInterfaceUp(name, true);
}

function openVethPair(kind: DeviceKind): Device {
  ensureVeth();
  const vnetHeaderBytes = vnetBytes(kind);
  const ours = openPacketSocket({ interfaceName: 'bench0', vnetHeaderBytes, bufferBytes: BUFFER_BYTES });
  return withGenerator(kind, ours.fd, 'bench0', 'bench1', () => ours.close());
}

function openTunDevice(kind: DeviceKind): Device {
  const vnetHeaderBytes = vnetBytes(kind);
  const tun = kind === 'tap' ? openTap({ vnetHeaderBytes }) : openTun({ vnetHeaderBytes });
  addIpv4Address(tun.name, HOST_IPV4, 24);
  setInterfaceUp(tun.name, true);
  return withGenerator(kind, tun.fd, tun.name, tun.name, () => tun.close());
}

/** What leaves through `interfaceName` by a packet socket that hears nothing arrives at `fd`. */
function withGenerator(
  kind: DeviceKind,
  fd: number,
  ownName: string,
  interfaceName: string,
  close: () => void,
): Device {
  const vnetHeaderBytes = vnetBytes(kind);
  const sender = openPacketSocket({
    interfaceName,
    vnetHeaderBytes,
    protocol: 0,
    qdiscBypass: true,
    bufferBytes: BUFFER_BYTES,
  });
  const linkAddress = hasEthernet(kind) ? interfaceLinkAddress(ownName) : 0;
  return new OpenDevice({ kind, fd, generatorFd: sender.fd, interfaceName: ownName, linkAddress }, [
    close,
    () => sender.close(),
  ]);
}

class OpenDevice implements Device {
  readonly kind: DeviceKind;
  readonly fd: number;
  readonly generatorFd: number;
  readonly interfaceName: string;
  readonly linkAddress: LinkAddress;
  readonly #closers: readonly (() => void)[];
  #handedOver = false;

  constructor(device: Omit<Device, 'handOver' | typeof Symbol.dispose>, closers: readonly (() => void)[]) {
    this.kind = device.kind;
    this.fd = device.fd;
    this.generatorFd = device.generatorFd;
    this.interfaceName = device.interfaceName;
    this.linkAddress = device.linkAddress;
    this.#closers = closers;
  }

  handOver(): void {
    if (this.#handedOver || this.#closers.length > 0) return; // an interface lives as long as its owner
    this.#handedOver = true;
    closeFd(this.fd);
  }

  [Symbol.dispose](): void {
    for (const close of this.#closers) close();
    if (this.#closers.length > 0) return;
    this.handOver();
    closeFd(this.generatorFd);
  }
}

function trySetting(path: string, value: string): void {
  try {
    writeFileSync(path, value);
  } catch {
    // Without IPv6, or with a read-only /proc, there is nothing to silence or no way to.
  }
}
