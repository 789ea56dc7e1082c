import test, { type ExecutionContext } from 'ava';

import { ETHERTYPE_ARP, ETHERTYPE_IPV4 } from '../../header/ethernet.ts';
import { type InjectableFdEndpoint, type InjectableFdOptions, openInjectable } from '../../link/injectable.ts';
import { openFdBased } from '../../link/fd-based.ts';
import { packetOver } from '../../link/raw-packet.ts';
import { SOCK_DGRAM, SOCK_SEQPACKET } from '../../native/constants.ts';
import { closeFd, describeFd, pinnedCount, socketPair } from '../../native/index.ts';
import { type ClosedReason, PacketList } from '../../stack/index.ts';
import { fdCount, until } from '../native/_support.ts';
import { ipv4Packet, OWN, owned, PEER, readSome, Recorder, writeSome } from './_fd-support.ts';

function open(
  t: ExecutionContext,
  options: Partial<InjectableFdOptions> = {},
): { endpoint: InjectableFdEndpoint; peer: number; hangUp: () => void } {
  const [fd, peer] = socketPair(SOCK_SEQPACKET);
  const other = owned(t, peer);
  const endpoint = openInjectable({ fd, ownFd: true, ...options });
  t.teardown(() => endpoint.close());
  return { endpoint, peer, hangUp: () => other.close() };
}

test('row 8: an injectable endpoint says that it is attached, and an injection without dispatcher is a typed error', (t) => {
  const { endpoint } = open(t);
  const packet = packetOver(ipv4Packet(60), 0);
  t.false(endpoint.isAttached);
  t.throws(() => endpoint.injectInbound(ETHERTYPE_IPV4, packet), { code: 'ERR_NOT_ATTACHED' });
  const recorder = new Recorder();
  endpoint.attach(recorder);
  t.true(endpoint.isAttached);
  endpoint.injectInbound(ETHERTYPE_IPV4, packet);
  t.deepEqual(recorder.frames, [ipv4Packet(60)]);
  endpoint.attach(null);
  t.false(endpoint.isAttached);
  t.throws(() => endpoint.injectInbound(ETHERTYPE_IPV4, packet), { code: 'ERR_NOT_ATTACHED' });
  endpoint.close();
  t.throws(() => endpoint.injectInbound(ETHERTYPE_IPV4, packet), { code: 'ERR_LINK_CLOSED' });
  t.is(recorder.frames.length, 1);
});

test('injected packets are delivered on the stack of the caller, a batch each, and counted', (t) => {
  const { endpoint } = open(t);
  const recorder = new Recorder();
  endpoint.attach(recorder);
  const packet = packetOver(ipv4Packet(60), 0);
  packet.networkOffset = -1;
  recorder.onPacket = ({ networkOffset, egress }) => t.deepEqual([networkOffset, egress.protocol], [0, ETHERTYPE_ARP]);
  endpoint.injectInbound(ETHERTYPE_ARP, packet);
  endpoint.injectInbound(ETHERTYPE_ARP, packet);
  t.deepEqual(recorder.protocols, [ETHERTYPE_ARP, ETHERTYPE_ARP]);
  t.is(recorder.batches, 2);
  t.like(endpoint.statistics.snapshot(), { receivedPackets: 2, deliveredPackets: 2, receivedBytes: 120 });
});

test('the fd is written to and never read', async (t) => {
  const { endpoint, peer } = open(t);
  const recorder = new Recorder();
  endpoint.attach(recorder);
  t.is(writeSome(peer, ipv4Packet(60)), 60);
  t.is(endpoint.writePackets(PacketList.of(packetOver(ipv4Packet(40), 0))), 1);
  t.deepEqual(readSome(peer), ipv4Packet(40));
  await new Promise(setImmediate);
  t.deepEqual(recorder.frames, []);
  t.is(endpoint.statistics.get('receiveSyscalls'), 0);
});

test('injectOutbound() writes the bytes as they are', (t) => {
  const { endpoint, peer } = open(t);
  t.true(endpoint.injectOutbound(0xc000_0202, ipv4Packet(100, 9)));
  t.deepEqual(readSome(peer), ipv4Packet(100, 9));
});

