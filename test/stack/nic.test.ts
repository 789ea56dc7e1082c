import test from 'ava';
import { LINK_BROADCAST } from '../../header/address.ts';
import { Capability, NicRemovedError, PacketList, Stack } from '../../stack/index.ts';
import type { LinkTap, Nic, NicOptions, PacketBuffer } from '../../stack/index.ts';
import { destinationOf, OWN, PEER, PEER_IPV4, PEER_IPV6, RecordingEndpoint } from './_support.ts';

const IPV4 = 0x0800;
const ARP = 0x0806;

interface Bench {
  readonly endpoint: RecordingEndpoint;
  readonly stack: Stack;
  readonly nic: Nic;
  /** What the IPv4 handler was given. */
  readonly handled: PacketBuffer[];
}

function createBench(options: NicOptions = {}): Bench {
  const endpoint = new RecordingEndpoint();
  const stack = new Stack();
  const handled: PacketBuffer[] = [];
  stack.setProtocolHandler(IPV4, (_nic, packet) => handled.push(packet.clone()));
  return { endpoint, stack, nic: stack.createNic(1, endpoint, options), handled };
}

/** A recording tap. */
function createTap(): LinkTap & { readonly seen: string[] } {
  const seen: string[] = [];
  return {
    seen,
    handleLinkPacket: (nic, protocol, packet, direction) =>
      void seen.push(`${nic.id} ${direction} ${protocol.toString(16)} ${packet.length}`),
  };
}

/** 0 while received = delivered + drops holds. */
function inboundBalance({ nic }: Bench): number {
  const { receivedPackets, deliveredPackets, drops } = nic.statistics.snapshot();
  return (
    receivedPackets - deliveredPackets - drops['receive-disabled'] - drops['other-host'] - drops['unknown-protocol']
  );
}

test('a packet reaches the handler of its EtherType, and is counted', (t) => {
  const bench = createBench();
  bench.endpoint.receive(IPV4, bench.endpoint.packetOf([1, 2, 3]));
  t.deepEqual([...(bench.handled[0]?.copyBytes() ?? [])], [1, 2, 3]);
  t.is(bench.nic.statistics.get('receivedPackets'), 1);
  t.is(bench.nic.statistics.get('deliveredPackets'), 1);
});

test('a packet of an unknown protocol is counted, and the link goes on', (t) => {
  const bench = createBench();
  bench.endpoint.receive(0x88cc, bench.endpoint.packetOf([1]));
  bench.endpoint.receive(IPV4, bench.endpoint.packetOf([2]));
  t.is(bench.nic.statistics.get('unknown-protocol'), 1);
  t.is(bench.handled.length, 1);
  t.is(inboundBalance(bench), 0);
});

test('a disabled NIC drops and counts both ways, until it is enabled', (t) => {
  const bench = createBench({ disabled: true });
  const { endpoint, nic } = bench;
  endpoint.receive(IPV4, endpoint.packetOf([1]));
  t.true(nic.writePacket(endpoint.packetOf([1], PEER_IPV4)), 'done with, so that nobody waits for drain');
  t.is(bench.handled.length, 0);
  t.is(endpoint.written.length, 0);
  t.is(nic.statistics.get('receive-disabled'), 1);
  t.is(nic.statistics.get('transmit-disabled'), 1);
  nic.enable();
  endpoint.receive(IPV4, endpoint.packetOf([1]));
  t.is(bench.handled.length, 1);
  nic.disable();
  endpoint.receive(IPV4, endpoint.packetOf([1]));
  t.is(bench.handled.length, 1);
  t.is(inboundBalance(bench), 0);
});

test('a packet for another host goes to taps only, unless the NIC is promiscuous', (t) => {
  const bench = createBench();
  const tap = createTap();
  bench.nic.addTap(tap);
  const packet = bench.endpoint.packetOf([1]);
  packet.packetType = 'other-host';
  bench.endpoint.receive(IPV4, packet);
  t.is(bench.handled.length, 0);
  t.is(bench.nic.statistics.get('other-host'), 1);
  t.is(tap.seen.length, 1);
  bench.nic.promiscuous = true;
  bench.endpoint.receive(IPV4, packet);
  t.is(bench.handled.length, 1);
  t.is(inboundBalance(bench), 0);
});

test('the end of a batch reaches every handler that wants it, once', (t) => {
  const { endpoint, stack } = createBench();
  const ended: number[] = [];
  const handler = { handlePacket: () => {}, handleBatchEnd: (nic: Nic) => void ended.push(nic.id) };
  stack.setProtocolHandler(ARP, handler);
  stack.setProtocolHandler(0x86dd, handler);
  endpoint.receive(ARP, endpoint.packetOf([1]));
  t.deepEqual(ended, [1]);
  stack.setProtocolHandler(ARP, null);
  stack.setProtocolHandler(0x86dd, null);
  endpoint.receive(IPV4, endpoint.packetOf([1]));
  t.deepEqual(ended, [1]);
});

