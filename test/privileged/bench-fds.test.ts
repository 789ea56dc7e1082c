import test from 'ava';

import { closeFd, openPacketSocketFd, pin, runInNamespace, unpin, write } from '../../native/index.ts';
import { start } from '../cli/_support.ts';
import { delay } from '../native/_support.ts';
import { frame, makeNamespace, makeVeth, TEST_PROTOCOL } from './native-support.ts';

/** Fewer than fill the sockets' queues. */
const FRAMES = 200;

for (const way of ['inline', 'worker', 'ring']) {
  test.serial(`bench rx --fds --fanout lb, ${way}: two sockets share what comes`, async (t) => {
    const [sender, ...fds] = runInNamespace(makeNamespace(t), () => {
      const [left, right] = makeVeth();
      const open = (interfaceIndex: number): number => openPacketSocketFd({ interfaceIndex, protocol: TEST_PROTOCOL });
      return [open(left), open(right), open(right)];
    });
    const args = ['bench', 'rx', '--fds', '3,4', '--fanout', 'lb', '--run', way, '--duration-ms', '500', '--json'];
    const { ended } = start(args, { fds });
    await delay(3000); // they have joined by now: before, each would have got every frame
    const bytes = frame(100, 1);
    const address = pin(bytes);
    for (let count = 0; count < FRAMES; count++) write(sender as number, address, bytes.byteLength);
    unpin(bytes);
    const { status, stdout, stderr } = await ended;
    for (const fd of [sender as number, ...fds]) closeFd(fd);
    t.is(stderr, '');
    t.is(status, 0);
    t.like(JSON.parse(stdout), { packets: FRAMES, bytes: FRAMES * 100, window: 'whole', run: way, drops: {} });
  });
}
