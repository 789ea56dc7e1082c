import { closeSync, openSync } from 'node:fs';

import test from 'ava';

import {
  closeFd,
  createEventFd,
  duplicate,
  Fd,
  isCloseOnExec,
  isNonblocking,
  setCloseOnExec,
  setNonblocking,
} from '../../native/index.ts';
import { fdCount } from './_support.ts';

test.serial('Fd closes an owned descriptor once, so that its number is not closed for the next owner', (t) => {
  const fd = new Fd(createEventFd(), true);
  fd.close();
  t.true(fd.isClosed);
  const next = createEventFd();
  t.is(next, fd.number);
  fd.close();
  fd[Symbol.dispose]();
  t.notThrows(() => isNonblocking(next));
  closeFd(next);
});

test.serial('Fd leaves a descriptor open that it does not own', (t) => {
  const number = createEventFd();
  const fd = new Fd(number, false);
  fd.close();
  t.true(fd.isClosed);
  t.true(isNonblocking(number));
  closeFd(number);
});

test.serial('closeFd() throws EBADF for a descriptor that is not open', (t) => {
  t.throws(() => closeFd(999_999), { code: 'EBADF', message: /close failed with EBADF/ });
});

test.serial('duplicate() gives another number that is closed on exec', (t) => {
  const before = fdCount();
  const fd = createEventFd();
  const copy = duplicate(fd);
  t.not(copy, fd);
  t.true(isCloseOnExec(copy));
  closeFd(fd);
  t.true(isNonblocking(copy));
  closeFd(copy);
  t.is(fdCount(), before);
});

test.serial('setNonblocking() and setCloseOnExec() go both ways', (t) => {
  const fd = openSync('/dev/null', 'r');
  t.false(isNonblocking(fd));
  setNonblocking(fd);
  t.true(isNonblocking(fd));
  setNonblocking(fd, false);
  t.false(isNonblocking(fd));
  setCloseOnExec(fd, false);
  t.false(isCloseOnExec(fd));
  setCloseOnExec(fd, true);
  t.true(isCloseOnExec(fd));
  closeSync(fd);
});
