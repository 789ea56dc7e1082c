import test from 'ava';

import {
  AF_PACKET,
  PACKET_FANOUT_CBPF,
  PACKET_FANOUT_EBPF,
  PACKET_FANOUT_FLAG_ROLLOVER,
  PACKET_FANOUT_FLAG_UNIQUEID,
  PACKET_FANOUT_HASH,
  POLLIN,
  SOCK_DGRAM,
  SOCK_RAW,
} from '../../native/constants.ts';
import { ERRNO } from '../../native/errno.ts';
import {
  boundInterfaceIndex,
  closeFd,
  createPacketSocketFd,
  bindPacketSocket,
  describeFd,
  joinFanout,
  openPacketSocketFd,
  pin,
  PollSet,
  pollNow,
  read,
  Readiness,
  readPacketStatistics,
  runInNamespace,
  setBufferSizes,
  setFanoutProgram,
  setInterfaceUp,
  setPromiscuous,
  STATISTICS_DROPS,
  STATISTICS_PACKETS,
  unpin,
  write,
} from '../../native/index.ts';
import { fdCount, until } from '../native/_support.ts';
import {
  deleteLink,
  frame,
  inNamespace,
  makeNamespace,
  makeVeth,
  promiscuity,
  sleep,
  TEST_PROTOCOL,
  waitUntilRunning,
} from './native-support.ts';

/** Writes `count` frames to `fd`. */
function sendFrames(fd: number, count: number): void {
  const bytes = frame(64, 0x5a);
  const address = pin(bytes);
  for (let i = 0; i < count; i++) {
    if (write(fd, address, 64) !== 64) throw new Error(`Cannot send frame ${i}`);
  }
  unpin(bytes);
}

/**
 * Reads `count` frames, then whatever else is queued on `fd`: lengths. A veth hands frames over in a softirq of its own
 * time, so they are waited for, at most two seconds.
 */
function readFrames(fd: number, count = 0): number[] {
  const bytes = new Uint8Array(2048);
  const address = pin(bytes);
  const set = new PollSet([fd], [POLLIN]);
  const lengths: number[] = [];
  for (;;) {
    if (set.wait(lengths.length < count ? 2_000 : 0) <= 0) break;
    const length = read(fd, address, 2048);
    if (length <= 0) break;
    lengths.push(length);
  }
  set.close();
  unpin(bytes);
  return lengths;
}

/** Two results of read(2), of which the first may be a pending error. */
function readTwice(fd: number): [number, number] {
  const bytes = new Uint8Array(2048);
  const address = pin(bytes);
  const results: [number, number] = [read(fd, address, 2048), read(fd, address, 2048)];
  unpin(bytes);
  return results;
}

test.serial('a frame written to one end of a veth is read at the other, and not by its sender', (t) => {
  inNamespace(t, () => {
    const [index0, index1] = makeVeth();
    const left = openPacketSocketFd({ interfaceIndex: index0, protocol: TEST_PROTOCOL });
    const right = openPacketSocketFd({ interfaceIndex: index1, protocol: TEST_PROTOCOL });
    const own = openPacketSocketFd({ interfaceIndex: index0, ignoreOutgoing: false, qdiscBypass: true });
    readFrames(own);
    sendFrames(left, 3);
    t.deepEqual(readFrames(right, 3), [64, 64, 64]);
    t.deepEqual(readFrames(left), []);
    t.true(readFrames(own, 3).filter((length) => length === 64).length >= 3);
    [left, right, own].forEach(closeFd);
  });
});

test.serial('a dgram packet socket has no link header', (t) => {
  inNamespace(t, () => {
    const [index0, index1] = makeVeth();
    const left = openPacketSocketFd({ interfaceIndex: index0, protocol: TEST_PROTOCOL });
    const right = openPacketSocketFd({ interfaceIndex: index1, protocol: TEST_PROTOCOL, type: 'dgram' });
    sendFrames(left, 1);
    t.deepEqual(readFrames(right, 1), [50]);
    t.is(describeFd(right).type, SOCK_DGRAM);
    closeFd(left);
    closeFd(right);
  });
});

for (const vnetHeaderBytes of [0, 10, 12] as const) {
  test.serial(`a packet socket has a virtio-net header of ${vnetHeaderBytes} bytes, and says so`, (t) => {
    inNamespace(t, () => {
      const [index0, index1] = makeVeth();
      const left = openPacketSocketFd({ interfaceIndex: index0, protocol: TEST_PROTOCOL });
      const right = openPacketSocketFd({ interfaceIndex: index1, protocol: TEST_PROTOCOL, vnetHeaderBytes });
      t.like(describeFd(right), {
        kind: 'socket',
        domain: AF_PACKET,
        type: SOCK_RAW,
        isPacketSocket: true,
        vnetHeaderBytes,
        interfaceName: 'veth1',
      });
      sendFrames(left, 1);
      t.deepEqual(readFrames(right, 1), [64 + vnetHeaderBytes]);
      closeFd(left);
      closeFd(right);
    });
  });
}

