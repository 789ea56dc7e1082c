/**
 * The devices of the matrix, each made for one test and thrown away after it.
 *
 *      endpoint ── fds ── | TUN, TAP: the interface in a namespace | ── AF_PACKET socket ── Peer
 *      endpoint ── fds ── | veth0 ═══ veth1, in a namespace        | ── AF_PACKET socket ── Peer
 *      endpoint ── fd ─── socket pair ───────────────────────────────────────────────────── Peer
 */

import type { ExecutionContext } from 'ava';

import { ETHERTYPE_IPV4 } from '../../header/ethernet.ts';
import { openPacketSocket } from '../../link/open-packet-socket.ts';
import { openTap, openTun } from '../../link/open-tun.ts';
import { closeFd, constants, runInNamespace, setInterfaceUp, socketPair } from '../../native/index.ts';
import { makeNamespace, makeVeth, waitUntilRunning } from '../privileged/native-support.ts';
import type { DeviceSpec } from './matrix.ts';
import { Peer } from './peer.ts';

/** A device, ready for an endpoint. */
export interface Device {
  readonly fds: readonly number[];
  readonly peer: Peer;
  readonly ethernet: boolean;
  /** Packets that may be on their way without being lost: what the smallest queue on it holds. */
  readonly window: number;
  close(): void;
}

/** A TUN/TAP queue holds 500 packets (its txqueuelen), the kernel's backlog 1,000. */
const TUN_WINDOW = 256;
/** Sockets get 4 MiB; a packet of 16 KiB is charged at most twice its length. */
const SOCKET_BUFFER_BYTES = 4 << 20;
const PACKET_WINDOW = 512;
/** Nothing is ever lost on a socket pair: the sender waits. */
const PAIR_WINDOW = 4096;

/** Makes the device; what fails is the test's failure. */
export function openDevice(t: ExecutionContext, spec: DeviceSpec): Device {
  switch (spec.kind) {
    case 'seqpacket':
      return openPair(spec, constants.SOCK_SEQPACKET);
    case 'dgram':
      return openPair(spec, constants.SOCK_DGRAM);
    case 'tun':
    case 'tap':
      return openTunTap(t, spec, spec.kind);
    case 'packet':
      return openVeth(t, spec);
  }
}

function openPair({ vnetHeaderBytes }: DeviceSpec, type: number): Device {
  const [fd, peerFd] = socketPair(type, { sendBufferBytes: 1 << 20 });
  const peer = new Peer({ fd: peerFd, vnetHeaderBytes, ethernet: false });
  const close = (): void => {
    peer.close();
    closeFd(fd);
  };
  return { fds: [fd], peer, ethernet: false, window: PAIR_WINDOW, close };
}

function openTunTap(t: ExecutionContext, spec: DeviceSpec, kind: 'tun' | 'tap'): Device {
  const { vnetHeaderBytes, queues } = spec;
  const namespace = makeNamespace(t);
  const open = kind === 'tap' ? openTap : openTun;
  const device = open({ name: `${kind}0`, namespace, vnetHeaderBytes, queues });
  runInNamespace(namespace, () => {
    setInterfaceUp(device.name, true);
    waitUntilRunning(device.name);
  });
  const peer = openPeer(namespace, device.name, vnetHeaderBytes > 0, kind === 'tap');
  const close = (): void => {
    peer.close();
    device.close();
  };
  return { fds: device.fds, peer, ethernet: kind === 'tap', window: TUN_WINDOW, close };
}

function openVeth(t: ExecutionContext, { vnetHeaderBytes, queues }: DeviceSpec): Device {
  const namespace = makeNamespace(t);
  runInNamespace(namespace, makeVeth);
  const device = openPacketSocket({
    interfaceName: 'veth0',
    namespace,
    queues,
    vnetHeaderBytes,
    protocol: ETHERTYPE_IPV4,
    bufferBytes: SOCKET_BUFFER_BYTES,
  });
  const peer = openPeer(namespace, 'veth1', vnetHeaderBytes > 0, true);
  const close = (): void => {
    peer.close();
    device.close();
  };
  return { fds: device.fds, peer, ethernet: true, window: PACKET_WINDOW, close };
}

/** A packet socket on `interfaceName`: with a virtio-net header of 10 bytes, whatever the device's, if there is one. */
function openPeer(namespace: number, interfaceName: string, hasOffloads: boolean, ethernet: boolean): Peer {
  const vnetHeaderBytes = hasOffloads ? 10 : 0;
  const { fd } = openPacketSocket({
    interfaceName,
    namespace,
    vnetHeaderBytes,
    protocol: ETHERTYPE_IPV4,
    bufferBytes: SOCKET_BUFFER_BYTES,
  });
  return new Peer({ fd, vnetHeaderBytes, ethernet });
}