test('a raw packet gets a virtio-net header of zeros where the fd has one', (t) => {
  const { endpoint, peer } = open(t, { vnetHeaderBytes: 12, gsoMaxSize: 65_536 });
  t.true(endpoint.injectOutbound(0xc000_0202, ipv4Packet(100)));
  t.deepEqual(readSome(peer), Uint8Array.of(...new Uint8Array(12), ...ipv4Packet(100)));
  t.deepEqual(endpoint.gso, { kind: 'host', maxSize: 65_536 });
});

test('capabilities are those of the fd, unless given', (t) => {
  t.is(open(t, { vnetHeaderBytes: 10 }).endpoint.capabilities, 1);
  t.is(open(t, { vnetHeaderBytes: 10, capabilities: 10 }).endpoint.capabilities, 10);
});

test('with an Ethernet header, addHeader() puts it before the packet', (t) => {
  const { endpoint, peer } = open(t, { ethernetHeader: true, linkAddress: OWN });
  const packet = endpoint.allocate(60)!;
  packet.fill(ipv4Packet(60));
  Object.assign(packet.egress, { remoteLinkAddress: PEER, protocol: ETHERTYPE_IPV4 });
  endpoint.addHeader(packet);
  t.is(endpoint.writePackets(PacketList.of(packet)), 1);
  packet.release();
  t.deepEqual(readSome(peer), Uint8Array.of(2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, ...ipv4Packet(60)));
});

test('a full queue is a short count, and `drain` comes once when it is worth writing again', async (t) => {
  const { endpoint, peer } = open(t);
  let drains = 0;
  endpoint.on('drain', () => drains++);
  const list = PacketList.of(...Array.from({ length: 2000 }, (_, seed) => packetOver(ipv4Packet(1000, seed), 0)));
  const accepted = endpoint.writePackets(list);
  t.true(accepted > 0 && accepted < 2000);
  t.is(endpoint.statistics.get('shortWrites'), 1);
  for (let seed = 0; seed < accepted; seed++) t.deepEqual(readSome(peer), ipv4Packet(1000, seed));
  t.is(readSome(peer), null);
  await until(() => drains === 1, 'drain was emitted');
  list.dropFirst(accepted);
  t.true(endpoint.writePackets(list) > 0);
});

test('the fd may be read by an endpoint of this thread: a full queue is a short count all the same', async (t) => {
  const { endpoint, peer } = open(t);
  const reader = await openFdBased({ fds: [endpoint.fd] });
  t.teardown(() => reader.close());
  reader.attach(new Recorder());
  const packets = Array.from({ length: 2000 }, () => packetOver(ipv4Packet(1000), 0));
  const drained = new Promise<void>((resolve) => endpoint.once('drain', resolve));
  const accepted = endpoint.writePackets(PacketList.of(...packets));
  t.true(accepted < packets.length);
  for (let index = 0; index < accepted; index++) t.truthy(readSome(peer));
  await drained;
});

test('packets to a peer that is gone are counted, not thrown', (t) => {
  const { endpoint, hangUp } = open(t);
  endpoint.attach(new Recorder());
  hangUp();
  t.true(endpoint.injectOutbound(0xc000_0202, ipv4Packet(40)));
  t.is(endpoint.statistics.get('no-peer'), 1);
  t.true(endpoint.isAttached);
});

test('a dispatcher that throws closes the endpoint, and the error is in the reason', (t) => {
  const reasons: ClosedReason[] = [];
  const { endpoint } = open(t, { closed: (reason) => reasons.push(reason) });
  const recorder = new Recorder();
  recorder.onPacket = () => {
    throw new Error('expected');
  };
  endpoint.attach(recorder);
  t.notThrows(() => endpoint.injectInbound(ETHERTYPE_IPV4, packetOver(ipv4Packet(40), 0)));
  t.is(reasons.length, 1);
  t.like(reasons[0], { kind: 'error', error: { message: 'expected' } });
});

test.serial('100 endpoints leave the descriptors and pins as they were; only owned descriptors are closed', (t) => {
  const [fds, pins] = [fdCount(), pinnedCount()];
  for (let round = 0; round < 100; round++) {
    const [kept, owned] = socketPair(SOCK_DGRAM);
    const other = openInjectable({ fd: kept });
    const endpoint = openInjectable({ fd: owned, ownFd: true });
    endpoint.attach(new Recorder());
    endpoint.close();
    other.close();
    t.throws(() => describeFd(owned), { code: 'EBADF' });
    closeFd(kept);
  }
  t.is(fdCount(), fds);
  t.is(pinnedCount(), pins);
});
