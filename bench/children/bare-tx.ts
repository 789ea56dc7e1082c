/** Contestant: the bare sending loop. The same system call, batch and memory as the endpoint's, and nothing else. */

import { constants, ERRNO, MessageTable, pin, PollSet, setNonblocking, writev } from '../../native/index.ts';
import { Arena } from '../../stack/arena.ts';
import { ChildOptions, PATIENCE_MILLISECONDS, sayReady } from './window.ts';

const FD = 3;
const options = new ChildOptions(['mode', 'batch', 'head', 'size']);
const window = options.window();
/** `size` and `head` count the virtio-net header, where there is one. */
const [batch, size] = [options.number('batch', 47), options.number('size', 64)];
const arena = new Arena(batch, size);
arena.address = pin(arena.bytes);
arena.bytes.fill(0); // pages that nobody has written are all one page of zeros, and in the cache
const table = new MessageTable(batch, 1);
for (let slot = 0; slot < batch; slot++) {
  arena.bytes.set(Buffer.from(options.text('head'), 'hex'), arena.frameStart(slot));
  table.setIovec(slot, 0, arena.address + arena.frameStart(slot), size);
}
const poll = new PollSet([FD], [constants.POLLOUT]);
setNonblocking(FD);
sayReady();
const send = options.text('mode') === 'write' ? writeOne : sendBatch;
while (!window.hasEnded) {
  const sent = send();
  window.calls++;
  for (let index = 0; index < sent; index++) window.count(size);
  if (sent < 0 && sent !== -ERRNO.EAGAIN && sent !== -ERRNO.ENOBUFS) break;
  if (sent >= batch || (sent === 1 && send === writeOne)) continue;
  window.tick();
  if (poll.wait(PATIENCE_MILLISECONDS) <= 0) break;
}
window.print();

function sendBatch(): number {
  return table.send(FD, 0, batch, constants.MSG_DONTWAIT | constants.MSG_NOSIGNAL);
}

function writeOne(): number {
  const written = writev(FD, table.iovecAddress(0), 1);
  return written > 0 ? 1 : written;
}
