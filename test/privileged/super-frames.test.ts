/** Super-frames of the kernel's TCP: taken whole with and without a virtio-net header, and accepted when written. */

import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import test, { type ExecutionContext } from 'ava';

import type { RunMode } from '../../link/fd-based-options.ts';
import { type FdBasedEndpoint, openFdBased } from '../../link/fd-based.ts';
import { openPacketSocket } from '../../link/open-packet-socket.ts';
import { openTap } from '../../link/open-tun.ts';
import { addIpv4Address, runInNamespace, setInterfaceUp } from '../../native/index.ts';
import { createVeth } from '../../sandbox/veth.ts';
import type { NetworkDispatcher } from '../../stack/network-dispatcher.ts';
import type { PacketBuffer } from '../../stack/packet-buffer.ts';
import { PacketList } from '../../stack/packet-list.ts';
import { assertInvariant } from '../regression/_support.ts';
import { testWithTun } from './_rights.ts';
import { makeNamespace, waitUntilRunning } from './native-support.ts';

const ETH_P_IP = 0x0800;
const SENT_BYTES = 48 << 20;
/** Of an IPv4 packet: within reach of the 65,535 that there can be. */
const SUPER_BYTES = 60_000;
const LEFT = 0xc000_0201;
const RIGHT = 0xc000_0202;

/** Runs one end of a connection in a namespace; resolves with its lines. */
function tcpPeer(t: ExecutionContext, namespace: number, args: string[], onLine?: (line: string) => void): Promise<string[]> {
  const script = fileURLToPath(new URL('_tcp-peer.js', import.meta.url));
  const child: ChildProcess = runInNamespace(namespace, () => spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] }));
  t.teardown(() => child.kill('SIGKILL'));
  const lines: string[] = [];
  child.stdout?.on('data', (text: Buffer) => {
    for (const line of String(text).split('\n').filter(Boolean)) {
      lines.push(line);
      onLine?.(line);
    }
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(lines) : reject(new Error(`The peer ended with ${code}`))));
  });
}

/** One connection from `left` to `right`: what was sent arrived. */
async function transfer(t: ExecutionContext, left: number, right: number): Promise<void> {
  let sending: Promise<string[]> | undefined;
  const receiving = tcpPeer(t, right, ['listen', '192.0.2.2'], (line) => {
    if (line === 'listening') sending = tcpPeer(t, left, ['connect', '192.0.2.2', String(SENT_BYTES)]);
  });
  const received = (await receiving).at(-1);
  t.is(received, (await sending)?.at(-1));
  t.is((JSON.parse(received as string) as { bytes: number }).bytes, SENT_BYTES);
}

function configure(namespace: number, name: string, address: number): void {
  runInNamespace(namespace, () => {
    setInterfaceUp(name, true);
    addIpv4Address(name, address, 24);
    waitUntilRunning(name);
  });
}

interface Seen {
  longest: number;
  /** IPv4 packets whose own length field says another length than was received. */
  cut: number;
}

function look(seen: Seen, protocol: number, packet: PacketBuffer): void {
  if (protocol !== ETH_P_IP) return;
  const bytes = packet.networkBytes;
  seen.longest = Math.max(seen.longest, bytes);
  // Frames shorter than Ethernet's least are padded.
  if (packet.view.getUint16(packet.networkOffset + 2) > bytes) seen.cut++;
}

for (const dispatchMode of ['recvmmsg', 'readv', 'packet-mmap'] as const) {
  for (const run of ['inline', 'ring'] as const) {
    test.serial(`${run}, ${dispatchMode}: TCP over veth with segmentation offload and no virtio-net header is not truncated`, async (t) => {
      const [left, right] = [makeNamespace(t), makeNamespace(t)];
      createVeth({ name: 'veth0', peerName: 'veth1', namespace: left, peerNamespaceFd: right });
      // The other end has to be up before one is running.
      runInNamespace(right, () => setInterfaceUp('veth1', true));
      configure(left, 'veth0', LEFT);
      configure(right, 'veth1', RIGHT);
      const socket = openPacketSocket({ interfaceName: 'veth1', namespace: right, bufferBytes: 32 << 20 });
      const endpoint = await openFdBased({ fds: socket.fds, run, dispatchMode, ring: { blockCount: 256 } });
      t.teardown(async () => {
        endpoint.close();
        await endpoint.wait();
        socket.close();
      });
      const seen: Seen = { longest: 0, cut: 0 };
      endpoint.attach({ deliverNetworkPacket: (protocol, packet) => look(seen, protocol, packet) });
      await transfer(t, left, right);
      t.true(seen.longest > SUPER_BYTES, `the longest packet had ${seen.longest} bytes`);
      t.is(seen.cut, 0);
      t.is(endpoint.statistics.get('truncated'), 0);
      assertInvariant(t, endpoint);
    });
  }
}

/** Writes all that comes to `out`; what its queue does not take is TCP's to send again. */
function forwarder(seen: Seen, out: FdBasedEndpoint): NetworkDispatcher {
  const list = new PacketList();
  return {
    deliverNetworkPacket(protocol, packet) {
      look(seen, protocol, packet);
      list.clear();
      list.push(packet);
      out.writePackets(list);
    },
  };
}

async function openTapEndpoint(t: ExecutionContext, namespace: number, vnetHeaderBytes: 10 | 12, run: RunMode): Promise<FdBasedEndpoint> {
  const tap = openTap({ name: 'tap0', namespace, vnetHeaderBytes });
  const endpoint = await openFdBased({ fds: tap.fds, run });
  t.teardown(async () => {
    endpoint.close();
    await endpoint.wait();
    tap.close();
  });
  return endpoint;
}

for (const run of ['inline', 'ring'] as const) {
  for (const [leftBytes, rightBytes] of [[10, 10], [12, 10]] as const) {
    const title = `TCP super-segments cross two TAPs with virtio-net headers of ${leftBytes} and ${rightBytes} bytes`;
    testWithTun(`${run}: ${title}: received whole, accepted when written`, async (t) => {
      const namespaces = [makeNamespace(t), makeNamespace(t)] as const;
      const left = await openTapEndpoint(t, namespaces[0], leftBytes, run);
      const right = await openTapEndpoint(t, namespaces[1], rightBytes, run);
      configure(namespaces[0], 'tap0', LEFT);
      configure(namespaces[1], 'tap0', RIGHT);
      const seen: Seen = { longest: 0, cut: 0 };
      left.attach(forwarder(seen, right));
      right.attach(forwarder({ longest: 0, cut: 0 }, left));
      await transfer(t, ...namespaces);
      // Neither may forward to the other when that is closed.
      for (const endpoint of [left, right]) endpoint.attach(null);
      await Promise.all([left.wait(), right.wait()]);
      t.true(seen.longest > SUPER_BYTES, `the longest packet had ${seen.longest} bytes`);
      t.is(seen.cut, 0);
      t.true(left.statistics.get('receivedSuperPackets') > 100);
      t.is(left.statistics.get('truncated'), 0);
      t.is(right.statistics.get('transmit-refused'), 0);
      t.true(right.statistics.get('transmittedSuperPackets') > 100);
      t.is(right.statistics.get('transmitCopies'), 0);
      assertInvariant(t, left);
      assertInvariant(t, right);
    });
  }
}
