/** Options of an fd-based endpoint against what the kernel says of its devices. */

import test, { type ExecutionContext } from 'ava';

import { type FdBasedEndpoint, openFdBased } from '../../link/fd-based.ts';
import type { FdBasedOptions } from '../../link/fd-based-options.ts';
import { openPacketSocket } from '../../link/open-packet-socket.ts';
import type { OpenPacketSocketOptions, PacketSocketDevice } from '../../link/open-packet-socket.ts';
import { openTap, openTun, type TunDevice } from '../../link/open-tun.ts';
import { pinnedCount, runInNamespace, setVnetHeaderBytes } from '../../native/index.ts';
import { Capability, HARDWARE_ETHER, HARDWARE_NONE } from '../../stack/index.ts';
import { fdCount } from '../native/_support.ts';
import { testWithTun } from './_rights.ts';
import { makeNamespace, makeVeth } from './native-support.ts';

/** Opens an endpoint that is closed before the device. */
async function open(t: ExecutionContext, options: FdBasedOptions): Promise<FdBasedEndpoint> {
  const endpoint = await openFdBased(options);
  t.teardown(() => endpoint.close());
  return endpoint;
}

/** Closed after the endpoints that are opened after it. */
function closing<Device extends { close(): void }>(t: ExecutionContext, device: Device): Device {
  t.teardown(() => device.close());
  return device;
}

function tapOf(t: ExecutionContext, vnetHeaderBytes: 0 | 10 | 12 = 0): TunDevice {
  return closing(t, openTap({ namespace: makeNamespace(t), vnetHeaderBytes }));
}

function vethOf(t: ExecutionContext, options: Partial<OpenPacketSocketOptions> = {}): PacketSocketDevice {
  const namespace = makeNamespace(t);
  runInNamespace(namespace, makeVeth);
  return closing(t, openPacketSocket({ interfaceName: 'veth0', namespace, ...options }));
}

testWithTun('over a TAP: readv, Ethernet headers, no virtio-net header', async (t) => {
  const tap = tapOf(t);
  t.like(await open(t, { fds: tap.fds }), {
    dispatchMode: 'readv',
    hardwareType: HARDWARE_ETHER,
    vnetHeaderBytes: 0,
    capabilities: Capability.RESOLUTION_REQUIRED,
  });
});

testWithTun('over a TUN: readv, no link header', async (t) => {
  const tun = closing(t, openTun({ namespace: makeNamespace(t) }));
  t.like(await open(t, { fds: tun.fds }), { dispatchMode: 'readv', hardwareType: HARDWARE_NONE, capabilities: 0 });
});

test.serial('over AF_PACKET: recvmmsg; Ethernet headers only on sockets of type raw', async (t) => {
  const raw = vethOf(t);
  t.like(await open(t, { fds: raw.fds }), { dispatchMode: 'recvmmsg', maxHeaderLength: 14 });
  const dgram = vethOf(t, { type: 'dgram' });
  t.like(await open(t, { fds: dgram.fds }), { dispatchMode: 'recvmmsg', maxHeaderLength: 0 });
});

for (const vnetHeaderBytes of [10, 12] as const) {
  testWithTun(`a kernel's virtio-net header of ${vnetHeaderBytes} bytes is found, and no other taken`, async (t) => {
    const devices = [tapOf(t, vnetHeaderBytes), vethOf(t, { vnetHeaderBytes })];
    for (const { fds } of devices) {
      const wrong = vnetHeaderBytes === 10 ? 12 : 10;
      for (const asked of [0, wrong] as const) {
        await t.throwsAsync(openFdBased({ fds, vnetHeaderBytes: asked }), {
          code: 'ERR_INVALID_OPTION',
          message: new RegExp(`vnetHeaderBytes ${asked} .*virtio-net header there has ${vnetHeaderBytes} bytes`),
        });
      }
      const endpoint = await open(t, { fds, vnetHeaderBytes });
      t.is(endpoint.vnetHeaderBytes, vnetHeaderBytes);
      t.deepEqual(endpoint.gso, { kind: 'host', maxSize: 65_535 });
      t.is(endpoint.capabilities, Capability.RESOLUTION_REQUIRED | Capability.TX_CHECKSUM_OFFLOAD);
    }
  });
}

testWithTun('a virtio-net header of a length that virtio has not is refused', async (t) => {
  const tap = tapOf(t, 12);
  setVnetHeaderBytes(tap.fd, 20);
  const expected = { code: 'ERR_INVALID_OPTION', message: /has 20 bytes; set 10 or 12/ };
  await t.throwsAsync(openFdBased({ fds: tap.fds }), expected);
});

testWithTun('fds with virtio-net headers of different lengths are refused', async (t) => {
  const fds = [tapOf(t, 10).fd, tapOf(t, 12).fd];
  await t.throwsAsync(openFdBased({ fds }), { code: 'ERR_INVALID_OPTION', message: /of different lengths/ });
});

for (const [name, fanout, message] of [
  ['an unknown mode', { mode: 'rss' as 'lb' }, /mode "rss" is unknown/],
  ['a program that its mode does not take', { mode: 'hash', program: new Uint8Array(8) }, /takes no program/],
  ['a mode without its program', { mode: 'cbpf' }, /needs program/],
] as const) {
  test.serial(`fan-out with ${name} is refused, and nothing stays open`, async (t) => {
    const { fds } = vethOf(t, { queues: 2 });
    const before = [fdCount(), pinnedCount()];
    await t.throwsAsync(openFdBased({ fds, fanout }), { code: 'ERR_INVALID_OPTION', message });
    t.deepEqual([fdCount(), pinnedCount()], before);
  });
}

for (const run of ['inline', 'worker', 'ring'] as const) {
  test.serial(`run ${run}: a ring that the kernel refuses is its error at open, and nothing stays open`, async (t) => {
    const { fds } = vethOf(t);
    const before = [fdCount(), pinnedCount()];
    const ring = { blockBytes: 6144, blockCount: 4 }; // no multiple of a page
    const error = await t.throwsAsync(openFdBased({ fds, run, dispatchMode: 'packet-mmap', ring }), { code: 'EINVAL' });
    t.regex(error?.message ?? '', /ring of 4 blocks of 6144 bytes on fd \d+: setsockopt\(PACKET_RX_RING\)/);
    t.deepEqual([fdCount(), pinnedCount()], before);
    t.is((await open(t, { fds, run })).dispatchMode, 'recvmmsg');
  });
}
