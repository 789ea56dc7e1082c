import { constants } from 'node:os';

import test from 'ava';

import { SystemError } from '../../errors.ts';
import { ERRNO, errnoName, missingRight, systemError } from '../../native/errno.ts';

test('ERRNO agrees with every errno that Node knows', (t) => {
  const aliases = new Map([
    ['EWOULDBLOCK', 'EAGAIN'],
    ['ENOTSUP', 'EOPNOTSUPP'],
    ['EDEADLOCK', 'EDEADLK'],
  ]);
  const known = Object.entries(constants.errno);
  t.true(known.length > 70);
  for (const [name, number] of known) {
    const ours = aliases.get(name) ?? name;
    t.is((ERRNO as Record<string, number>)[ours], number, name);
    t.is(errnoName(number), ours);
  }
});

test('errnoName() gives the number where there is no name', (t) => {
  t.is(errnoName(4095), 'errno 4095');
});

test('systemError() has the errno name as its code and the remedy in its message', (t) => {
  const error = systemError('Cannot open TAP "tap0"', 'ioctl(TUNSETIFF)', ERRNO.EPERM, 'CAP_NET_ADMIN is required');
  t.true(error instanceof SystemError);
  t.is(error.code, 'EPERM');
  t.is(error.errno, 1);
  t.is(error.syscall, 'ioctl(TUNSETIFF)');
  t.is(
    error.message,
    'Cannot open TAP "tap0": ioctl(TUNSETIFF) failed with EPERM; CAP_NET_ADMIN is required',
  );
});

test('missingRight() names the right for EPERM and EACCES only', (t) => {
  t.is(missingRight(ERRNO.EPERM, 'CAP_NET_RAW'), 'CAP_NET_RAW is required');
  t.is(missingRight(ERRNO.EACCES, 'CAP_NET_RAW'), 'CAP_NET_RAW is required');
  t.is(missingRight(ERRNO.ENODEV, 'CAP_NET_RAW'), undefined);
});
