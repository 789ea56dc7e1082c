import test from 'ava';

import {
  AF_INET,
  ARPHRD_NONE,
  IFF_TAP,
  IFF_VNET_HDR,
  SOCK_DGRAM,
  TUN_F_CSUM,
  TUN_F_TSO4,
  TUN_F_TSO6,
} from '../../native/constants.ts';
import { ERRNO } from '../../native/errno.ts';
import {
  addIpv4Address,
  closeFd,
  connectAddress,
  describeFd,
  getVnetHeaderBytes,
  interfaceHardwareType,
  interfaceIndex,
  isCloseOnExec,
  isNonblocking,
  openSocket,
  openTunFd,
  pin,
  read,
  setInterfaceUp,
  setPersist,
  setQueueEnabled,
  setTunOffload,
  setVnetHeaderBytes,
  tunFeatures,
  unpin,
  write,
} from '../../native/index.ts';
import { fdCount } from '../native/_support.ts';
import { testWithTun } from './_rights.ts';
import { deleteLink, inNamespace } from './native-support.ts';

testWithTun('a TAP has the name asked for, and vanishes with its descriptor', (t) => {
  inNamespace(t, () => {
    const { fd, name } = openTunFd({ name: 'tap-test', mode: 'tap' });
    t.is(name, 'tap-test');
    t.true(interfaceIndex(name) > 0);
    t.true(isNonblocking(fd));
    t.true(isCloseOnExec(fd));
    closeFd(fd);
    t.throws(() => interfaceIndex(name), { code: 'ENODEV' });
  });
});

testWithTun('the kernel numbers a name with %d, and a missing one', (t) => {
  inNamespace(t, () => {
    const opened = [
      openTunFd({ name: 'box%d', mode: 'tap' }),
      openTunFd({ name: 'box%d', mode: 'tap' }),
      openTunFd({ mode: 'tun' }),
      openTunFd({ mode: 'tap' }),
    ];
    t.deepEqual(opened.map(({ name }) => name), ['box0', 'box1', 'tun0', 'tap0']);
    t.is(interfaceHardwareType('tun0'), ARPHRD_NONE);
    opened.forEach(({ fd }) => closeFd(fd));
  });
});

for (const name of ['a/b', 'a b', 'a:b', 'sixteen-bytes-xx', '.', '..']) {
  test.serial(`the interface name "${name}" is refused before anything is opened`, (t) => {
    const before = fdCount();
    t.throws(() => openTunFd({ name, mode: 'tap' }), { code: 'ERR_INVALID_OPTION' });
    t.is(fdCount(), before);
  });
}

testWithTun('a TUN hands up the packet that the kernel routes to it', (t) => {
  inNamespace(t, () => {
    const { fd, name } = openTunFd({ mode: 'tun' });
    addIpv4Address(name, 0xc0000201, 24);
    setInterfaceUp(name, true);
    const bytes = new Uint8Array(2048);
    const address = pin(bytes);
    const udp = openSocket(AF_INET, SOCK_DGRAM, 0);
    connectAddress(udp, new Uint8Array([AF_INET, 0, 0x12, 0x34, 192, 0, 2, 9, 0, 0, 0, 0, 0, 0, 0, 0]));
    t.is(write(udp, address, 100), 100);
    // IPv6 says things of its own on a new interface (MLD, router solicitation).
    const lengths: number[] = [];
    while (bytes[0] !== 0x45 && lengths.length < 100) lengths.push(read(fd, address, 2048));
    t.is(lengths.at(-1), 128);
    t.deepEqual([...bytes.subarray(12, 20)], [192, 0, 2, 1, 192, 0, 2, 9]);
    unpin(bytes);
    closeFd(udp);
    closeFd(fd);
  });
});

for (const vnetHeaderBytes of [0, 10, 12] as const) {
  testWithTun(`describeFd() tells a TAP with a virtio-net header of ${vnetHeaderBytes} bytes`, (t) => {
    inNamespace(t, () => {
      const { fd } = openTunFd({ name: 'tap0', mode: 'tap', vnetHeaderBytes, multiQueue: true });
      t.like(describeFd(fd), {
        kind: 'tap',
        domain: 0,
        isPacketSocket: false,
        isPollable: true,
        vnetHeaderBytes,
        interfaceName: 'tap0',
        multiQueue: true,
      });
      closeFd(fd);
    });
  });
}

