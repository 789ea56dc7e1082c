import test from 'ava';

import { POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLRDHUP } from '../../native/constants.ts';
import { ERRNO } from '../../native/errno.ts';
import {
  bytesReadable,
  closeFd,
  createEventFd,
  drainEventFd,
  pinnedCount,
  PollSet,
  pollNow,
  read,
  signalEventFd,
  socketPair,
  write,
} from '../../native/index.ts';
import { pinnedText } from './_support.ts';

test.serial('drainEventFd() tells once that the eventfd was signalled, however often it was', (t) => {
  const fd = createEventFd();
  t.false(drainEventFd(fd));
  t.is(signalEventFd(fd), 0);
  t.is(signalEventFd(fd), 0);
  t.true(drainEventFd(fd));
  t.false(drainEventFd(fd));
  closeFd(fd);
  t.is(signalEventFd(fd), -ERRNO.EBADF);
});

test.serial('PollSet waits until one of its descriptors is ready and tells which', (t) => {
  const eventFd = createEventFd();
  const [left, right] = socketPair();
  const set = new PollSet([left, eventFd], [POLLIN, POLLIN]);
  t.is(set.wait(0), 0);
  signalEventFd(eventFd);
  t.is(set.wait(-1), 1);
  t.is(set.returned(0), 0);
  t.is(set.returned(1), POLLIN);
  set.setEvents(0, POLLIN | POLLOUT);
  t.is(set.wait(-1), 2);
  t.is(set.returned(0), POLLOUT);
  set.close();
  [eventFd, left, right].forEach(closeFd);
});

test.serial('PollSet.wait() gives up after its timeout', (t) => {
  const eventFd = createEventFd();
  const set = new PollSet([eventFd], [POLLIN]);
  const start = performance.now();
  t.is(set.wait(30), 0);
  t.true(performance.now() - start >= 29);
  set.close();
  closeFd(eventFd);
});

test.serial('PollSet gives up its memory once, and waiting answers -EFAULT afterwards', (t) => {
  const before = pinnedCount();
  const set = new PollSet([0], [POLLIN]);
  t.is(pinnedCount(), before + 1);
  set.close();
  set.close();
  t.is(pinnedCount(), before);
  t.is(set.wait(0), -ERRNO.EFAULT);
});

test('a PollSet needs as many event masks as descriptors, and one at least', (t) => {
  t.throws(() => new PollSet([], []), { instanceOf: RangeError });
  t.throws(() => new PollSet([1, 2], [POLLIN]), { instanceOf: RangeError });
});

test.serial('pollNow() tells the hang-up of a SEQPACKET peer while frames are queued', (t) => {
  const [left, right] = socketPair();
  const { address } = pinnedText(t, 'hello');
  t.is(pollNow(right, POLLIN | POLLRDHUP), 0);
  t.is(write(left, address, 5), 5);
  t.is(pollNow(right, POLLIN | POLLRDHUP), POLLIN);
  t.is(bytesReadable(right), 5);
  closeFd(left);
  t.is(pollNow(right, POLLIN | POLLRDHUP), POLLIN | POLLHUP | POLLRDHUP);
  t.is(bytesReadable(right), 5);
  t.is(read(right, address, 5), 5);
  t.is(bytesReadable(right), 0);
  t.is(read(right, address, 5), 0);
  closeFd(right);
  t.is(pollNow(right, POLLIN), POLLNVAL);
  t.is(bytesReadable(right), -ERRNO.EBADF);
});

test.serial('read() and write() answer -errno', (t) => {
  const [left, right] = socketPair();
  const { address } = pinnedText(t, 'hello');
  t.is(read(left, address, 5), -ERRNO.EAGAIN);
  closeFd(right);
  t.is(write(left, address, 5), -ERRNO.EPIPE);
  closeFd(left);
  t.is(read(left, address, 5), -ERRNO.EBADF);
  t.is(write(left, address, 5), -ERRNO.EBADF);
});