test.serial('describeFd() names the interface also from another namespace', (t) => {
  const namespace = makeNamespace(t);
  const fd = runInNamespace(namespace, () => openPacketSocketFd({ interfaceIndex: makeVeth()[0] }));
  t.is(describeFd(fd).interfaceName, 'veth0');
  closeFd(fd);
});

test.serial('a socket that is not bound yet queues nothing', (t) => {
  inNamespace(t, () => {
    const [index0, index1] = makeVeth();
    const left = openPacketSocketFd({ interfaceIndex: index0, protocol: TEST_PROTOCOL });
    const right = createPacketSocketFd({});
    sendFrames(left, 1);
    sleep(20);
    t.deepEqual(readFrames(right), []);
    bindPacketSocket(right, index1, TEST_PROTOCOL);
    sendFrames(left, 2);
    t.deepEqual(readFrames(right, 2), [64, 64]);
    closeFd(left);
    closeFd(right);
  });
});

test.serial('the bound interface is -1 once it was deleted, and ENETDOWN is told once', (t) => {
  inNamespace(t, () => {
    const [index0] = makeVeth();
    const fd = openPacketSocketFd({ interfaceIndex: index0, protocol: TEST_PROTOCOL });
    t.is(boundInterfaceIndex(fd), index0);
    deleteLink('veth0');
    t.is(boundInterfaceIndex(fd), -1);
    t.deepEqual(readTwice(fd), [-ERRNO.ENETDOWN, -ERRNO.EAGAIN]);
    closeFd(fd);
    t.is(boundInterfaceIndex(fd), -ERRNO.EBADF);
  });
});

test.serial('an interface that is deleted while it is down is told by its index only, not by an error', (t) => {
  inNamespace(t, () => {
    const [index0] = makeVeth();
    const fd = openPacketSocketFd({ interfaceIndex: index0, protocol: TEST_PROTOCOL });
    setInterfaceUp('veth0', false);
    t.is(boundInterfaceIndex(fd), index0);
    t.deepEqual(readTwice(fd), [-ERRNO.ENETDOWN, -ERRNO.EAGAIN]);
    deleteLink('veth0');
    t.is(boundInterfaceIndex(fd), -1);
    t.is(pollNow(fd, POLLIN), 0);
    t.deepEqual(readTwice(fd), [-ERRNO.EAGAIN, -ERRNO.EAGAIN]);
    closeFd(fd);
  });
});

test.serial('readPacketStatistics() counts what came and what was dropped, and starts again', (t) => {
  inNamespace(t, () => {
    const [index0, index1] = makeVeth();
    const left = openPacketSocketFd({ interfaceIndex: index0, protocol: TEST_PROTOCOL });
    const right = openPacketSocketFd({ interfaceIndex: index1, protocol: TEST_PROTOCOL });
    setBufferSizes(right, { receive: 2048 });
    const out = new Int32Array(3);
    t.is(readPacketStatistics(right, out), 0);
    sendFrames(left, 100);
    let packets = 0;
    let drops = 0;
    for (let tries = 0; packets < 100 && tries < 200; tries++) {
      t.is(readPacketStatistics(right, out), 0);
      packets += out[STATISTICS_PACKETS]!;
      drops += out[STATISTICS_DROPS]!;
      if (packets < 100) sleep(10);
    }
    t.is(packets, 100);
    t.true(drops > 0);
    t.is(readFrames(right).length, 100 - drops);
    t.is(readPacketStatistics(right, out), 0);
    t.deepEqual([...out], [0, 0, 0]);
    closeFd(left);
    closeFd(right);
    t.is(readPacketStatistics(right, out), -ERRNO.EBADF);
  });
});

test.serial('two sockets share the frames of a fan-out group whose id the kernel picked', (t) => {
  inNamespace(t, () => {
    const [index0, index1] = makeVeth();
    const left = openPacketSocketFd({ interfaceIndex: index0, protocol: TEST_PROTOCOL });
    const [a, b, c] = [0, 1, 2].map(() => openPacketSocketFd({ interfaceIndex: index1, protocol: TEST_PROTOCOL })) as [
      number,
      number,
      number,
    ];
    const flags = PACKET_FANOUT_FLAG_UNIQUEID;
    const id = joinFanout(a, 0, PACKET_FANOUT_HASH, flags);
    t.is(joinFanout(b, id, PACKET_FANOUT_HASH, 0), id);
    t.not(joinFanout(c, 0, PACKET_FANOUT_HASH, flags), id);
    sendFrames(left, 10);
    t.is(readFrames(c, 10).length, 10);
    t.is(readFrames(a).length + readFrames(b).length, 10);
    t.throws(() => joinFanout(a, id, PACKET_FANOUT_HASH, 0), { code: 'EALREADY' });
    [left, a, b, c].forEach(closeFd);
  });
});

