import test from 'ava';

import { openAll } from '../../link/device.ts';
import { openTap, openTun } from '../../link/open-tun.ts';
import { TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6, TUN_F_TSO_ECN } from '../../native/constants.ts';
import {
  createEventFd,
  describeFd,
  getVnetHeaderBytes,
  interfaceIndex,
  Readiness,
  runInNamespace,
} from '../../native/index.ts';
import { fdCount } from '../native/_support.ts';
import { testWithTun } from './_rights.ts';
import { asNobody } from './device-support.ts';
import { makeNamespace } from './native-support.ts';

const TCP_OFFLOADS = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

testWithTun('openTap() makes an interface in the namespace of a descriptor, and close() deletes it', (t) => {
  const namespace = makeNamespace(t);
  const before = fdCount();
  const tap = openTap({ name: 'tap-test', namespace });
  t.is(tap.name, 'tap-test');
  t.is(tap.mode, 'tap');
  t.deepEqual(tap.fds, [tap.fd]);
  t.throws(() => interfaceIndex('tap-test'), { code: 'ENODEV' });
  t.true(runInNamespace(namespace, () => interfaceIndex('tap-test')) > 0);
  tap.close();
  tap.close();
  t.throws(() => runInNamespace(namespace, () => interfaceIndex('tap-test')), { code: 'ENODEV' });
  t.is(fdCount(), before);
});

testWithTun('the namespace may be a path, and its file is closed again', (t) => {
  const namespace = makeNamespace(t);
  const before = fdCount();
  const tun = openTun({ name: 'box%d', namespace: `/proc/self/fd/${namespace}` });
  t.is(tun.name, 'box0');
  t.is(tun.mode, 'tun');
  t.true(runInNamespace(namespace, () => interfaceIndex('box0')) > 0);
  t.is(fdCount(), before + 1);
  tun.close();
});

for (const vnetHeaderBytes of [10, 12] as const) {
  testWithTun(`a TAP with a virtio-net header of ${vnetHeaderBytes} bytes has offloads unless told otherwise`, (t) => {
    const namespace = makeNamespace(t);
    using tap = openTap({ namespace, vnetHeaderBytes });
    t.is(tap.vnetHeaderBytes, vnetHeaderBytes);
    t.is(getVnetHeaderBytes(tap.fd), vnetHeaderBytes);
    t.is(tap.offloads & TCP_OFFLOADS, TCP_OFFLOADS);
    using plain = openTap({ namespace, vnetHeaderBytes, offloads: false });
    t.is(plain.offloads, 0);
  });
}

testWithTun('four queues are one interface with a descriptor each', (t) => {
  const namespace = makeNamespace(t);
  const before = fdCount();
  const tap = openTap({ name: 'tap%d', namespace, queues: 4, vnetHeaderBytes: 12, exclusive: true });
  t.is(tap.fds.length, 4);
  for (const fd of tap.fds) {
    t.like(describeFd(fd), { kind: 'tap', interfaceName: 'tap0', multiQueue: true, vnetHeaderBytes: 12 });
  }
  tap.close();
  t.is(fdCount(), before);
});

testWithTun('a persistent interface stays, and is opened again without the offloads of its last user', (t) => {
  const namespace = makeNamespace(t);
  openTap({ name: 'tap0', namespace, vnetHeaderBytes: 10, persist: true }).close();
  t.true(runInNamespace(namespace, () => interfaceIndex('tap0')) > 0);
  using again = openTap({ name: 'tap0', namespace });
  t.is(again.vnetHeaderBytes, 0);
  t.is(describeFd(again.fd).vnetHeaderBytes, 0);
  t.throws(() => openTap({ name: 'tap0', namespace, exclusive: true }), { code: 'EBUSY' });
});

testWithTun('what fails leaves no descriptor behind', (t) => {
  const namespace = makeNamespace(t);
  const before = fdCount();
  t.throws(() => openTap({ namespace, queues: 257 }), { code: 'ERR_INVALID_OPTION', message: /queues is 257/ });
  t.throws(() => openTap({ namespace: '/nonexistent' }), { code: 'ENOENT', message: /"\/nonexistent"/ });
  const single = openTap({ name: 'tap0', namespace });
  t.throws(() => openTap({ name: 'tap0', namespace, queues: 2 }), { message: /multiQueue/ });
  single.close();
  t.is(fdCount(), before);
});

test.serial('when the third of four opens fails, the first two are closed', (t) => {
  const before = fdCount();
  const openOne = (index: number): number => {
    if (index === 2) throw new Error('expected');
    return createEventFd();
  };
  t.throws(() => openAll(4, openOne, () => undefined), { message: 'expected' });
  t.throws(() => openAll(2, createEventFd, () => JSON.parse('{')), { instanceOf: SyntaxError });
  t.is(fdCount(), before);
});

test.serial('offloads without a virtio-net header are refused before anything is opened', (t) => {
  const before = fdCount();
  t.throws(() => openTap({ offloads: true }), { code: 'ERR_INVALID_OPTION', message: /vnetHeaderBytes 10 or 12/ });
  t.is(fdCount(), before);
});

testWithTun('close() refuses a descriptor that is polled, closes the others, and can be called again', (t) => {
  const namespace = makeNamespace(t);
  const before = fdCount();
  const tap = openTap({ namespace, queues: 2 });
  const readiness = Readiness.watch(tap.fd, { readable: true }, () => undefined);
  t.throws(() => tap.close(), { code: 'ERR_FD_POLLED' });
  readiness.close();
  tap.close();
  // The event loop keeps its own descriptors once it has polled.
  t.true(fdCount() <= before + 1);
  t.throws(() => describeFd(tap.fds[1]!), { code: 'EBADF' });
});

testWithTun('`await using` and `using` close the device', async (t) => {
  const namespace = makeNamespace(t);
  let fd: number;
  {
    await using tap = openTap({ namespace });
    fd = tap.fd;
  }
  t.throws(() => describeFd(fd), { code: 'EBADF' });
});

test.serial('without the right to make interfaces, the error names it', (t) => {
  asNobody(t, () => {
    t.throws(() => openTap(), { message: /read and write access to \/dev\/net\/tun|CAP_NET_ADMIN is required/ });
  });
});
