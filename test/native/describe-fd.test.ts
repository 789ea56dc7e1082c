import { closeSync, openSync } from 'node:fs';

import test from 'ava';

import { AF_INET, AF_UNIX, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM } from '../../native/constants.ts';
import { closeFd, createEventFd, describeFd, openSocket, socketPair } from '../../native/index.ts';
import { fdCount } from './_support.ts';

for (const [name, type] of Object.entries({ SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET })) {
  test.serial(`describeFd() tells a unix socket of type ${name}`, (t) => {
    const [left, right] = socketPair(type);
    t.like(describeFd(left), {
      kind: 'socket',
      domain: AF_UNIX,
      type,
      protocol: 0,
      isPacketSocket: false,
      isPollable: true,
      isPacketCarrier: true,
      vnetHeaderBytes: 0,
      multiQueue: false,
    });
    closeFd(left);
    closeFd(right);
  });
}

test.serial('describeFd() tells the protocol of a UDP socket', (t) => {
  const fd = openSocket(AF_INET, SOCK_DGRAM, 0);
  t.like(describeFd(fd), { kind: 'socket', domain: AF_INET, type: SOCK_DGRAM, protocol: 17 });
  closeFd(fd);
});

test.serial('describeFd() tells that files and /dev/null cannot be polled and an eventfd can', (t) => {
  for (const path of ['/dev/null', '/etc/passwd', '/']) {
    const fd = openSync(path, 'r');
    t.like(describeFd(fd), { kind: 'other', isPollable: false }, path);
    closeSync(fd);
  }
  const eventFd = createEventFd();
  t.like(describeFd(eventFd), { kind: 'other', isPollable: true, isPacketCarrier: false });
  closeFd(eventFd);
});

test.serial('describeFd() throws EBADF for a descriptor that is not open', (t) => {
  for (const fd of [-1, 1.5, 999_999]) t.throws(() => describeFd(fd), { code: 'EBADF' });
});

test.serial('describeFd() leaves no descriptor behind', (t) => {
  const fd = createEventFd();
  const before = fdCount();
  for (let i = 0; i < 100; i++) describeFd(fd);
  t.is(fdCount(), before);
  closeFd(fd);
});