test.serial('all members of a fan-out group must have the same mode and flags', (t) => {
  inNamespace(t, () => {
    const [, index1] = makeVeth();
    const a = openPacketSocketFd({ interfaceIndex: index1 });
    const b = openPacketSocketFd({ interfaceIndex: index1 });
    t.is(joinFanout(a, 7, PACKET_FANOUT_HASH, 0), 7);
    t.throws(() => joinFanout(b, 7, PACKET_FANOUT_HASH, PACKET_FANOUT_FLAG_ROLLOVER), {
      code: 'EINVAL',
      message: /Cannot join fanout group 7 on fd \d+: setsockopt\(PACKET_FANOUT\) failed with EINVAL; .*mode and flags/,
    });
    closeFd(a);
    closeFd(b);
  });
});

test.serial('a classic BPF program chooses the member', (t) => {
  inNamespace(t, () => {
    const [index0, index1] = makeVeth();
    const left = openPacketSocketFd({ interfaceIndex: index0, protocol: TEST_PROTOCOL });
    const a = openPacketSocketFd({ interfaceIndex: index1, protocol: TEST_PROTOCOL });
    const b = openPacketSocketFd({ interfaceIndex: index1, protocol: TEST_PROTOCOL });
    const id = joinFanout(a, 0, PACKET_FANOUT_CBPF, PACKET_FANOUT_FLAG_UNIQUEID);
    joinFanout(b, id, PACKET_FANOUT_CBPF, 0);
    // BPF_RET | BPF_K with k = 1: the second member.
    setFanoutProgram(a, new Uint8Array([0x06, 0, 0, 0, 1, 0, 0, 0]));
    sendFrames(left, 5);
    t.is(readFrames(b, 5).length, 5);
    t.is(readFrames(a).length, 0);
    t.throws(() => setFanoutProgram(a, new Uint8Array(7)), { code: 'ERR_INVALID_OPTION' });
    [left, a, b].forEach(closeFd);
  });
});

test.serial('an eBPF program is given by its descriptor', (t) => {
  inNamespace(t, () => {
    const fd = openPacketSocketFd({ interfaceIndex: makeVeth()[1] });
    joinFanout(fd, 0, PACKET_FANOUT_EBPF, PACKET_FANOUT_FLAG_UNIQUEID);
    t.throws(() => setFanoutProgram(fd, 999_999), { code: 'EBADF', message: /PACKET_FANOUT_DATA/ });
    closeFd(fd);
  });
});

test.serial('setPromiscuous() lasts as long as the socket', (t) => {
  inNamespace(t, () => {
    const [index0] = makeVeth();
    const fd = openPacketSocketFd({ interfaceIndex: index0 });
    setPromiscuous(fd, index0);
    t.is(promiscuity('veth0'), 1);
    closeFd(fd);
    t.is(promiscuity('veth0'), 0);
  });
});

test.serial('a socket that cannot be opened leaves no descriptor', (t) => {
  inNamespace(t, () => {
    const before = fdCount();
    t.throws(() => openPacketSocketFd({ interfaceIndex: 9999 }), { code: 'ENODEV' });
    t.throws(() => openPacketSocketFd({ interfaceIndex: 1, type: 'dgram', vnetHeaderBytes: 10 }), { code: 'EINVAL' });
    t.is(fdCount(), before);
  });
});

test.serial('a link that goes down stops the polling, and restart() sees the frames after it comes up', async (t) => {
  const namespace = makeNamespace(t);
  const [left, right] = runInNamespace(namespace, () => {
    const [index0, index1] = makeVeth();
    return [
      openPacketSocketFd({ interfaceIndex: index0, protocol: TEST_PROTOCOL }),
      openPacketSocketFd({ interfaceIndex: index1, protocol: TEST_PROTOCOL }),
    ] as const;
  });
  const statuses: number[] = [];
  let frames = 0;
  const readiness = Readiness.watch(right, { readable: true }, (status) => {
    statuses.push(status);
    if (status === 0) frames += readFrames(right).length;
  });
  runInNamespace(namespace, () => setInterfaceUp('veth1', false));
  await until(() => statuses.some((status) => status < 0), 'the link is down');
  t.deepEqual(readTwice(right), [-ERRNO.ENETDOWN, -ERRNO.EAGAIN]);
  runInNamespace(namespace, () => {
    setInterfaceUp('veth1', true);
    waitUntilRunning('veth0');
  });
  readiness.restart();
  sendFrames(left, 2);
  await until(() => frames === 2, 'both frames came');
  readiness.close();
  closeFd(left);
  closeFd(right);
});
