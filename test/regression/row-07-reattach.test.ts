/**
 * gVisor leaks an eventfd per dispatcher, and its stop eventfd stays signalled: an endpoint that is attached again stops
 * at once. Here attachments and endpoints can follow each other for ever.
 */

import test, { type ExecutionContext } from 'ava';

import type { RunMode } from '../../link/fd-based-options.ts';
import { closeFd, socketPair } from '../../native/index.ts';
import { type CycleLink, cycleAttachments, cycleEndpoints } from './_cycles.ts';
import { attachRecorder, Recording } from './_recorder.ts';
import { ipPacket, openRig, Peer, RUNS, SOCKET_MODES, until, upTo } from './_support.ts';

const CYCLES: Readonly<Record<RunMode, number>> = { inline: 1_000, ring: 50, worker: 50 };
const ENDPOINTS: Readonly<Record<RunMode, number>> = { inline: 300, ring: 20, worker: 20 };

function makeLink(t: ExecutionContext, run: RunMode, dispatchMode: (typeof SOCKET_MODES)[number]): CycleLink {
  const [fd, peerFd] = socketPair();
  const peer = new Peer(peerFd);
  t.teardown(() => [fd, peerFd].forEach(closeFd));
  return { run, options: { fds: [fd], run, dispatchMode }, send: (sequence) => void peer.send([ipPacket(sequence)]) };
}

for (const run of RUNS) {
  for (const dispatchMode of SOCKET_MODES) {
    test.serial(`row 7: ${run}, ${dispatchMode}: ${CYCLES[run]} attachments leave nothing behind`, (t) =>
      cycleAttachments(t, makeLink(t, run, dispatchMode), CYCLES[run]));
  }
  test.serial(`row 7: ${run}: ${ENDPOINTS[run]} endpoints over one descriptor leave nothing behind`, (t) =>
    cycleEndpoints(t, makeLink(t, run, 'recvmmsg'), ENDPOINTS[run]));

  test.serial(`row 7: ${run}: what comes while nobody is attached waits for the next attachment`, async (t) => {
    const { endpoint, peer } = await openRig(t, { run });
    const [first, second] = [new Recording(), new Recording()];
    attachRecorder(endpoint, run, first);
    t.is(peer.send([ipPacket(1)]), 1);
    await until(() => first.count === 1, 'the first came');
    endpoint.attach(null);
    await endpoint.wait();
    t.is(peer.send(upTo(100).map((sequence) => ipPacket(sequence))), 100);
    attachRecorder(endpoint, run, second);
    await until(() => second.count === 100, 'the rest came');
    t.deepEqual(second.sequences, upTo(100));
    t.is(first.count, 1);
  });

  test.serial(`row 7: ${run}: an attachment that follows at once loses nothing that it has taken over`, async (t) => {
    const { endpoint, peer } = await openRig(t, { run });
    const recordings = upTo(20).map(() => new Recording());
    for (const recording of recordings) {
      attachRecorder(endpoint, run, recording);
      peer.send([ipPacket(1)]);
      await until(() => recordings.some(({ count }) => count > 0), 'a frame came');
      endpoint.attach(null);
    }
    const last = new Recording();
    attachRecorder(endpoint, run, last);
    await peer.sendAll(upTo(500).map((sequence) => ipPacket(1000 + sequence)));
    const sum = (): number => recordings.reduce((total, { count }) => total + count, last.count);
    await until(() => last.sequences.at(-1) === 1499, 'the last frame came');
    await until(() => endpoint.statistics.get('receivedPackets') === 520, 'all are counted');
    // A worker that has not heard of its end yet still delivers to the dispatcher before.
    const sequences = [...recordings, last].flatMap((recording) => recording.sequences).filter((sequence) => sequence > 1);
    t.deepEqual(sequences, upTo(500).map((sequence) => 1000 + sequence));
    t.is(sum() + endpoint.statistics.get('detached'), 520);
  });
}
