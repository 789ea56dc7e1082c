/** Contestant of the latency suite: poll(2), read(2), write(2) in Node, without event loop and endpoint. */

import { allocatePinned, constants, PollSet, read, setNonblocking, write } from '../../native/index.ts';
import { PATIENCE_MILLISECONDS, sayReady } from './window.ts';

const FD = 3;
const memory = allocatePinned(65_536);
const poll = new PollSet([FD], [constants.POLLIN]);
setNonblocking(FD);
sayReady();
while (poll.wait(PATIENCE_MILLISECONDS) > 0) {
  const length = read(FD, memory.address, 65_536);
  if (length <= 0 || write(FD, memory.address, length) < 0) break;
}
