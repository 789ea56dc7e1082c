/** The sinks without devices: QEMU's arguments, what is refused, and a stack on socket pairs. */

import test, { type ExecutionContext } from 'ava';

import { LinkpointError } from '../../errors.ts';
import type { RunMode } from '../../link/fd-based-options.ts';
import { openFdBased } from '../../link/fd-based.ts';
import { closeFd, socketPair } from '../../native/index.ts';
import type { SinkPci, SinkTap, SinkVhostUser } from '../../sandbox/network/device-sink.ts';
import { fdSink, qemuSink, stackSink, UnsupportedDeviceError } from '../../sandbox/network/sinks/index.ts';
import { Stack } from '../../stack/index.ts';
import { arpRequest, ethernetFrame } from '../../testing/packets.ts';
import { until } from '../../testing/until.ts';
import { Peer } from '../regression/_support.ts';

const TAP: SinkTap = {
  name: 'tap0',
  kind: 'tap',
  fds: [17, 18],
  vhostFds: [],
  linkAddress: '02:00:00:00:00:01',
  mtu: 1500,
  vnetHeaderBytes: 12,
};
const VHOST_USER: SinkVhostUser = {
  socketPath: '/tmp/vhostuser_192.0.2.1/vhu.sock',
  id: '0123456789abcdef',
  linkAddress: '02:00:00:00:00:02',
};
const PCI: SinkPci = { bdf: '0000:00:03.0', driver: 'e1000e', linkAddress: '02:00:00:00:00:03' };

test('fdSink hands out what it is given until that is let go of', async (t) => {
  const sink = fdSink();
  const other = { ...TAP, name: 'tap1' };
  const release = await sink.addTap(TAP);
  await sink.addTap(other);
  await sink.addVhostUser(VHOST_USER);
  await sink.addPci(PCI);
  t.deepEqual([sink.taps, sink.vhostUser, sink.pci], [[TAP, other], [VHOST_USER], [PCI]]);
  await release();
  await release();
  t.deepEqual(sink.taps, [other]);
});

test('qemuSink numbers descriptors in the order of stdio', async (t) => {
  const sink = qemuSink();
  await sink.addTap(TAP);
  await sink.addTap({ ...TAP, name: 'tap1', fds: [23], linkAddress: '02:00:00:00:00:0A', mtu: 9000 });
  t.deepEqual(sink.argv, [
    '-netdev', 'tap,id=net0,fds=3:4,vhost=off',
    '-device', 'virtio-net-pci,netdev=net0,mac=02:00:00:00:00:01,mq=on,vectors=6',
    '-netdev', 'tap,id=net1,fd=5,vhost=off',
    '-device', 'virtio-net-pci,netdev=net1,mac=02:00:00:00:00:0a,host_mtu=9000',
  ]);
  t.deepEqual(sink.fds, [17, 18, 23]);
  t.false(sink.needsSharedMemory);
});

test('qemuSink passes the descriptors of vhost-net behind those of the queues', async (t) => {
  const sink = qemuSink({ firstFd: 5 });
  await sink.addTap({ ...TAP, vhostFds: [40, 41] });
  await sink.addTap({ ...TAP, fds: [19], vhostFds: [42] });
  t.is(sink.argv[1], 'tap,id=net0,fds=5:6,vhost=on,vhostfds=7:8');
  t.is(sink.argv[5], 'tap,id=net1,fd=9,vhost=on,vhostfd=10');
  t.deepEqual(sink.fds, [17, 18, 40, 41, 19, 42]);
});

test('qemuSink keeps the ids of other devices when one is let go of, and moves their descriptors up', async (t) => {
  let stops = 0;
  const sink = qemuSink({ stop: async () => void stops++ });
  const release = await sink.addTap(TAP);
  await sink.addTap({ ...TAP, fds: [23] });
  await release();
  t.is(stops, 1);
  t.is(sink.argv[1], 'tap,id=net1,fd=3,vhost=off');
  t.deepEqual(sink.fds, [23]);
});

