import { closeSync, openSync, readSync } from 'node:fs';

import test from 'ava';

import { SOCK_STREAM } from '../../native/constants.ts';
import {
  closeFd,
  createEventFd,
  drainEventFd,
  isCloseOnExec,
  pinnedCount,
  receiveFds,
  sendFds,
  signalEventFd,
  socketPair,
} from '../../native/index.ts';
import { fdCount } from './_support.ts';

test.serial('descriptors arrive with their data, closed on exec, and count stays flat over 100 round trips', (t) => {
  const [left, right] = socketPair(SOCK_STREAM);
  const eventFd = createEventFd();
  const file = openSync('/etc/passwd', 'r');
  const fdsBefore = fdCount();
  const pinsBefore = pinnedCount();
  for (let round = 0; round < 100; round++) {
    sendFds(left, [eventFd, file], new TextEncoder().encode('tap0'));
    const received = receiveFds(right, 4, 16);
    t.is(new TextDecoder().decode(received?.data), 'tap0');
    const [first, second] = received?.fds ?? [];
    t.true(isCloseOnExec(first!));
    signalEventFd(first!);
    t.true(drainEventFd(eventFd));
    t.is(readSync(second!, new Uint8Array(1), 0, 1, 0), 1);
    received?.fds.forEach(closeFd);
  }
  t.is(fdCount(), fdsBefore);
  t.is(pinnedCount(), pinsBefore);
  closeSync(file);
  [left, right, eventFd].forEach(closeFd);
});

test.serial('receiveFds() is null when nothing is there, and empty when the peer closed', (t) => {
  const [left, right] = socketPair(SOCK_STREAM);
  t.is(receiveFds(right, 1), null);
  closeFd(left);
  t.deepEqual(receiveFds(right, 1), { fds: [], data: new Uint8Array(0) });
  closeFd(right);
});

for (const [sent, room] of [[3, 1], [3, 2], [2, 1], [1, 0]] as const) {
  test.serial(`${sent} descriptors into room for ${room} are a typed error and leave none open`, (t) => {
    const [left, right] = socketPair();
    const eventFd = createEventFd();
    const before = fdCount();
    sendFds(left, Array.from({ length: sent }, () => eventFd));
    t.throws(() => receiveFds(right, room), { code: 'ERR_ANCILLARY_TRUNCATED' });
    t.is(fdCount(), before);
    [left, right, eventFd].forEach(closeFd);
  });
}

test.serial('data without descriptors goes both ways as well', (t) => {
  const [left, right] = socketPair();
  sendFds(left, [], new Uint8Array([1, 2, 3]));
  t.deepEqual(receiveFds(right, 2, 8), { fds: [], data: new Uint8Array([1, 2, 3]) });
  closeFd(left);
  closeFd(right);
});

test.serial('253 descriptors fit into one message and 254 are refused', (t) => {
  const [left, right] = socketPair();
  const eventFd = createEventFd();
  sendFds(left, Array.from({ length: 253 }, () => eventFd));
  const received = receiveFds(right, 253);
  t.is(received?.fds.length, 253);
  received?.fds.forEach(closeFd);
  t.throws(() => sendFds(left, Array.from({ length: 254 }, () => eventFd)), { instanceOf: RangeError });
  [left, right, eventFd].forEach(closeFd);
});

test.serial('sendFds() throws EBADF for a descriptor that is not open', (t) => {
  const [left, right] = socketPair();
  t.throws(() => sendFds(left, [999_999]), { code: 'EBADF', message: /999999/ });
  closeFd(left);
  closeFd(right);
});
