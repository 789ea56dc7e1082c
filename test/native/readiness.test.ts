import { openSync } from 'node:fs';

import test from 'ava';

import { AF_INET, SO_ERROR, SOCK_DGRAM, SOL_SOCKET } from '../../native/constants.ts';
import { ERRNO } from '../../native/errno.ts';
import {
  accept,
  bindAddress,
  bindUnix,
  closeFd,
  connectAddress,
  connectUnix,
  createEventFd,
  drainEventFd,
  getOption,
  listen,
  openSocket,
  read,
  Readiness,
  signalEventFd,
  socketPair,
  write,
} from '../../native/index.ts';
import { delay, pinnedText, runFixture, until } from './_support.ts';

test.serial('the callback comes while there is something to read, and stops after close()', async (t) => {
  const fd = createEventFd();
  let calls = 0;
  const readiness = Readiness.watch(fd, { readable: true }, (status, readable, writable) => {
    calls++;
    t.is(status, 0);
    t.true(readable);
    t.false(writable);
    drainEventFd(fd);
  });
  signalEventFd(fd);
  await until(() => calls === 1, 'the first call');
  await delay(10);
  t.is(calls, 1);
  signalEventFd(fd);
  await until(() => calls === 2, 'the second call');
  readiness.close();
  readiness.close();
  signalEventFd(fd);
  await delay(10);
  t.is(calls, 2);
  closeFd(fd);
});

test.serial('a second handle for one fd is a typed error and no abort, until the first is closed', (t) => {
  const fd = createEventFd();
  const first = Readiness.watch(fd, { readable: true }, () => undefined);
  t.throws(() => Readiness.watch(fd, { readable: true }, () => undefined), { code: 'ERR_FD_POLLED' });
  first.close();
  const second = Readiness.watch(fd, { readable: true }, () => undefined);
  second.close();
  closeFd(fd);
});

test.serial('a descriptor that epoll refuses is a typed error and no abort', (t) => {
  const fd = openSync('/dev/null', 'r');
  t.throws(() => Readiness.watch(fd, { readable: true }, () => undefined), { code: 'ERR_FD_NOT_POLLABLE' });
  closeFd(fd);
  t.throws(() => Readiness.watch(fd, { readable: true }, () => undefined), { code: 'EBADF' });
});

test.serial('a descriptor cannot be closed while it is polled', (t) => {
  const fd = createEventFd();
  const readiness = Readiness.watch(fd, { readable: true }, () => undefined);
  t.throws(() => closeFd(fd), { code: 'ERR_FD_POLLED', message: /close its Readiness first/ });
  readiness.close();
  closeFd(fd);
});

test.serial('calls on a closed Readiness do nothing', (t) => {
  const fd = createEventFd();
  const readiness = Readiness.watch(fd, { readable: true }, () => undefined);
  readiness.close();
  t.true(readiness.isClosed);
  t.notThrows(() => {
    readiness.update({ writable: true });
    readiness.restart();
    readiness.ref();
    readiness.unref();
  });
  closeFd(fd);
});

test.serial('update() changes what is waited for, and pauses with nothing', async (t) => {
  const [left, right] = socketPair();
  let writable = 0;
  let readable = 0;
  const readiness = Readiness.watch(left, {}, (_status, isReadable, isWritable) => {
    if (isReadable) readable++;
    if (isWritable) writable++;
  });
  await delay(10);
  t.is(writable, 0);
  readiness.update({ writable: true });
  await until(() => writable > 0, 'the socket is writable');
  readiness.update({});
  const seen = writable;
  await delay(10);
  t.is(writable, seen);
  t.is(readable, 0);
  readiness.close();
  closeFd(left);
  closeFd(right);
});

test.serial('disconnect tells that a SEQPACKET peer closed, with frames still queued', async (t) => {
  const [left, right] = socketPair();
  const { address } = pinnedText(t, 'hello');
  const seen: string[] = [];
  const readiness = Readiness.watch(right, { readable: true, disconnect: true }, (status, readable, _, disconnect) => {
    seen.push(`${status} ${readable} ${disconnect}`);
    readiness.close();
  });
  t.is(write(left, address, 5), 5);
  closeFd(left);
  await until(() => seen.length > 0, 'the callback');
  t.deepEqual(seen, ['0 true true']);
  t.is(read(right, address, 5), 5);
  closeFd(right);
});

