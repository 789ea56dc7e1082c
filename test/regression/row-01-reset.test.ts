/**
 * Found with gVisor's netstack on the other end: a SEQPACKET peer that goes away with unread frames of ours leaves
 * ECONNRESET, which the kernel reports before the frames that the peer had sent. They are delivered all the same.
 */

import test from 'ava';

import { attachRecorder, Recording } from './_recorder.ts';
import { assertInvariant, ipPacket, openRig, Peer, RUNS, SOCKET_MODES, until, upTo } from './_support.ts';

const QUEUED = 200;

for (const run of RUNS) {
  for (const dispatchMode of SOCKET_MODES) {
    test.serial(`row 1: ${run}, ${dispatchMode}: a peer that closes with unread frames loses none of its own`, async (t) => {
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
    });
  }
}