test('qemuSink lets go of a device only when QEMU has ended', async (t) => {
  let end: () => void = () => undefined;
  const sink = qemuSink({ stop: () => new Promise((resolve) => (end = resolve)) });
  const release = await sink.addTap(TAP);
  let isReleased = false;
  const released = release().then(() => (isReleased = true));
  await new Promise(setImmediate);
  t.false(isReleased);
  end();
  await released;
  t.deepEqual(sink.fds, []);
});

test('qemuSink doubles the commas of a socket path', async (t) => {
  const sink = qemuSink({ vhostUserQueues: 2 });
  await sink.addVhostUser({ ...VHOST_USER, socketPath: '/tmp/a,server=on,b' });
  t.deepEqual(sink.argv, [
    '-chardev', 'socket,id=char-0123456789abcdef,path=/tmp/a,,server=on,,b',
    '-netdev', 'vhost-user,id=net0,chardev=char-0123456789abcdef,queues=2',
    '-device', 'virtio-net-pci,netdev=net0,mac=02:00:00:00:00:02,mq=on,vectors=6',
  ]);
  t.deepEqual(sink.fds, []);
  t.true(sink.needsSharedMemory);
});

test('qemuSink passes PCI devices by their address', async (t) => {
  const sink = qemuSink();
  await sink.addPci(PCI);
  t.deepEqual(sink.argv, ['-device', 'vfio-pci,host=0000:00:03.0']);
});

const invalid = { instanceOf: LinkpointError, code: 'ERR_INVALID_OPTION' };

test('qemuSink refuses values that would be other options, and keeps nothing of them', async (t) => {
  const sink = qemuSink();
  const taps: Partial<SinkTap>[] = [
    { linkAddress: '02:00:00:00:00:01,romfile=/etc/passwd' },
    { linkAddress: 'ff:ff:ff:ff:ff:ff' },
    { linkAddress: '00:00:00:00:00:00' },
    { fds: [] },
    { fds: [17, 17] },
    { fds: [-1] },
    { fds: [17, 18], vhostFds: [40] },
    { fds: [17], vhostFds: [17] },
    { mtu: 67 },
    { mtu: 1500.5 },
  ];
  for (const tap of taps) {
    const refused = { ...invalid, message: /^Cannot give "tap0" to QEMU: / };
    await t.throwsAsync(sink.addTap({ ...TAP, ...tap }), refused, JSON.stringify(tap));
  }
  const paths = ['', `/${'a'.repeat(107)}`, '/a\0b'].map((socketPath) => ({ socketPath }));
  for (const device of [{ id: 'a,server=on' }, { id: '' }, ...paths]) {
    await t.throwsAsync(sink.addVhostUser({ ...VHOST_USER, ...device }), invalid, JSON.stringify(device));
  }
  for (const bdf of ['0000:00:03.0,x=y', 'usb-0000:00:14.0-1', '00:03.0', '', '0000:00:20.0']) {
    await t.throwsAsync(sink.addPci({ ...PCI, bdf }), invalid, bdf);
  }
  t.deepEqual([sink.argv, sink.fds], [[], []]);
  t.throws(() => qemuSink({ firstFd: 2 }), invalid);
  t.throws(() => qemuSink({ vhostUserQueues: 0 }), invalid);
});

/** A device of socket pairs: what is sent to a peer comes out of its queue. */
function makeDevice(t: ExecutionContext, queues: number): { device: SinkTap; peers: Peer[] } {
  const pairs = Array.from({ length: queues }, () => socketPair());
  const peers = pairs.map(([, peer]) => new Peer(peer));
  t.teardown(() => peers.forEach((peer) => peer.close()));
  return { device: { ...TAP, fds: pairs.map(([fd]) => fd), vnetHeaderBytes: 0 }, peers };
}

const frame = ethernetFrame(arpRequest());

