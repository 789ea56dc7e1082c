import test from 'ava';
import { ETHERTYPE_IPV4 } from '../../header/ethernet.ts';
import { ChannelEndpoint } from '../../link/channel.ts';
import { NestedEndpoint } from '../../link/nested.ts';
import { createPipe } from '../../link/pipe.ts';
import type { PacketBuffer } from '../../stack/packet-buffer.ts';
import { PacketList } from '../../stack/packet-list.ts';
import { Counter } from '../../stack/statistics.ts';
import { ipv4Udp, packetFrom, RecordingDispatcher, TappingDispatcher, until } from '../../testing/index.ts';

const listOf = (count: number): PacketList =>
  PacketList.of(...Array.from({ length: count }, () => packetFrom(ipv4Udp())));

test('attaches, delivers and detaches through the decorator (gVisor TestNestedLinkEndpoint)', (t) => {
  const inner = new ChannelEndpoint();
  const endpoint = new NestedEndpoint(inner);
  const dispatcher = new RecordingDispatcher();
  t.deepEqual([endpoint.isAttached, inner.isAttached], [false, false]);
  endpoint.attach(dispatcher);
  t.deepEqual([endpoint.isAttached, inner.isAttached], [true, true]);
  inner.injectInbound(ETHERTYPE_IPV4, packetFrom(ipv4Udp()));
  t.deepEqual(dispatcher.frames, [ipv4Udp()]);
  t.is(dispatcher.batchCount, 1);
  endpoint.attach(null);
  t.deepEqual([endpoint.isAttached, inner.isAttached], [false, false]);
  t.throws(() => inner.injectInbound(ETHERTYPE_IPV4, packetFrom(ipv4Udp())), { code: 'ERR_NOT_ATTACHED' });
  t.is(dispatcher.packets.length, 1);
});

test('the inner link address is the decorator\'s, also when it changes (gVisor TestSetLinkAddress)', (t) => {
  const inner = new ChannelEndpoint();
  const endpoint = new NestedEndpoint(inner);
  for (const address of [0x0102_0304_0506, 0x0202_0202_0202]) {
    inner.linkAddress = address;
    t.is(endpoint.linkAddress, address);
  }
});

test('the inner MTU, capabilities and gso are the decorator\'s, also when they change (gVisor TestMTU)', (t) => {
  const inner = new ChannelEndpoint();
  const endpoint = new NestedEndpoint(inner);
  for (const mtu of [1280, 9000]) {
    inner.mtu = mtu;
    t.is(endpoint.mtu, mtu);
  }
  inner.capabilities = 5;
  inner.gso = { kind: 'host', maxSize: 40_000 };
  t.is(endpoint.capabilities, 5);
  t.is(endpoint.gso, inner.gso);
});

test('a decorator may refuse packets both ways, and accounts for them', (t) => {
  class Odd extends NestedEndpoint {
    protected override inbound(protocol: number, packet: PacketBuffer): void {
      if (packet.length % 2 === 1) return super.inbound(protocol, packet);
      this.counters.add(Counter.receivedPackets, 1);
      this.counters.add(Counter.filtered, 1);
    }

    protected override outbound(list: PacketList): number {
      return super.outbound(PacketList.of(...[...list].slice(0, 1)));
    }
  }
  const inner = new ChannelEndpoint();
  const endpoint = new Odd(inner);
  const dispatcher = new RecordingDispatcher();
  endpoint.attach(dispatcher);
  for (const payload of [[], [1], [1, 2], [1, 2, 3]]) {
    inner.injectInbound(ETHERTYPE_IPV4, packetFrom(ipv4Udp({ payload })));
  }
  t.is(dispatcher.packets.length, 2);
  const { statistics } = endpoint;
  t.is(statistics.get('receivedPackets'), statistics.get('deliveredPackets') + statistics.inboundDrops);
  t.is(statistics.get('filtered'), 2);
  t.is(endpoint.writePackets(listOf(3)), 1);
  t.is(endpoint.statistics.get('transmittedPackets'), 1);
});

test('a hang-up of the inner endpoint is told once', async (t) => {
  const [inner, other] = createPipe();
  const kinds: string[] = [];
  const endpoint = new NestedEndpoint(new NestedEndpoint(inner), { closed: ({ kind }) => kinds.push(kind) });
  endpoint.attach(new RecordingDispatcher());
  other.close();
  await until('closed', () => kinds.length > 0);
  endpoint.close();
  t.deepEqual(kinds, ['hangup']);
});

test('an inner endpoint that somebody else detaches or closes is news: closed(detached)', (t) => {
  const inner = new ChannelEndpoint();
  const kinds: string[] = [];
  const endpoint = new NestedEndpoint(inner, { closed: ({ kind }) => kinds.push(kind) });
  endpoint.attach(new RecordingDispatcher());
  inner.attach(null);
  t.false(endpoint.isAttached);
  endpoint.attach(new RecordingDispatcher());
  inner.close();
  t.false(endpoint.isAttached);
  t.deepEqual(kinds, ['detached', 'detached']);
  t.throws(() => endpoint.attach(new RecordingDispatcher()), { code: 'ERR_LINK_CLOSED' });
});

test('close() closes the inner endpoint', (t) => {
  const inner = new ChannelEndpoint();
  new NestedEndpoint(inner).close();
  t.throws(() => inner.attach(new RecordingDispatcher()), { code: 'ERR_LINK_CLOSED' });
});

test('wait() also waits for the inner endpoint, which may still be stopping', async (t) => {
  let stopped = (): void => {};
  class Stopping extends ChannelEndpoint {
    override wait(): Promise<void> {
      return new Promise((resolve) => (stopped = resolve));
    }
  }
  let isQuiet = false;
  const waited = new NestedEndpoint(new Stopping()).wait().then(() => (isQuiet = true));
  await new Promise((resolve) => setTimeout(resolve, 5));
  t.false(isQuiet);
  stopped();
  await waited;
  t.true(isQuiet);
});

test('drain is passed on once per short write of the decorator, and not for somebody else\'s', (t) => {
  const inner = new ChannelEndpoint({ size: 1 });
  const endpoint = new NestedEndpoint(inner);
  let drains = 0;
  endpoint.on('drain', () => drains++);
  inner.writePackets(listOf(2));
  inner.drain();
  t.is(drains, 0);
  t.is(endpoint.writePackets(listOf(2)), 1);
  inner.drain();
  inner.drain();
  t.is(drains, 1);
});

test('a tap on the decorator sees each packet once', (t) => {
  const inner = new ChannelEndpoint();
  const endpoint = new NestedEndpoint(inner);
  const dispatcher = new TappingDispatcher();
  endpoint.attach(dispatcher);
  inner.injectInbound(ETHERTYPE_IPV4, packetFrom(ipv4Udp()));
  endpoint.writePackets(listOf(1));
  t.deepEqual(dispatcher.tapped.map(({ direction }) => direction), ['in', 'out']);
});
