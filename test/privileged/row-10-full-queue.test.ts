/**
 * The queue of a device: AF_PACKET writes into a slow queueing discipline are refused with ENOBUFS, and the fd stays
 * writable all the time. A timer tells when it is worth trying again.
 */

import { execFileSync } from 'node:child_process';

import test, { type ExecutionContext } from 'ava';

import type { RunMode } from '../../link/fd-based-options.ts';
import { type FdBasedEndpoint, openFdBased } from '../../link/fd-based.ts';
import { openPacketSocket } from '../../link/open-packet-socket.ts';
import { runInNamespace } from '../../native/index.ts';
import type { PacketBuffer } from '../../stack/packet-buffer.ts';
import { PacketList } from '../../stack/packet-list.ts';
import { attachRecorder, Recording } from '../regression/_recorder.ts';
import { delay, RUNS, until, upTo } from '../regression/_support.ts';
import { makeNamespace, makeVeth, TEST_PROTOCOL } from './native-support.ts';
import { testFrame } from './row-support.ts';

const TOTAL = 120;
/** Two frames of 1,000 bytes at once, then 100 a second; eight may wait. */
const SLOW = ['rate', '800kbit', 'burst', '2048', 'limit', '8192'];

function tc(namespace: number, ...args: string[]): void {
  runInNamespace(namespace, () => execFileSync('tc', args, { stdio: 'pipe' }));
}

async function openPair(t: ExecutionContext, run: RunMode): Promise<{ left: FdBasedEndpoint; right: FdBasedEndpoint; namespace: number }> {
  const namespace = makeNamespace(t);
  runInNamespace(namespace, makeVeth);
  tc(namespace, 'qdisc', 'replace', 'dev', 'veth0', 'root', 'tbf', ...SLOW);
  const [left, right] = ['veth0', 'veth1'].map((interfaceName) =>
    openPacketSocket({ interfaceName, namespace, protocol: TEST_PROTOCOL }),
  ) as [ReturnType<typeof openPacketSocket>, ReturnType<typeof openPacketSocket>];
  const endpoints = [
    await openFdBased({ fds: left.fds, run, transmitSlots: TOTAL }),
    await openFdBased({ fds: right.fds }),
  ] as [FdBasedEndpoint, FdBasedEndpoint];
  t.teardown(async () => {
    for (const endpoint of endpoints) endpoint.close();
    for (const endpoint of endpoints) await endpoint.wait();
    [left, right].forEach((device) => device.close());
  });
  return { left: endpoints[0], right: endpoints[1], namespace };
}

function allocateAll(endpoint: FdBasedEndpoint): PacketList {
  const list = new PacketList();
  for (const sequence of upTo(TOTAL)) {
    const packet = endpoint.allocate(1_000) as PacketBuffer;
    packet.push(14);
    packet.fill(testFrame(sequence, 1_000));
    packet.networkOffset = packet.start + 14;
    list.push(packet);
  }
  return list;
}

for (const run of RUNS) {
  test.serial(`row 10: ${run}: ENOBUFS of a slow device is a short count and a drain each; nothing is lost`, async (t) => {
    const { left, right } = await openPair(t, run);
    const recording = new Recording();
    attachRecorder(right, 'inline', { shared: recording.shared, protocol: TEST_PROTOCOL });
    attachRecorder(left, run, new Recording());
    let drains = 0;
    const list = allocateAll(left);
    const write = (): void => list.dropFirst(left.writePackets(list));
    left.on('drain', () => {
      drains++;
      write();
    });
    write();
    const accepted = left.statistics.get('transmittedPackets');
    t.true(accepted > 0 && accepted < 20, `${accepted} accepted`);
    t.is(left.statistics.get('shortWrites'), 1);
    await until(() => list.length === 0, 'all were accepted');
    await until(() => recording.count === TOTAL, 'all came');
    t.deepEqual(recording.sequences, upTo(TOTAL));
    t.is(left.statistics.get('transmit-refused'), 0);
    t.is(left.statistics.get('shortWrites'), drains);
    await delay(60);
    t.is(left.statistics.get('shortWrites'), drains);
    // The queue gives room to one packet in 10 ms: waits of 1, 2, 4 and 8 ms each, where polling would be thousands more.
    t.true(drains <= 8 * TOTAL, `${drains} times tried again`);
  });
}
