/**
 * Options of an fd-based endpoint: what they do, what contradicts what, and who closes the fds. One test at a time: the
 * number of a descriptor that one test has closed would be another's.
 */

import { openSync } from 'node:fs';
import test from 'ava';

import { openFdBased } from '../../link/fd-based.ts';
import type { FdBasedOptions } from '../../link/fd-based-options.ts';
import { packetOver } from '../../link/raw-packet.ts';
import { SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM } from '../../native/constants.ts';
import { closeFd, createEventFd, describeFd, isNonblocking, Readiness, setNonblocking, socketPair } from '../../native/index.ts';
import { Capability, type ClosedReason } from '../../stack/index.ts';
import { delay, fdCount, runFixture, until } from '../native/_support.ts';
import { openBench, packetOf, received, record } from './_fd-based-support.ts';
import { closeLater, ipv4Packet, OWN, readSome, Recorder, writeSome } from './_fd-support.ts';
import { PacketList } from '../../stack/packet-list.ts';

const MODULE = new URL('../dispatch/_counting-dispatcher.js', import.meta.url);

/** Each option that can be wrong by itself, and what the message says of it. */
const WRONG: readonly [string, Partial<FdBasedOptions>, RegExp][] = [
  ['no fds', { fds: [] }, /fds is empty/],
  ['a negative fd', { fds: [-1] }, /fds is -1/],
  ['an fd that is no integer', { fds: [1.5] }, /fds is 1.5/],
  ['an MTU of 0', { mtu: 0 }, /mtu is 0; an integer from 1 to 65535/],
  ['an MTU of 65,536', { mtu: 65_536 }, /mtu is 65536/],
  ['an MTU that is no number', { mtu: Number.NaN }, /mtu is NaN/],
  ['a negative gsoMaxSize', { gsoMaxSize: -1 }, /gsoMaxSize is -1; an integer from 0 to 65536/],
  ['a gsoMaxSize of 65,537', { gsoMaxSize: 65_537 }, /gsoMaxSize is 65537/],
  ['a link address of 49 bits', { linkAddress: 2 ** 48 }, /linkAddress is 281474976710656/],
  ['slots of no bytes', { slotBytes: 0 }, /slotBytes is 0/],
  ['slots of more than a megabyte', { slotBytes: 2 ** 20 + 1 }, /slotBytes is 1048577/],
  ['a batch of 0', { batch: 0 }, /batch is 0; an integer from 1 to 1024/],
  ['a batch of 1025', { batch: 1025 }, /batch is 1025/],
  ['no transmit slots', { transmitSlots: 0 }, /transmitSlots is 0/],
  ['packet-mmap on another socket', { dispatchMode: 'packet-mmap' }, /no AF_PACKET socket; use recvmmsg/],
  ['an unknown dispatch mode', { dispatchMode: 'epoll' as 'readv' }, /dispatchMode is "epoll"; one of auto, readv/],
  ['a way of running that is none', { run: 'thread' as 'ring' }, /run is "thread"; one of inline, worker, ring/],
  ['a ring of no blocks', { ring: { blockCount: 0 } }, /ring.blockCount is 0; an integer from 1 to/],
  ['a ring of half a block', { ring: { blockCount: 0.5 } }, /ring.blockCount is 0.5/],
  ['blocks of less than a frame', { ring: { blockBytes: 1024 } }, /ring.blockBytes is 1024; an integer from/],
  ['a negative retire timeout', { ring: { retireMilliseconds: -1 } }, /ring.retireMilliseconds is -1/],
  ['a virtio-net header of 11 bytes', { vnetHeaderBytes: 11 as 10 }, /vnetHeaderBytes is "11"; one of 0, 10, 12/],
];

for (const [name, options, message] of WRONG) {
  test.serial(`${name}: refused with ERR_INVALID_OPTION, and nothing stays open`, async (t) => {
    const pair = socketPair(SOCK_SEQPACKET);
    closeLater(t, ...pair);
    const before = fdCount();
    await t.throwsAsync(openFdBased({ fds: [pair[0]], ...options }), { code: 'ERR_INVALID_OPTION', message });
    t.is(fdCount(), before);
  });
}

test.serial('one fd twice, a stream, a file, and what is no device or socket are refused', async (t) => {
  const pair = socketPair(SOCK_SEQPACKET);
  const stream = socketPair(SOCK_STREAM);
  const file = openSync('/dev/null', 'r+');
  const event = createEventFd(); // as would a pipe, it could be read forever
  closeLater(t, ...pair, ...stream, file, event);
  const refused = (fds: number[], message: RegExp): Promise<unknown> =>
    t.throwsAsync(openFdBased({ fds }), { code: 'ERR_INVALID_OPTION', message });
  await refused([pair[0], pair[0]], /names one fd twice/);
  await refused([stream[0]], /a stream/);
  await refused([file], /can be polled/);
  await refused([event], /no device or socket/);
});