test('a handler that throws ends the endpoint, not the process', (t) => {
  const { endpoint, stack } = createBench();
  stack.setProtocolHandler(ARP, () => {
    throw new Error('the handler is broken');
  });
  endpoint.receive(ARP, endpoint.packetOf([1]));
  t.is(endpoint.reasons.length, 1);
  t.is(endpoint.reasons[0]?.error?.message, 'the handler is broken');
});

test('writePacket() resolves the next hop by a static neighbor and adds the link header', (t) => {
  const { endpoint, nic } = createBench();
  nic.neighbors.setStatic(PEER_IPV4, PEER);
  const packet = endpoint.packetOf([0x45, 1], PEER_IPV4);
  t.true(nic.writePacket(packet));
  const header = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00];
  t.deepEqual([...(endpoint.written[0] ?? [])], [...header, 0x45, 1]);
  t.is(nic.statistics.get('transmittedPackets'), 1);
  t.is(packet.egress.remoteLinkAddress, PEER);
});

for (const [name, address, link] of [
  ['239.1.2.3, an IPv4 group', 0xefff_0203, 0x0100_5e7f_0203],
  ['255.255.255.255', 0xffff_ffff, LINK_BROADCAST],
  [
    'ff02::1:ff00:2, an IPv6 group',
    Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 2),
    0x3333_ff00_0002,
  ],
] as const) {
  test(`${name} needs no neighbor: its link address follows from it`, (t) => {
    const { endpoint, nic } = createBench();
    t.true(nic.writePacket(endpoint.packetOf([1], address)));
    t.is(destinationOf(endpoint.written[0]), link);
  });
}

test('a remote link address that the caller has set is used as it is', (t) => {
  const { endpoint, nic } = createBench();
  nic.neighbors.setStatic(PEER_IPV4, OWN);
  const packet = endpoint.packetOf([1], PEER_IPV4);
  packet.egress.remoteLinkAddress = PEER;
  nic.writePacket(packet);
  t.is(destinationOf(endpoint.written[0]), PEER);
});

test('without RESOLUTION_REQUIRED nothing is resolved', (t) => {
  const { endpoint, nic } = createBench();
  endpoint.capabilities = 0;
  t.true(nic.writePacket(endpoint.packetOf([1], PEER_IPV4)));
  t.is(destinationOf(endpoint.written[0]), 0);
  t.is(nic.statistics.get('no-link-address'), 0);
});

test('a packet without a link address is done with and counted no-link-address', (t) => {
  const { endpoint, nic } = createBench();
  t.true(nic.writePacket(endpoint.packetOf([1], PEER_IPV4)));
  t.true(nic.writePacket(endpoint.packetOf([1], PEER_IPV6)));
  t.true(nic.writePacket(endpoint.packetOf([1], null)), 'no next hop at all');
  t.is(endpoint.written.length, 0);
  t.is(nic.statistics.get('no-link-address'), 3);
  t.is(nic.statistics.get('transmittedPackets'), 0);
});

test('a list is written in order around the packets without a link address', (t) => {
  const { endpoint, nic } = createBench();
  nic.neighbors.setStatic(PEER_IPV4, PEER);
  const list = PacketList.of(
    endpoint.packetOf([0], PEER_IPV6),
    endpoint.packetOf([1], PEER_IPV4),
    endpoint.packetOf([2], PEER_IPV6),
    endpoint.packetOf([3], PEER_IPV4),
    endpoint.packetOf([4], PEER_IPV6),
  );
  t.is(nic.writePackets(list), 5);
  t.deepEqual(
    endpoint.written.map((frame) => frame.at(-1)),
    [1, 3],
  );
  t.is(nic.statistics.get('no-link-address'), 3);
  t.is(list.length, 5, 'the list is borrowed and left as it was');
});

for (const [room, done, dropped] of [
  [0, 1, 1],
  [1, 3, 2],
  [2, 4, 2],
  [3, 5, 2],
] as const) {
  test(`when the link takes ${room} of three, ${done} of five are done with, and the rest can be written again`, (t) => {
    const { endpoint, nic } = createBench();
    nic.neighbors.setStatic(PEER_IPV4, PEER);
    const hops = [PEER_IPV6, PEER_IPV4, PEER_IPV6, PEER_IPV4, PEER_IPV4]; // dropped, 1, dropped, 3, 4
    const list = PacketList.of(...hops.map((hop, index) => endpoint.packetOf([index], hop)));
    endpoint.room = room;
    t.is(nic.writePackets(list), done);
    t.is(nic.statistics.get('no-link-address'), dropped);
    list.dropFirst(done);
    endpoint.room = 10;
    t.is(nic.writePackets(list), 5 - done);
    t.deepEqual(
      endpoint.written.map((frame) => frame.at(-1)),
      [1, 3, 4],
    );
    t.true(
      endpoint.written.every((frame) => frame.length === 15),
      'one link header each',
    );
    t.is(nic.statistics.get('transmittedPackets') + nic.statistics.get('no-link-address'), 5);
  });
}

