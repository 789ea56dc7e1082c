import test from 'ava';
import { EthernetEndpoint } from '../../link/ethernet.ts';
import { LoopbackEndpoint } from '../../link/loopback.ts';
import { Capability } from '../../stack/link-endpoint.ts';
import { PacketList } from '../../stack/packet-list.ts';
import { ethernetFrame, ipv4Udp, packetFrom, RecordingDispatcher, until } from '../../testing/index.ts';

test('what is written comes back in, after the write has returned', async (t) => {
  const endpoint = new LoopbackEndpoint();
  const dispatcher = new RecordingDispatcher();
  endpoint.attach(dispatcher);
  t.is(endpoint.writePackets(PacketList.of(packetFrom(ipv4Udp()), packetFrom(ipv4Udp({ payload: [1] })))), 2);
  t.is(dispatcher.packets.length, 0);
  await until('both packets', () => dispatcher.packets.length === 2);
  t.deepEqual(dispatcher.frames, [ipv4Udp(), ipv4Udp({ payload: [1] })]);
  t.is(dispatcher.batchCount, 1);
});

test('a dispatcher that answers every packet neither recurses nor starves timers', async (t) => {
  const endpoint = new LoopbackEndpoint();
  let count = 0;
  endpoint.attach({
    deliverNetworkPacket(_protocol, packet) {
      count++;
      endpoint.writePackets(PacketList.of(packet));
    },
  });
  endpoint.writePackets(PacketList.of(packetFrom(ipv4Udp())));
  let timers = 0;
  await until('1000 rounds, with timers between them', () => count > 1000 && timers++ > 3);
  endpoint.close();
  t.is(endpoint.queuedCount, 0);
});

test('Ethernet over a loopback needs no resolution and brings whole frames back', async (t) => {
  const endpoint = new EthernetEndpoint(new LoopbackEndpoint());
  t.is(endpoint.mtu, 65_522);
  t.is(endpoint.capabilities & Capability.RESOLUTION_REQUIRED, 0);
  const dispatcher = new RecordingDispatcher();
  endpoint.attach(dispatcher);
  const frame = ethernetFrame(ipv4Udp());
  endpoint.writePackets(PacketList.of(packetFrom(frame, 14)));
  await until('the frame', () => dispatcher.packets.length === 1);
  t.deepEqual(dispatcher.frames, [frame]);
});
