/**
 * Found with gVisor's netstack on the other end: a SEQPACKET peer that goes away with unread frames of ours leaves
 * ECONNRESET, which the kernel reports before the frames that the peer had sent. They are delivered all the same.
 */

import test from 'ava';

import { openFdBased } from '../../link/fd-based.ts';
import { closeFd, socketPair } from '../../native/index.ts';
import type { ClosedReason } from '../../stack/link-endpoint.ts';
import { attachRecorder, Recording } from './_recorder.ts';
import { assertInvariant, ipPacket, openRig, Peer, RUNS, SOCKET_MODES, until, upTo } from './_support.ts';

const QUEUED = 200;

for (const run of RUNS) {
  for (const dispatchMode of SOCKET_MODES) {
    test.serial(
      `row 1: ${run}, ${dispatchMode}: a peer that closes with unread frames loses none of its own`,
      async (t) => {
        const { endpoint, reasons, peer, fd } = await openRig(t, { run, dispatchMode });
        const recording = new Recording();
        t.is(new Peer(fd).send([ipPacket(0)]), 1); // never read by the peer
        t.is(peer.send(upTo(QUEUED).map((sequence) => ipPacket(sequence))), QUEUED);
        peer.close();
        attachRecorder(endpoint, run, recording);
        await until(() => reasons.length > 0, 'closed');
        await endpoint.wait();
        t.deepEqual(recording.sequences, upTo(QUEUED));
        t.deepEqual(reasons, [{ kind: 'hangup', fd }]);
        assertInvariant(t, endpoint);
      },
    );
  }
}

for (const run of RUNS) {
  test.serial(`row 1: ${run}: nor does it when another fd of the endpoint has hung up first`, async (t) => {
    const [first, second] = [socketPair(), socketPair()];
    const fds = [first[0], second[0]];
    const [firstPeer, secondPeer] = [new Peer(first[1]), new Peer(second[1])];
    const reasons: ClosedReason[] = [];
    const endpoint = await openFdBased({ fds, run, closed: (reason) => reasons.push(reason) });
    t.teardown(() => fds.forEach((fd) => closeFd(fd)));
    const recording = new Recording();
    t.is(new Peer(second[0]).send([ipPacket(0)]), 1); // never read by the peer
    t.is(secondPeer.send(upTo(QUEUED).map((sequence) => ipPacket(sequence))), QUEUED);
    firstPeer.close();
    secondPeer.close();
    attachRecorder(endpoint, run, recording);
    await until(() => reasons.length > 0, 'closed');
    await endpoint.wait();
    t.deepEqual(recording.sequences, upTo(QUEUED));
    t.is(reasons.length, 1);
    assertInvariant(t, endpoint);
  });
}