test.serial('a descriptor that is closed is a SystemError', async (t) => {
  const [fd, peer] = socketPair(SOCK_SEQPACKET);
  closeFd(fd);
  closeLater(t, peer);
  await t.throwsAsync(openFdBased({ fds: [fd] }), { code: 'EBADF' });
});

const BITS: readonly [string, Partial<FdBasedOptions>, number][] = [
  ['nothing asked for', {}, 0],
  ['txChecksumOffload', { txChecksumOffload: true }, Capability.TX_CHECKSUM_OFFLOAD],
  ['rxChecksumOffload', { rxChecksumOffload: true }, Capability.RX_CHECKSUM_OFFLOAD],
  ['saveRestore', { saveRestore: true }, Capability.SAVE_RESTORE],
  ['disconnectOk', { disconnectOk: true }, Capability.DISCONNECT_OK],
  ['ethernetHeader', { ethernetHeader: true }, Capability.RESOLUTION_REQUIRED],
  ['a virtio-net header', { gsoMaxSize: 1 }, Capability.TX_CHECKSUM_OFFLOAD],
  ['a virtio-net header, txChecksumOffload false', { gsoMaxSize: 1, txChecksumOffload: false }, 0],
];

for (const [name, options, capabilities] of BITS) {
  test.serial(`capabilities with ${name}: ${capabilities}`, async (t) => {
    const { endpoint } = await openBench(t, options);
    t.is(endpoint.capabilities, capabilities);
  });
}

for (const [asked, type, chosen] of [
  [undefined, SOCK_SEQPACKET, 'recvmmsg'],
  ['auto', SOCK_SEQPACKET, 'recvmmsg'],
  ['auto', SOCK_DGRAM, 'recvmmsg'],
  ['readv', SOCK_SEQPACKET, 'readv'],
  ['recvmmsg', SOCK_DGRAM, 'recvmmsg'],
] as const) {
  test.serial(`dispatchMode ${asked} on a socket of type ${type} is ${chosen}, which the endpoint tells`, async (t) => {
    const { endpoint } = await openBench(t, asked === undefined ? {} : { dispatchMode: asked }, 1, type);
    t.is(endpoint.dispatchMode, chosen);
  });
}

for (const [options, vnetHeaderBytes, kind, maxSize] of [
  [{}, 0, 'none', 0],
  [{ gsoMaxSize: 0 }, 0, 'none', 0],
  [{ gsoMaxSize: 32_768 }, 10, 'host', 32_768],
  [{ vnetHeaderBytes: 12 }, 12, 'host', 65_535],
  [{ vnetHeaderBytes: 12, gsoMaxSize: 0 }, 12, 'none', 0],
  [{ vnetHeaderBytes: 0, gsoMaxSize: 32_768 }, 0, 'none', 0],
] as const) {
  test.serial(`${JSON.stringify(options)}: ${vnetHeaderBytes} bytes of virtio-net header, gso ${kind}`, async (t) => {
    const { endpoint } = await openBench(t, options);
    t.is(endpoint.vnetHeaderBytes, vnetHeaderBytes);
    t.deepEqual(endpoint.gso, { kind, maxSize });
  });
}

test.serial('the fds are told in their order and made non-blocking', async (t) => {
  const pairs = [socketPair(SOCK_SEQPACKET), socketPair(SOCK_SEQPACKET)];
  closeLater(t, ...pairs.flat());
  const fds = pairs.map(([fd]) => fd).reverse();
  for (const fd of fds) setNonblocking(fd, false);
  const endpoint = await openFdBased({ fds });
  t.teardown(() => endpoint.close());
  t.deepEqual(endpoint.fds, fds);
  for (const fd of fds) t.true(isNonblocking(fd));
});

test.serial('`closed` is called as a listener registered before the first read: with the reason, once', async (t) => {
  const [fd, peer] = socketPair(SOCK_SEQPACKET);
  closeLater(t, fd);
  writeSome(peer, ipv4Packet(60));
  closeFd(peer);
  const reasons: ClosedReason[] = [];
  const endpoint = await openFdBased({ fds: [fd], closed: (reason) => reasons.push(reason) });
  const recorder = record(endpoint);
  await until(() => reasons.length > 0, 'the endpoint is closed');
  t.is(recorder.frames.length, 1);
  endpoint.close();
  await endpoint.wait();
  t.deepEqual(reasons, [{ kind: 'hangup', fd }]);
});

