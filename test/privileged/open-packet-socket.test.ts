import test from 'ava';

import { openPacketSocket } from '../../link/open-packet-socket.ts';
import { SOL_SOCKET, SO_RCVBUF } from '../../native/constants.ts';
import {
  boundInterfaceIndex,
  describeFd,
  getOption,
  pin,
  read,
  runInNamespace,
  unpin,
  write,
} from '../../native/index.ts';
import { fdCount } from '../native/_support.ts';
import { asNobody } from './device-support.ts';
import { frame, makeNamespace, makeVeth, TEST_PROTOCOL } from './native-support.ts';

/** Sends a frame on one descriptor and reads one from another: its length, or -errno. */
function cross(from: number, to: number, bytes: Uint8Array): number {
  const received = new Uint8Array(4096);
  const length = write(from, pin(bytes), bytes.length) < 0 ? Number.NaN : read(to, pin(received), received.length);
  unpin(bytes);
  unpin(received);
  return length;
}

test.serial('frames cross between packet sockets of a namespace that the thread is not in', (t) => {
  const namespace = makeNamespace(t);
  const [index] = runInNamespace(namespace, makeVeth);
  const before = fdCount();
  const left = openPacketSocket({ interfaceName: 'veth0', namespace, protocol: TEST_PROTOCOL });
  const right = openPacketSocket({ interfaceName: 'veth1', namespace, protocol: TEST_PROTOCOL, promiscuous: true });
  t.is(left.name, 'veth0');
  t.is(left.mode, 'raw');
  t.is(left.interfaceIndex, index);
  t.is(boundInterfaceIndex(left.fd), index);
  t.is(cross(left.fd, right.fd, frame(64, 0x5a)), 64);
  left.close();
  right.close();
  right.close();
  t.is(fdCount(), before);
});

for (const vnetHeaderBytes of [10, 12] as const) {
  test.serial(`two sockets with a virtio-net header of ${vnetHeaderBytes} bytes and a buffer of 4 MiB`, (t) => {
    const namespace = makeNamespace(t);
    runInNamespace(namespace, makeVeth);
    using device = openPacketSocket({
      interfaceName: 'veth0',
      namespace,
      queues: 2,
      vnetHeaderBytes,
      qdiscBypass: true,
      bufferBytes: 4 << 20,
    });
    t.is(device.fds.length, 2);
    t.is(device.vnetHeaderBytes, vnetHeaderBytes);
    for (const fd of device.fds) {
      t.like(describeFd(fd), { isPacketSocket: true, vnetHeaderBytes, interfaceName: 'veth0' });
      // The kernel doubles what is asked for, socket(7).
      t.true(getOption(fd, SOL_SOCKET, SO_RCVBUF, 'SO_RCVBUF') >= 4 << 20);
    }
  });
}

test.serial('a dgram socket has no link header, and can have no virtio-net header', (t) => {
  const namespace = makeNamespace(t);
  runInNamespace(namespace, makeVeth);
  using left = openPacketSocket({ interfaceName: 'veth0', namespace, protocol: TEST_PROTOCOL });
  using right = openPacketSocket({ interfaceName: 'veth1', namespace, protocol: TEST_PROTOCOL, type: 'dgram' });
  t.is(cross(left.fd, right.fd, frame(64, 0x5a)), 50);
  t.throws(() => openPacketSocket({ interfaceName: 'veth0', namespace, type: 'dgram', vnetHeaderBytes: 10 }), {
    code: 'ERR_INVALID_OPTION',
    message: /type "raw" is required/,
  });
});

test.serial('an interface that is not in the namespace is named, and nothing stays open', (t) => {
  const namespace = makeNamespace(t);
  const before = fdCount();
  t.throws(() => openPacketSocket({ interfaceName: 'veth0', namespace }), {
    code: 'ENODEV',
    message: /"veth0".*an interface of this network namespace is required/,
  });
  t.is(fdCount(), before);
});

for (const wrong of [{ queues: 0 }, { protocol: 0x10000 }, { bufferBytes: Number.NaN }]) {
  const [name] = Object.keys(wrong);
  test.serial(`an absurd ${name} is refused before anything is opened`, (t) => {
    const before = fdCount();
    t.throws(() => openPacketSocket({ interfaceName: 'lo', ...wrong }), {
      code: 'ERR_INVALID_OPTION',
      message: new RegExp(`${name} is `),
    });
    t.is(fdCount(), before);
  });
}

test.serial('without CAP_NET_RAW, the error names it', (t) => {
  asNobody(t, () => {
    t.throws(() => openPacketSocket({ interfaceName: 'lo' }), { code: 'EPERM', message: /CAP_NET_RAW is required/ });
  });
});
