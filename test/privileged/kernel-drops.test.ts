import test from 'ava';

import { openFdBased } from '../../link/fd-based.ts';
import { SO_RCVBUF, SOL_SOCKET } from '../../native/constants.ts';
import { setOption } from '../../native/index.ts';
import { attachRecorder, Recording } from '../regression/_recorder.ts';
import { RUNS, until, upTo } from '../regression/_support.ts';
import { TEST_PROTOCOL } from './native-support.ts';
import { makeLink, testFrame } from './row-support.ts';

const SENT = 2_000;

for (const run of RUNS) {
  for (const dispatchMode of ['recvmmsg', 'readv', 'packet-mmap'] as const) {
    test.serial(`${run}, ${dispatchMode}: every frame that the kernel dropped before we could read it is counted`, async (t) => {
      const { fd, sender } = makeLink(t, dispatchMode);
      setOption(fd, SOL_SOCKET, SO_RCVBUF, 16_384, 'SO_RCVBUF');
      const ring = { blockBytes: 4096 * 17, blockCount: 2 };
      const endpoint = await openFdBased({ fds: [fd], run, dispatchMode, ...(dispatchMode === 'packet-mmap' ? { ring } : {}), slotBytes: 2048 });
      const recording = new Recording();
      await sender.sendAll(upTo(SENT).map((sequence) => testFrame(sequence, 200)));
      attachRecorder(endpoint, run, { shared: recording.shared, protocol: TEST_PROTOCOL });
      await until(() => recording.count > 0, 'frames came');
      endpoint.attach(null);
      await endpoint.wait();
      endpoint.close();
      await endpoint.wait();
      const { receivedPackets, kernelDrops } = endpoint.statistics.snapshot();
      t.true(kernelDrops > 0);
      t.true(receivedPackets + kernelDrops <= SENT);
      // What is neither was still in the socket's queue when the endpoint was closed.
      t.true(SENT - receivedPackets - kernelDrops <= 700, `${receivedPackets} received, ${kernelDrops} dropped`);
    });
  }
}
