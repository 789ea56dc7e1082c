/**
 * gVisor calls closed() once per fd, with an error that cannot tell a stop from the end of the link. Here it fires once
 * per attachment, whichever way that ends, and says which.
 */

import test, { type ExecutionContext } from 'ava';

import { openFdBased } from '../../link/fd-based.ts';
import { closeFd, socketPair } from '../../native/index.ts';
import { PacketList } from '../../stack/packet-list.ts';
import type { ClosedReason } from '../../stack/link-endpoint.ts';
import { attachRecorder, Recording } from './_recorder.ts';
import { assertInvariant, delay, ipPacket, openRig, Peer, type Rig, RUNS, until, upTo } from './_support.ts';

/** Long enough for a second `closed` to come. */
const SETTLE_MILLISECONDS = 50;

async function settled({ endpoint, reasons }: Pick<Rig, 'endpoint' | 'reasons'>): Promise<void> {
  await until(() => reasons.length > 0, 'closed');
  await endpoint.wait();
  await delay(SETTLE_MILLISECONDS);
}

interface PairRig extends Pick<Rig, 'endpoint' | 'reasons'> {
  readonly fds: readonly [number, number];
  readonly peers: readonly [Peer, Peer];
}

/** One endpoint over the ends of two socket pairs. */
async function openPairRig(t: ExecutionContext, run: (typeof RUNS)[number]): Promise<PairRig> {
  const [first, second] = [socketPair(), socketPair()];
  const fds = [first[0], second[0]] as const;
  const peers = [new Peer(first[1]), new Peer(second[1])] as const;
  const reasons: ClosedReason[] = [];
  const endpoint = await openFdBased({ fds, run, batch: 16, closed: (reason) => reasons.push(reason) });
  t.teardown(async () => {
    endpoint.close();
    await endpoint.wait();
    fds.forEach(closeFd);
    peers.forEach((peer) => peer.close());
  });
  return { endpoint, reasons, fds, peers };
}

for (const run of RUNS) {
  test.serial(`row 6: ${run}: attach(null) tells detached, and every attachment anew`, async (t) => {
    const rig = await openRig(t, { run });
    for (const attachment of [1, 2, 3]) {
      attachRecorder(rig.endpoint, run, new Recording());
      await delay(5);
      rig.endpoint.attach(null);
      rig.endpoint.attach(null);
      await settled(rig);
      t.deepEqual(rig.reasons, Array(attachment).fill({ kind: 'detached', fd: -1 }));
    }
  });

  test.serial(`row 6: ${run}: close() tells detached, once, and nothing where nobody is attached`, async (t) => {
    const rig = await openRig(t, { run });
    attachRecorder(rig.endpoint, run, new Recording());
    rig.endpoint.close();
    rig.endpoint.close();
    rig.peer.close();
    await settled(rig);
    t.deepEqual(rig.reasons, [{ kind: 'detached', fd: -1 }]);
    const idle = await openRig(t, { run });
    idle.endpoint.close();
    await delay(SETTLE_MILLISECONDS);
    t.deepEqual(idle.reasons, []);
  });

  test.serial(`row 6: ${run}: a dispatcher that throws is an error with its message and the fd`, async (t) => {
    const rig = await openRig(t, { run });
    t.is(rig.peer.send([0, 1, 2, 3].map((sequence) => ipPacket(sequence))), 4);
    const recording = new Recording();
    attachRecorder(rig.endpoint, run, { shared: recording.shared, at: 2, action: 'throw' });
    await settled(rig);
    t.is(rig.reasons.length, 1);
    t.like(rig.reasons[0], { kind: 'error', fd: rig.fd });
    t.is(rig.reasons[0]?.error?.message, 'as the test asked');
    t.is(rig.reasons[0]?.error?.name, 'TypeError');
    t.is(recording.count, 2);
    t.is(rig.endpoint.statistics.get('deliveredPackets'), 2);
    t.is(rig.endpoint.statistics.get('detached'), 2);
    assertInvariant(t, rig.endpoint);
    t.throws(() => attachRecorder(rig.endpoint, run, recording), { code: 'ERR_LINK_CLOSED' });
  });

  test.serial(`row 6: ${run}: the hang-up of one fd of two ends both, once, and the other is drained first`, async (t) => {
    const rig = await openPairRig(t, run);
    const recording = new Recording();
    t.is(rig.peers[0].send(upTo(100).map((sequence) => ipPacket(sequence))), 100);
    t.is(rig.peers[1].send(upTo(150).map((sequence) => ipPacket(1000 + sequence))), 150);
    rig.peers[0].close();
    attachRecorder(rig.endpoint, run, recording);
    await settled(rig);
    t.deepEqual(rig.reasons, [{ kind: 'hangup', fd: rig.fds[0] }]);
    t.deepEqual(recording.sequences.filter((sequence) => sequence < 1000), upTo(100));
    t.deepEqual(recording.sequences.filter((sequence) => sequence >= 1000), upTo(150).map((index) => 1000 + index));
    rig.peers[1].send([ipPacket(9999)]);
    await delay(20);
    t.is(recording.count, 250);
    assertInvariant(t, rig.endpoint);
  });

  test.serial(`row 6: ${run}: when both fds have hung up, closed fires once all the same`, async (t) => {
    const rig = await openPairRig(t, run);
    const recording = new Recording();
    rig.peers.forEach((peer) => t.is(peer.send(upTo(70).map((sequence) => ipPacket(sequence))), 70));
    rig.peers.forEach((peer) => peer.close());
    attachRecorder(rig.endpoint, run, recording);
    await settled(rig);
    t.deepEqual(rig.reasons.map(({ kind }) => kind), ['hangup']);
    t.is(recording.count, 140);
  });

  test.serial(`row 6: ${run}: who hears closed may close the descriptors, also when a writer waits for room`, async (t) => {
    const [fd, peerFd] = socketPair();
    const peer = new Peer(peerFd);
    const endpoint = await openFdBased({ fds: [fd], run, mtu: 9000 });
    const closed = new Promise<ClosedReason>((resolve) => {
      endpoint.on('closed', (reason) => {
        if (run === 'inline') closeFd(fd);
        resolve(reason);
      });
    });
    attachRecorder(endpoint, run, new Recording());
    const packet = endpoint.allocate(8000);
    packet?.bytes.fill(0x45, packet.start, packet.end);
    const list = PacketList.of(packet as NonNullable<typeof packet>);
    while (endpoint.writePackets(list) === 1);
    peer.close();
    t.is((await closed).kind, 'hangup');
    await endpoint.wait();
    if (run !== 'inline') closeFd(fd);
    t.pass();
  });
}

for (const run of ['inline', 'ring'] as const) {
  test.serial(`row 6: ${run}: a flood of the other fd puts the end off for a while only`, async (t) => {
    const rig = await openPairRig(t, run);
    const refill = [ipPacket(1)];
    let delivered = 0;
    rig.peers[1].send(upTo(100).map(() => ipPacket(1)));
    rig.peers[0].close();
    rig.endpoint.attach({
      deliverNetworkPacket() {
        delivered++;
        rig.peers[1].send(refill); // for every packet that is taken a new one: its queue is never empty
      },
    });
    await until(() => rig.reasons.length > 0, 'closed');
    t.deepEqual(rig.reasons, [{ kind: 'hangup', fd: rig.fds[0] }]);
    t.true(delivered > 100);
  });
}