for (const run of ['inline', 'ring', 'worker'] as const) {
  for (const ownFds of [false, true]) {
    const fate = ownFds ? 'closed, once nothing reads them' : "left open: they are the caller's";
    test.serial(`run ${run}, ownFds ${ownFds}: after close() the fds are ${fate}`, async (t) => {
      const { endpoint, fds } = await openBench(t, { run, ownFds }, 2);
      if (run === 'worker') endpoint.attach({ module: MODULE, data: { shared: new SharedArrayBuffer(64) } });
      else record(endpoint);
      endpoint.close();
      await endpoint.wait();
      for (const fd of fds) {
        if (ownFds) t.throws(() => describeFd(fd), { code: 'EBADF' });
        else t.is(describeFd(fd).type, SOCK_SEQPACKET);
      }
    });
  }
}

test.serial('closing an endpoint that never had a dispatcher closes fds of its own', async (t) => {
  const { endpoint, fds } = await openBench(t, { ownFds: true });
  endpoint.close();
  await endpoint.wait();
  t.throws(() => describeFd(fds[0] as number), { code: 'EBADF' });
});

test.serial('a dispatcher must be of the kind that the way of running needs', async (t) => {
  const inline = await openBench(t);
  const code = 'ERR_INVALID_OPTION';
  t.throws(() => inline.endpoint.attach({ module: MODULE }), { code, message: /NetworkDispatcher/ });
  const worker = await openBench(t, { run: 'worker' });
  t.throws(() => worker.endpoint.attach({ deliverNetworkPacket() {} }), { code, message: /module/ });
  t.false(inline.endpoint.isAttached);
  t.false(worker.endpoint.isAttached);
});

test.serial('with a batch of 3, seven queued frames are delivered in three batches', async (t) => {
  const { endpoint, peer } = await openBench(t, { batch: 3, linkAddress: OWN });
  for (let index = 0; index < 7; index++) writeSome(peer, ipv4Packet(60, index));
  const recorder = record(endpoint);
  await received(endpoint, 7);
  t.is(recorder.batches, 3);
  t.deepEqual(endpoint.statistics.snapshot().batchSizes.slice(0, 3), [1, 0, 2]);
});

for (const run of ['inline', 'ring'] as const) {
  test.serial(`run ${run}: a short write is answered by one drain event, also while frames come in`, async (t) => {
    const { endpoint, peer } = await openBench(t, { run });
    const recorder = record(endpoint);
    let drains = 0;
    endpoint.on('drain', () => drains++);
    const packet = packetOf(endpoint, ipv4Packet(1400));
    let written = 0;
    while (endpoint.writePackets(PacketList.of(packet)) === 1) written++;
    writeSome(peer, ipv4Packet(60));
    await until(() => recorder.frames.length === 1, 'the frame is delivered');
    t.is(drains, 0);
    while (readSome(peer) !== null) written--;
    await until(() => drains > 0, 'the endpoint may write again');
    t.is(written, 0);
    t.is(drains, 1);
    t.is(endpoint.statistics.get('shortWrites'), 1);
  });
}

test.serial('an attach that fails because one fd is polled by somebody else leaves the others alone', async (t) => {
  const { endpoint, fds, peer } = await openBench(t, {}, 2);
  const other = Readiness.watch(fds[1] as number, { readable: true }, () => {});
  t.teardown(() => other.close());
  const recorder = new Recorder();
  t.throws(() => endpoint.attach(recorder), { code: 'ERR_FD_POLLED' });
  t.false(endpoint.isAttached);
  writeSome(peer, ipv4Packet(60));
  await delay(50);
  t.is(recorder.frames.length, 0, 'a dispatcher whose attach() threw got a packet');
  other.close();
  endpoint.attach(recorder);
  await received(endpoint, 1);
  t.is(recorder.frames.length, 1);
});

test.serial('when the process runs out of descriptors, an open that fails gives back those that it had', (t) => {
  const { status, output } = runFixture('../link/_out-of-descriptors.js');
  t.is(status, 0, output);
});

test.serial('a full queue is a short count and a drain event, also where the event loop cannot poll the fd', async (t) => {
  const { endpoint, fds, peer } = await openBench(t);
  const other = Readiness.watch(fds[0] as number, { readable: true }, () => {});
  t.teardown(() => other.close());
  const packets = Array.from({ length: 2000 }, () => packetOver(ipv4Packet(1000), 0));
  const drained = new Promise<void>((resolve) => endpoint.once('drain', resolve));
  const accepted = endpoint.writePackets(PacketList.of(...packets));
  t.true(accepted < packets.length);
  for (let index = 0; index < accepted; index++) t.truthy(readSome(peer));
  await drained;
});
