/** gVisor never unmaps its packet ring. Here a ring goes with its attachment or endpoint, and the socket can have another. */

import test, { type ExecutionContext } from 'ava';

import type { RunMode } from '../../link/fd-based-options.ts';
import { openFdBased } from '../../link/fd-based.ts';
import { type CycleLink, cycleAttachments, cycleEndpoints } from '../regression/_cycles.ts';
import { attachRecorder, Recording } from '../regression/_recorder.ts';
import { RUNS, until } from '../regression/_support.ts';
import { LINK_KINDS, type LinkKind, makeLink, testFrame } from './row-support.ts';
import { testOf } from './_rights.ts';

const CYCLES: Readonly<Record<RunMode, number>> = { inline: 200, ring: 20, worker: 20 };

function cycleLink(t: ExecutionContext, run: RunMode, kind: LinkKind): CycleLink {
  const { fd, dispatchMode, sender } = makeLink(t, kind);
  return { run, options: { fds: [fd], run, dispatchMode }, send: (sequence) => void sender.send([testFrame(sequence)]) };
}

for (const run of RUNS) {
  for (const kind of LINK_KINDS) {
    testOf(kind)(`row 7: ${run}, ${kind}: ${CYCLES[run]} attachments leave nothing behind`, (t) =>
      cycleAttachments(t, cycleLink(t, run, kind), CYCLES[run]));
    testOf(kind)(`row 7: ${run}, ${kind}: 20 endpoints over one descriptor leave nothing behind`, (t) =>
      cycleEndpoints(t, cycleLink(t, run, kind), 20));
  }

  test.serial(`row 7: ${run}: a socket that had a packet-mmap ring can be read by recvmmsg`, async (t) => {
    const { fd, sender } = makeLink(t, 'packet-mmap');
    for (const dispatchMode of ['packet-mmap', 'recvmmsg', 'packet-mmap', 'readv'] as const) {
      const endpoint = await openFdBased({ fds: [fd], run, dispatchMode });
      const recording = new Recording();
      attachRecorder(endpoint, run, recording);
      sender.send([testFrame(1)]);
      await until(() => recording.count > 0, `a frame came by ${dispatchMode}`);
      endpoint.close();
      await endpoint.wait();
    }
    t.pass();
  });
}
