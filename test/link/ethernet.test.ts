import test from 'ava';
import { LINK_BROADCAST, type LinkAddress } from '../../header/address.ts';
import { ETHERTYPE_IPV4 } from '../../header/ethernet.ts';
import { ChannelEndpoint } from '../../link/channel.ts';
import { EthernetEndpoint } from '../../link/ethernet.ts';
import { Capability, HARDWARE_ETHER, NO_GSO } from '../../stack/link-endpoint.ts';
import { PacketList } from '../../stack/packet-list.ts';
import { ethernetFrame, ipv4Udp, packetFrom, RecordingDispatcher, TEST_ADDRESSES } from '../../testing/index.ts';

const OWN = TEST_ADDRESSES.localLinkAddress;
const OTHER = TEST_ADDRESSES.remoteLinkAddress;
const MULTICAST = 0x0100_5e00_0001;

const classification = test.macro({
  title: (_title, name: string) => `deliverNetworkPacket() marks a frame as ${name} (gVisor TestDeliverNetworkPacket)`,
  exec(t, name: string, destination: LinkAddress) {
    const inner = new ChannelEndpoint({ mtu: 1514 });
    const dispatcher = new RecordingDispatcher();
    const endpoint = new EthernetEndpoint(inner, { linkAddress: OWN });
    endpoint.attach(dispatcher);
    const frame = ethernetFrame(ipv4Udp(), { source: OTHER, destination });
    inner.injectInbound(0, packetFrom(frame));
    const [received] = dispatcher.packets;
    t.is(received?.packet.packetType, name as never);
    t.is(received?.protocol, ETHERTYPE_IPV4);
    t.deepEqual(received?.bytes, frame);
    t.deepEqual(received?.packet.copyNetworkBytes(), ipv4Udp());
  },
});

test(classification, 'host', OWN);
test(classification, 'broadcast', LINK_BROADCAST);
test(classification, 'multicast', MULTICAST);
test(classification, 'other-host', OTHER);

const mtus = test.macro({
  title: (_title, inner: number, outer: number) => `an inner MTU of ${inner} leaves ${outer} (gVisor TestMTU)`,
  exec(t, inner: number, outer: number) {
    t.is(new EthernetEndpoint(new ChannelEndpoint({ mtu: inner })).mtu, outer);
  },
});

test(mtus, 1_048_448, 1_048_434);
test(mtus, 13, 0);
test(mtus, 14, 0);
test(mtus, 15, 1);

test('writePackets() sends the added header and the packet (gVisor TestWritePacketToRemoteAddHeader)', (t) => {
  const inner = new ChannelEndpoint({ mtu: 1514, linkAddress: OWN });
  const endpoint = new EthernetEndpoint(inner);
  const packet = packetFrom(ipv4Udp());
  packet.egress.remoteLinkAddress = OTHER;
  endpoint.addHeader(packet);
  t.is(endpoint.writePackets(PacketList.of(packet)), 1);
  t.deepEqual(inner.read()?.copyBytes(), ethernetFrame(ipv4Udp(), { source: OWN, destination: OTHER }));
  t.deepEqual(packet.copyNetworkBytes(), ipv4Udp(), 'the packet is as it was');
});

test('the properties are those of an Ethernet link over the inner endpoint', (t) => {
  const inner = new ChannelEndpoint({ linkAddress: OWN, capabilities: Capability.SAVE_RESTORE });
  const endpoint = new EthernetEndpoint(inner);
  t.is(endpoint.linkAddress, OWN, 'the inner address by default');
  t.is(new EthernetEndpoint(new ChannelEndpoint(), { linkAddress: OTHER }).linkAddress, OTHER);
  t.is(endpoint.hardwareType, HARDWARE_ETHER);
  t.is(endpoint.maxHeaderLength, 14);
  t.is(endpoint.capabilities, Capability.SAVE_RESTORE | Capability.RESOLUTION_REQUIRED);
  t.is(endpoint.gso, NO_GSO);
  inner.gso = { kind: 'host', maxSize: 65_536 };
  t.deepEqual(endpoint.gso, { kind: 'host', maxSize: 65_522 });
  t.is(endpoint.gso, endpoint.gso);
});

test('a frame that is no longer than its header is a counted runt', (t) => {
  const inner = new ChannelEndpoint();
  const endpoint = new EthernetEndpoint(inner);
  const dispatcher = new RecordingDispatcher();
  endpoint.attach(dispatcher);
  for (const byteCount of [0, 13, 14]) inner.injectInbound(0, packetFrom(new Uint8Array(byteCount)));
  t.is(dispatcher.packets.length, 0);
  t.deepEqual([endpoint.statistics.get('runt'), endpoint.statistics.get('receivedPackets')], [3, 3]);
});

test('an inner endpoint with a link header of its own is refused', (t) => {
  const inner = new ChannelEndpoint({ ethernetHeader: true });
  t.throws(() => new EthernetEndpoint(inner), { code: 'ERR_INVALID_OPTION' });
});

test('a frame as long as the inner MTU crosses, one byte more does not', (t) => {
  const inner = new ChannelEndpoint({ mtu: 114 });
  const endpoint = new EthernetEndpoint(inner);
  const framed = (byteCount: number): PacketList => {
    const packet = packetFrom(new Uint8Array(byteCount));
    endpoint.addHeader(packet);
    return PacketList.of(packet);
  };
  t.is(endpoint.writePackets(framed(100)), 1);
  t.is(inner.read()?.length, 114);
  t.throws(() => endpoint.writePackets(framed(101)), { code: 'ERR_PACKET_TOO_LONG', message: /limit is 100;/ });
});