test('a full link makes writePacket() answer false', (t) => {
  const { endpoint, nic } = createBench();
  nic.neighbors.setStatic(PEER_IPV4, PEER);
  endpoint.room = 0;
  t.false(nic.writePacket(endpoint.packetOf([1], PEER_IPV4)));
  t.is(nic.statistics.get('transmittedPackets'), 0);
});

test('a packet that is too long is named by its place in the list that was given', (t) => {
  const { endpoint, nic } = createBench();
  nic.neighbors.setStatic(PEER_IPV4, PEER);
  const long = Array<number>(1501).fill(0x45);
  const list = PacketList.of(
    endpoint.packetOf([1], PEER_IPV6),
    endpoint.packetOf([1], PEER_IPV4),
    endpoint.packetOf(long, PEER_IPV4),
  );
  t.throws(() => nic.writePackets(list), { code: 'ERR_PACKET_TOO_LONG', message: /packet 2 of the list/ });
  t.is(endpoint.written.length, 0);
  t.is(nic.statistics.get('no-link-address'), 0);
});

test('a tap sees packets in and out with their link headers, until it is removed', (t) => {
  const { endpoint, nic } = createBench();
  const tap = createTap();
  nic.neighbors.setStatic(PEER_IPV4, PEER);
  nic.addTap(tap);
  nic.addTap(tap);
  endpoint.receive(0x88cc, endpoint.packetOf([1, 2, 3])); // no handler: the tap sees it all the same
  nic.writePacket(endpoint.packetOf([1], PEER_IPV4));
  t.deepEqual(tap.seen, ['1 in 88cc 3', '1 out 800 15']);
  t.true(nic.removeTap(tap));
  t.false(nic.removeTap(tap));
  endpoint.receive(IPV4, endpoint.packetOf([1]));
  t.is(tap.seen.length, 2);
});

test('a tap does not see what the link did not take', (t) => {
  const { endpoint, nic } = createBench();
  const tap = createTap();
  nic.neighbors.setStatic(PEER_IPV4, PEER);
  nic.addTap(tap);
  endpoint.room = 0;
  nic.writePacket(endpoint.packetOf([1], PEER_IPV4));
  nic.writePacket(endpoint.packetOf([1], PEER_IPV6));
  t.deepEqual(tap.seen, []);
});

test('a tap that writes inside a write disturbs neither', (t) => {
  const { endpoint, nic } = createBench();
  nic.neighbors.setStatic(PEER_IPV4, PEER);
  const inner = endpoint.packetOf([9], PEER_IPV4);
  const tap: LinkTap = {
    handleLinkPacket(_nic, _protocol, packet) {
      if (packet.bytes[packet.end - 1] === 1) nic.writePacket(inner);
    },
  };
  nic.addTap(tap);
  const outer = PacketList.of(
    ...[PEER_IPV6, PEER_IPV4, PEER_IPV4].map((hop, index) => endpoint.packetOf([index], hop)),
  );
  t.is(nic.writePackets(outer), 3);
  t.deepEqual(
    endpoint.written.map((frame) => frame.at(-1)),
    [1, 2, 9],
  );
  t.is(nic.statistics.get('transmittedPackets'), 3);
});

test('a removed NIC neither receives nor writes', (t) => {
  const { endpoint, stack, nic, handled } = createBench();
  stack.removeNic(1);
  endpoint.receive(IPV4, endpoint.packetOf([1]));
  t.is(handled.length, 0);
  t.is(endpoint.statistics.get('detached'), 1);
  t.throws(() => nic.writePacket(endpoint.packetOf([1], PEER_IPV4)), {
    instanceOf: NicRemovedError,
    code: 'ERR_NIC_REMOVED',
  });
  t.throws(() => nic.enable(), { instanceOf: NicRemovedError });
  t.false(nic.isEnabled);
  t.true(nic.isRemoved);
  nic.remove();
  t.is(endpoint.reasons.length, 1, 'removing twice detaches once');
});

test('RESOLUTION_REQUIRED is asked of the endpoint for every write, for a decorator may change it', (t) => {
  const { endpoint, nic } = createBench();
  endpoint.capabilities = 0;
  nic.writePacket(endpoint.packetOf([1], PEER_IPV4));
  endpoint.capabilities = Capability.RESOLUTION_REQUIRED;
  nic.writePacket(endpoint.packetOf([1], PEER_IPV4));
  t.is(endpoint.written.length, 1);
});