testWithTun('describeFd() tells a TUN', (t) => {
  inNamespace(t, () => {
    const { fd } = openTunFd({ mode: 'tun' });
    t.like(describeFd(fd), { kind: 'tun', vnetHeaderBytes: 0, interfaceName: 'tun0', multiQueue: false });
    closeFd(fd);
  });
});

testWithTun('features, offloads and the header size can be asked for and set', (t) => {
  inNamespace(t, () => {
    const { fd } = openTunFd({ mode: 'tap', vnetHeaderBytes: 10 });
    t.is(tunFeatures(fd) & (IFF_TAP | IFF_VNET_HDR), IFF_TAP | IFF_VNET_HDR);
    t.notThrows(() => setTunOffload(fd, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6));
    t.throws(() => setTunOffload(fd, TUN_F_TSO4), { code: 'EINVAL', message: /offloads 0x2/ });
    t.is(getVnetHeaderBytes(fd), 10);
    setVnetHeaderBytes(fd, 12);
    t.is(getVnetHeaderBytes(fd), 12);
    t.throws(() => setVnetHeaderBytes(fd, 9), { code: 'EINVAL' });
    closeFd(fd);
  });
});

testWithTun('a second queue needs multiQueue on both, and can be taken out of service', (t) => {
  inNamespace(t, () => {
    const before = fdCount();
    const single = openTunFd({ name: 'tap0', mode: 'tap' });
    t.throws(() => openTunFd({ name: 'tap0', mode: 'tap' }), { code: 'EBUSY', message: /multiQueue/ });
    t.throws(() => openTunFd({ name: 'tap0', mode: 'tun' }), { code: 'EINVAL' });
    closeFd(single.fd);
    const first = openTunFd({ name: 'tap1', mode: 'tap', multiQueue: true });
    const second = openTunFd({ name: 'tap1', mode: 'tap', multiQueue: true });
    t.notThrows(() => setQueueEnabled(second.fd, false));
    t.throws(() => setQueueEnabled(second.fd, false), { code: 'EINVAL', message: /Cannot detach/ });
    t.notThrows(() => setQueueEnabled(second.fd, true));
    t.throws(() => openTunFd({ name: 'tap1', mode: 'tap', multiQueue: true, exclusive: true }), { code: 'EBUSY' });
    closeFd(first.fd);
    closeFd(second.fd);
    t.is(fdCount(), before);
  });
});

testWithTun('a persistent interface stays until persistence is taken back', (t) => {
  inNamespace(t, () => {
    const { fd, name } = openTunFd({ mode: 'tap' });
    setPersist(fd, true);
    closeFd(fd);
    t.true(interfaceIndex(name) > 0);
    const again = openTunFd({ name, mode: 'tap' });
    setPersist(again.fd, false);
    closeFd(again.fd);
    t.throws(() => interfaceIndex(name), { code: 'ENODEV' });
  });
});

testWithTun('a TAP that is down answers -EIO, and one that was deleted -EBADFD', (t) => {
  inNamespace(t, () => {
    const { fd, name } = openTunFd({ mode: 'tap' });
    const bytes = new Uint8Array(64);
    const address = pin(bytes);
    t.is(read(fd, address, 64), -ERRNO.EAGAIN);
    t.is(write(fd, address, 64), -ERRNO.EIO);
    deleteLink(name);
    t.is(read(fd, address, 64), -ERRNO.EBADFD);
    t.is(write(fd, address, 64), -ERRNO.EBADFD);
    t.like(describeFd(fd), { kind: 'other', interfaceName: undefined });
    unpin(bytes);
    closeFd(fd);
  });
});

test.serial('a device that is not there names its path and the remedy', (t) => {
  t.throws(() => openTunFd({ mode: 'tap', path: '/dev/net/nonexistent' }), {
    code: 'ENOENT',
    message: /the device \/dev\/net\/nonexistent and its kernel module are required/,
  });
});
