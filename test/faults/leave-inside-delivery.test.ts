/** attach(null) and close() are allowed inside a delivery, in all ways of running. */

import test from 'ava';

import { attachRecorder, Recording } from '../regression/_recorder.ts';
import { assertInvariant, delay, ipPacket, openRig, RUNS, SOCKET_MODES, until, upTo } from '../regression/_support.ts';

const QUEUED = 40;
const LEAVES_AT = 5;

for (const run of RUNS) {
  for (const dispatchMode of SOCKET_MODES) {
    for (const action of ['detach', 'close'] as const) {
      test.serial(`${run}, ${dispatchMode}: ${action} inside a delivery: no packet more, the rest of the batch counted, closed once`, async (t) => {
        const rig = await openRig(t, { run, dispatchMode, batch: 16 });
        const recording = new Recording();
        t.is(rig.peer.send(upTo(QUEUED).map((sequence) => ipPacket(sequence))), QUEUED);
        attachRecorder(rig.endpoint, run, { shared: recording.shared, at: LEAVES_AT, action });
        await until(() => rig.reasons.length > 0, 'closed');
        await rig.endpoint.wait();
        await delay(20);
        t.deepEqual(recording.sequences, upTo(LEAVES_AT));
        t.deepEqual(rig.reasons, [{ kind: 'detached', fd: run === 'worker' && action === 'detach' ? rig.fd : -1 }]);
        t.false(rig.endpoint.isAttached);
        assertInvariant(t, rig.endpoint);
        const detached = rig.endpoint.statistics.get('detached');

        const next = new Recording();
        if (action === 'close') {
          t.throws(() => attachRecorder(rig.endpoint, run, next), { code: 'ERR_LINK_CLOSED' });
        } else {
          attachRecorder(rig.endpoint, run, next);
          await until(() => next.count === QUEUED - LEAVES_AT - detached, 'the others came');
          t.deepEqual(next.sequences, upTo(QUEUED).slice(LEAVES_AT + detached));
        }
        if (run !== 'ring') t.is(detached, dispatchMode === 'recvmmsg' ? 16 - LEAVES_AT : 0);
      });
    }
  }
}
