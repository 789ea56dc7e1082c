/**
 * Keeps what a lent packet pointed at past its endpoint's end, and reads it. argv: mode, run. The memory of a packet ring
 * is the kernel's: reading it after an unmapping would be a crash of this process.
 */

import { type FdBasedEndpoint, openFdBased } from '../../link/fd-based.ts';
import type { RunMode } from '../../link/fd-based-options.ts';
import { openPacketSocket } from '../../link/open-packet-socket.ts';
import { closeFd, createNetworkNamespace, runInNamespace, socketPair } from '../../native/index.ts';
import type { PacketBuffer } from '../../stack/packet-buffer.ts';
import { ipPacket, Peer, until } from '../regression/_support.ts';
import { makeVeth, TEST_PROTOCOL } from '../privileged/native-support.ts';
import { testFrame } from '../privileged/row-support.ts';

const [mode, run] = process.argv.slice(2) as ['slots' | 'packet-mmap', RunMode];

interface Kept {
  readonly packet: PacketBuffer;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly start: number;
}

const PAGE_BYTES = 4096;
const kept: Kept[] = [];

async function receiveOne(): Promise<void> {
  const { endpoint, send, close } = mode === 'slots' ? await openSlots() : await openRing();
  const count = kept.length;
  endpoint.attach({
    deliverNetworkPacket(_protocol, packet) {
      kept.push({ packet, bytes: packet.bytes, view: packet.view, start: packet.start });
    },
  });
  send();
  await until(() => kept.length > count, 'a packet came');
  endpoint.close();
  await endpoint.wait();
  close();
}

interface Link {
  readonly endpoint: FdBasedEndpoint;
  send(): void;
  close(): void;
}

async function openSlots(): Promise<Link> {
  const [fd, peerFd] = socketPair();
  const endpoint = await openFdBased({ fds: [fd], run });
  return { endpoint, send: () => void new Peer(peerFd).send([ipPacket(1)]), close: () => [fd, peerFd].forEach(closeFd) };
}

async function openRing(): Promise<Link> {
  const namespace = createNetworkNamespace();
  runInNamespace(namespace, makeVeth);
  const [from, to] = ['veth0', 'veth1'].map((interfaceName) =>
    openPacketSocket({ interfaceName, namespace, protocol: TEST_PROTOCOL }),
  ) as [ReturnType<typeof openPacketSocket>, ReturnType<typeof openPacketSocket>];
  const endpoint = await openFdBased({ fds: to.fds, run, dispatchMode: 'packet-mmap' });
  const close = (): void => {
    from.close();
    to.close();
    closeFd(namespace);
  };
  return { endpoint, send: () => void new Peer(from.fd).send([testFrame(1)]), close };
}

let sum = 0;
function readAll(): void {
  for (const { packet, bytes, view, start } of kept) {
    sum += (bytes[start] as number) + view.getUint8(start) + packet.bytes.length;
    sum += packet.copyBytes().length;
    for (let at = 0; at < bytes.length; at += PAGE_BYTES) sum += bytes[at] as number;
    bytes[start] = 1;
  }
}

for (let round = 0; round < 3; round++) {
  await receiveOne();
  readAll();
}
setTimeout(readAll, 100);
setTimeout(() => process.stdout.write(`read ${sum > 0}\n`), 120);
