import test from 'ava';

import {
  allocatePinned,
  bindAddress,
  boundPort,
  closeFd,
  constants as c,
  ERRNO,
  freePinned,
  inet4Address,
  openSocket,
  packetAddress,
  read,
  sendTo,
} from '../../native/index.ts';

const LOOPBACK = 0x7f00_0001;

test('sendTo() sends one datagram to the address given', (t) => {
  const [from, to] = [0, 0].map(() => openSocket(c.AF_INET, c.SOCK_DGRAM, 0)) as [number, number];
  const memory = allocatePinned(64);
  t.teardown(() => {
    [from, to].forEach(closeFd);
    freePinned(memory);
  });
  bindAddress(to, inet4Address(LOOPBACK, 0));
  t.is(sendTo(from, Uint8Array.of(1, 2, 3), inet4Address(LOOPBACK, boundPort(to))), 3);
  t.is(read(to, memory.address, 64), 3);
  t.deepEqual([...memory.bytes.slice(0, 3)], [1, 2, 3]);
});

test('sendTo() answers -errno', (t) => {
  t.is(sendTo(-1, Uint8Array.of(1), inet4Address(LOOPBACK, 9)), -ERRNO.EBADF);
});

test('packetAddress() is a struct sockaddr_ll', (t) => {
  t.deepEqual([...packetAddress(0x0102_0304, c.ETH_P_ARP, 0xa1a2_a3a4_a5a6)], [
    17, 0, // AF_PACKET
    0x08, 0x06, // protocol, network byte order
    4, 3, 2, 1, // interface index
    1, 0, // hardware type: Ethernet
    0, // packet type
    6, // address length
    0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0, 0,
  ]); // prettier-ignore
});
