import test from 'ava';

import {
  AF_UNIX,
  SHUT_WR,
  SO_RCVBUF,
  SO_RCVTIMEO,
  SO_SNDBUF,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOL_SOCKET,
} from '../../native/constants.ts';
import {
  closeFd,
  connectUnix,
  getOption,
  getOptionBytes,
  isCloseOnExec,
  isNonblocking,
  openSocket,
  read,
  setBufferSizes,
  setOption,
  setThreadAffinity,
  shutdown,
  socketPair,
  threadAffinity,
  threadCpuTimes,
  threadId,
  unixAddress,
} from '../../native/index.ts';
import { fdCount, pinnedText } from './_support.ts';

test.serial('socketPair() is SEQPACKET, non-blocking and closed on exec unless told otherwise', (t) => {
  const pair = socketPair();
  for (const fd of pair) {
    t.is(getOption(fd, SOL_SOCKET, SO_TYPE, 'SO_TYPE'), SOCK_SEQPACKET);
    t.true(isNonblocking(fd));
    t.true(isCloseOnExec(fd));
  }
  pair.forEach(closeFd);
});

test.serial('socketPair() sets the buffer sizes of both ends; the kernel doubles them', (t) => {
  const pair = socketPair(SOCK_DGRAM, { sendBufferBytes: 8192, receiveBufferBytes: 16_384 });
  for (const fd of pair) {
    t.is(getOption(fd, SOL_SOCKET, SO_SNDBUF, 'SO_SNDBUF'), 16_384);
    t.is(getOption(fd, SOL_SOCKET, SO_RCVBUF, 'SO_RCVBUF'), 32_768);
  }
  pair.forEach(closeFd);
});

test.serial('setBufferSizes() with force falls back to the plain option without the right', (t) => {
  const [left, right] = socketPair();
  setBufferSizes(left, { send: 8192, force: true });
  t.is(getOption(left, SOL_SOCKET, SO_SNDBUF, 'SO_SNDBUF'), 16_384);
  closeFd(left);
  closeFd(right);
});

test.serial('options of several bytes come back as they were set', (t) => {
  const [left, right] = socketPair();
  const timeout = new Uint8Array(16);
  timeout[0] = 3;
  setOption(left, SOL_SOCKET, SO_RCVTIMEO, timeout, 'SO_RCVTIMEO');
  t.deepEqual(getOptionBytes(left, SOL_SOCKET, SO_RCVTIMEO, 'SO_RCVTIMEO'), timeout);
  closeFd(left);
  closeFd(right);
});

test.serial('a failed option names itself in the error', (t) => {
  const [left, right] = socketPair();
  t.throws(() => setOption(left, SOL_SOCKET, 9999, 1, 'SO_NONSENSE'), {
    code: 'ENOPROTOOPT',
    message: `Cannot set SO_NONSENSE on fd ${left}: setsockopt(SO_NONSENSE) failed with ENOPROTOOPT`,
  });
  closeFd(left);
  closeFd(right);
});

test.serial('shutdown() of the writing half is the end of the file on the other side', (t) => {
  const [left, right] = socketPair();
  const { address } = pinnedText(t, '.');
  shutdown(left, SHUT_WR);
  t.is(read(right, address, 1), 0);
  closeFd(left);
  closeFd(right);
});

test('unixAddress() ends a path with zero and an abstract name without', (t) => {
  t.deepEqual([...unixAddress('/a')], [1, 0, 0x2f, 0x61, 0]);
  t.deepEqual([...unixAddress('\0a')], [1, 0, 0, 0x61]);
  t.is(unixAddress('x'.repeat(107)).byteLength, 110);
  t.throws(() => unixAddress('x'.repeat(108)), { instanceOf: RangeError });
  t.throws(() => unixAddress(''), { instanceOf: RangeError });
});

test.serial('a failed call names the action and leaves no descriptor open', (t) => {
  const before = fdCount();
  t.throws(() => openSocket(AF_UNIX, 77, 0), { message: /Cannot open a socket of domain 1, type 77/ });
  const fd = openSocket(AF_UNIX, SOCK_SEQPACKET, 0);
  t.throws(() => connectUnix(fd, '/nonexistent'), { code: 'ENOENT' });
  closeFd(fd);
  t.is(fdCount(), before);
});

test.serial('a thread can be bound to a processor and back', (t) => {
  const all = threadAffinity();
  setThreadAffinity([all[0]!]);
  t.deepEqual(threadAffinity(), [all[0]]);
  setThreadAffinity(all);
  t.deepEqual(threadAffinity(), all);
  t.throws(() => setThreadAffinity([1023]), { code: 'EINVAL' });
  t.throws(() => setThreadAffinity([5000]), { instanceOf: RangeError });
});

test.serial('threadCpuTimes() grows with work and threadId() is the process id on the main thread', (t) => {
  t.is(threadId(), process.pid);
  const total = (): number => threadCpuTimes().userMicroseconds + threadCpuTimes().systemMicroseconds;
  const before = total();
  const deadline = performance.now() + 5_000;
  while (total() - before < 5_000 && performance.now() < deadline);
  t.true(total() - before >= 5_000);
});