test.serial('an error condition stops the handle with a negative status, and restart() goes on', async (t) => {
  const peer = openSocket(AF_INET, SOCK_DGRAM, 0);
  const fd = openSocket(AF_INET, SOCK_DGRAM, 0);
  bindAddress(peer, loopback(PEER_PORT));
  bindAddress(fd, loopback(OWN_PORT));
  connectAddress(fd, loopback(PEER_PORT));
  closeFd(peer);
  const { address } = pinnedText(t, 'hello');
  const statuses: number[] = [];
  let reads = 0;
  const readiness = Readiness.watch(fd, { readable: true }, (status) => {
    statuses.push(status);
    if (status === 0 && read(fd, address, 5) === 5) reads++;
  });
  // Nobody listens on the port: the answer is an ICMP error, hence POLLERR.
  t.is(write(fd, address, 5), 5);
  await until(() => statuses.length > 0, 'the error');
  t.true(statuses[0]! < 0);
  await delay(20);
  t.is(statuses.length, 1);
  t.is(getOption(fd, SOL_SOCKET, SO_ERROR, 'SO_ERROR'), ERRNO.ECONNREFUSED);

  readiness.restart();
  const again = openSocket(AF_INET, SOCK_DGRAM, 0);
  bindAddress(again, loopback(PEER_PORT));
  connectAddress(again, loopback(OWN_PORT));
  t.is(write(again, address, 5), 5);
  await until(() => reads === 1, 'the datagram after the error');
  readiness.close();
  closeFd(fd);
  closeFd(again);
});

test.serial('promises and ticks made in the callback run before the next event', async (t) => {
  const fd = createEventFd();
  const order: string[] = [];
  const readiness = Readiness.watch(fd, { readable: true }, () => {
    drainEventFd(fd);
    order.push('callback');
    process.nextTick(() => order.push('tick'));
    void Promise.resolve().then(() => order.push('promise'));
    setImmediate(() => order.push('immediate'));
  });
  signalEventFd(fd);
  await until(() => order.length === 4, 'all four');
  t.deepEqual(order, ['callback', 'tick', 'promise', 'immediate']);
  readiness.close();
  closeFd(fd);
});

test.serial('an exception in the callback is an uncaught exception with its own stack', (t) => {
  const { status, output } = runFixture('_throwing-callback.js');
  t.is(status, 0, output);
  t.regex(output, /uncaught: from the callback at callbackThatThrows/);
});

test.serial('a handle that nobody refers to goes on after garbage collection; unref() lets the process end', (t) => {
  const { status, output } = runFixture('_forgotten-handle.js', ['--expose-gc']);
  t.is(status, 0, output);
  t.regex(output, /called after gc/);
});

test.serial('a listening socket is readable when there is a connection to accept', async (t) => {
  const server = openSocket(1, 5, 0);
  const client = openSocket(1, 5, 0);
  const path = `\0linkpoint-${process.pid}`;
  bindUnix(server, path);
  listen(server);
  let accepted = -1;
  const readiness = Readiness.watch(server, { readable: true }, () => {
    accepted = accept(server);
    readiness.close();
  });
  t.true(connectUnix(client, path));
  await until(() => accepted >= 0, 'the connection');
  t.is(accept(server), -ERRNO.EAGAIN);
  [server, client, accepted].forEach(closeFd);
});

// Of the range that is not given out by itself; the tests of this file run one after the other.
const PEER_PORT = 20_000 + (process.pid % 10_000);
const OWN_PORT = PEER_PORT + 1;

/** struct sockaddr_in of 127.0.0.1. */
function loopback(port: number): Uint8Array {
  const address = new Uint8Array(16);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  view.setUint32(4, 0x7f000001);
  return address;
}