for (const run of ['inline', 'ring'] as const satisfies readonly RunMode[]) {
  test(`${run}: stackSink reads all queues of a device; let go of, its descriptors can be closed`, async (t) => {
    const { device, peers } = makeDevice(t, 2);
    let delivered = 0;
    const sink = stackSink({ endpoint: { run }, dispatcher: { deliverNetworkPacket: () => void delivered++ } });
    const release = await sink.addTap(device);
    const endpoint = sink.endpoints.get('tap0');
    t.deepEqual(endpoint?.fds, device.fds);
    t.is(endpoint?.linkAddress, 0x0200_0000_0001);
    t.is(endpoint?.mtu, 1500);
    for (const peer of peers) t.is(peer.send([frame]), 1);
    await until('a frame of each queue', () => delivered === 2);
    await release();
    t.is(sink.endpoints.size, 0);
    t.true(endpoint?.isClosed);
    let isIdle = false;
    void endpoint?.wait().then(() => (isIdle = true));
    await new Promise(setImmediate);
    t.true(isIdle, 'no worker reads any more');
    device.fds.forEach(closeFd); // throws ERR_FD_POLLED, or EBADF, if somebody still had them
  });
}

test('a stack makes a NIC of every device', async (t) => {
  const stack = new Stack();
  const sink = stackSink({
    dispatcher: (endpoint, { name }) => stack.createNic(stack.nics.length + 1, endpoint, { name }),
  });
  const made = [makeDevice(t, 1), makeDevice(t, 1)] as const;
  const releases = [await sink.addTap(made[0].device), await sink.addTap({ ...made[1].device, name: 'tap1' })];
  made[1].peers[0]?.send([frame]);
  await until('a frame on the second NIC', () => stack.nic(2).statistics.snapshot().receivedPackets === 1);
  t.deepEqual(stack.nics.map(({ name }) => name), ['tap0', 'tap1']);
  t.is(stack.nic(1).statistics.snapshot().receivedPackets, 0);
  for (const release of releases) await release();
  for (const { device } of made) device.fds.forEach(closeFd);
});

test('a function that connects nothing may attach later', async (t) => {
  const { device, peers } = makeDevice(t, 1);
  const sink = stackSink({ dispatcher: () => undefined });
  const release = await sink.addTap(device);
  peers[0]?.send([frame]);
  let delivered = 0;
  sink.endpoints.get('tap0')?.attach({ deliverNetworkPacket: () => void delivered++ });
  await until('the frame that waited', () => delivered === 1);
  t.is(delivered, 1);
  await release();
  device.fds.forEach(closeFd);
});

test('a function that throws leaves its device free', async (t) => {
  const { device } = makeDevice(t, 2);
  const sink = stackSink({
    dispatcher: (endpoint) => {
      endpoint.attach({ deliverNetworkPacket() {} });
      throw new RangeError('no room');
    },
  });
  await t.throwsAsync(sink.addTap(device), { instanceOf: RangeError, message: 'no room' });
  t.is(sink.endpoints.size, 0);
  await using endpoint = await openFdBased({ fds: device.fds });
  endpoint.attach({ deliverNetworkPacket() {} }); // nobody polls them
  endpoint.close();
  await endpoint.wait();
  device.fds.forEach(closeFd);
});

test('stackSink refuses what a stack cannot drive', async (t) => {
  const sink = stackSink({ dispatcher: { deliverNetworkPacket() {} } });
  const refused = { instanceOf: UnsupportedDeviceError, code: 'ERR_UNSUPPORTED_DEVICE' };
  await t.throwsAsync(sink.addVhostUser(VHOST_USER), { ...refused, message: /vhu\.sock".*qemuSink/ });
  await t.throwsAsync(sink.addPci(PCI), { ...refused, message: /"0000:00:03\.0".*qemuSink/ });
  const { device } = makeDevice(t, 1);
  const release = await sink.addTap(device);
  await t.throwsAsync(sink.addTap(device), { ...invalid, message: /drives a device of that name/ });
  await t.throwsAsync(sink.addTap({ ...device, name: 'tap1', linkAddress: 'nobody' }), invalid);
  t.deepEqual([...sink.endpoints.keys()], ['tap0']);
  await release();
  device.fds.forEach(closeFd);
});
