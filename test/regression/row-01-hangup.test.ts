/**
 * gVisor: recvmmsg on a closed SEQPACKET peer answers a full batch of zero-length messages for ever; the loop spins and
 * closed() is never called. Here the hang-up is told from an empty datagram, and what was queued comes first.
 */

import test from 'ava';

import { attachRecorder, Recording } from './_recorder.ts';
import { assertInvariant, delay, ipPacket, openRig, RUNS, SOCKET_MODES, until, upTo } from './_support.ts';

/** Four batches of 64 and a bit; a socket pair holds about 270 of them. */
const QUEUED = 260;
/** How long to look for a spin, and the CPU time that is none. */
const WATCHED_MILLISECONDS = 300;
const SPIN_MICROSECONDS = 150_000;

for (const run of RUNS) {
  for (const dispatchMode of SOCKET_MODES) {
    test.serial(`row 1: ${run}, ${dispatchMode}: what is queued is delivered, then closed("hangup") once, then quiet`, async (t) => {
      const { endpoint, reasons, peer, fd } = await openRig(t, { run, dispatchMode, batch: 64 });
      const recording = new Recording();
      t.is(peer.send(upTo(QUEUED).map((sequence) => ipPacket(sequence))), QUEUED);
      peer.close();
      attachRecorder(endpoint, run, recording);
      await until(() => reasons.length > 0, 'closed');
      await endpoint.wait();
      t.deepEqual(recording.sequences, upTo(QUEUED));
      t.is(endpoint.statistics.get('receivedPackets'), QUEUED);
      t.is(endpoint.statistics.get('empty-datagram'), 0);

      const syscalls = endpoint.statistics.get('receiveSyscalls');
      const before = process.cpuUsage();
      await delay(WATCHED_MILLISECONDS);
      const { user, system } = process.cpuUsage(before);
      t.true(user + system < SPIN_MICROSECONDS, `${user + system} us of CPU after the hang-up`);
      t.is(endpoint.statistics.get('receiveSyscalls'), syscalls);
      t.deepEqual(reasons, [{ kind: 'hangup', fd }]);
      assertInvariant(t, endpoint);
      t.throws(() => attachRecorder(endpoint, run, recording), { code: 'ERR_LINK_CLOSED' });
    });

    test.serial(`row 1: ${run}, ${dispatchMode}: a hang-up without a frame closes too`, async (t) => {
      const { endpoint, reasons, peer, fd } = await openRig(t, { run, dispatchMode });
      attachRecorder(endpoint, run, new Recording());
      await delay(20);
      peer.close();
      await until(() => reasons.length > 0, 'closed');
      t.deepEqual(reasons, [{ kind: 'hangup', fd }]);
      t.is(endpoint.statistics.get('receivedPackets'), 0);
    });
  }

  test.serial(`row 1: ${run}: a batch that ends exactly where the frames do loses nothing`, async (t) => {
    const { endpoint, reasons, peer } = await openRig(t, { run, batch: 16 });
    const recording = new Recording();
    t.is(peer.send(upTo(128).map((sequence) => ipPacket(sequence))), 128);
    peer.close();
    attachRecorder(endpoint, run, recording);
    await until(() => reasons.length > 0, 'closed');
    await endpoint.wait();
    t.deepEqual(recording.sequences, upTo(128));
    t.deepEqual(reasons.map(({ kind }) => kind), ['hangup']);
  });

  for (const dispatchMode of SOCKET_MODES) {
    test.serial(`row 1: ${run}, ${dispatchMode}: an empty datagram among the last frames is none of their ends`, async (t) => {
      const { endpoint, reasons, peer } = await openRig(t, { run, dispatchMode, batch: 16 });
      const recording = new Recording();
      const frames = upTo(40).map((sequence) => (sequence === 15 ? new Uint8Array(0) : ipPacket(sequence)));
      t.is(peer.send(frames), 40);
      peer.close();
      attachRecorder(endpoint, run, recording);
      await until(() => reasons.length > 0, 'closed');
      await endpoint.wait();
      t.deepEqual(recording.sequences, upTo(40).filter((sequence) => sequence !== 15));
      t.is(endpoint.statistics.get('empty-datagram'), 1);
      assertInvariant(t, endpoint);
    });
  }
}
