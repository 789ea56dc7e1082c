/** Fixtures of the endpoints over memory, for the compliance suite in every way of running it. */

import { ChannelEndpoint, type ChannelOptions } from '../../link/channel.ts';
import { EthernetEndpoint } from '../../link/ethernet.ts';
import { LoopbackEndpoint } from '../../link/loopback.ts';
import { MuxedEndpoint } from '../../link/muxed.ts';
import { NestedEndpoint } from '../../link/nested.ts';
import { createPipe } from '../../link/pipe.ts';
import { Capability, HARDWARE_ETHER, HARDWARE_LOOPBACK, HARDWARE_NONE } from '../../stack/link-endpoint.ts';
import type { LinkEndpoint } from '../../stack/link-endpoint.ts';
import { PacketList } from '../../stack/packet-list.ts';
import type {
  ComplianceOptions,
  ExpectedProperties,
  LinkEndpointFeatures,
  LinkEndpointFixture,
  LinkPeer,
} from '../../testing/index.ts';
import { packetFrom, RecordingDispatcher, TEST_ADDRESSES } from '../../testing/index.ts';

/** What the suite needs but for the runner. */
export type Subject = Omit<ComplianceOptions, 'test'>;

const OWN = TEST_ADDRESSES.localLinkAddress;
const SUPER_PACKET_BYTES = 32_768;

const FEATURES: LinkEndpointFeatures = {
  ethernet: false,
  gso: false,
  canFill: true,
  detectsHangup: false,
  injectable: false,
};

/** A channel's peer: injects what it sends, reads what was written. */
function channelPeer(channel: ChannelEndpoint): LinkPeer {
  return {
    send(frame) {
      if (!channel.isAttached) return;
      const packet = packetFrom(frame);
      channel.parseHeader(packet);
      channel.injectInbound(packet.egress.protocol, packet);
    },
    async receive() {
      const packet = channel.read();
      const frame = packet?.copyBytes() ?? null;
      packet?.release();
      return frame;
    },
  };
}

function overChannel(
  channel: ChannelEndpoint,
  endpoint: LinkEndpoint,
  expected: ExpectedProperties,
): LinkEndpointFixture {
  return { endpoint, peer: channelPeer(channel), expected, cleanup: () => endpoint.close() };
}

const ETHERNET_CHANNEL: ChannelOptions = {
  ethernetHeader: true,
  mtu: 9000,
  linkAddress: OWN,
  capabilities: Capability.TX_CHECKSUM_OFFLOAD | Capability.RESOLUTION_REQUIRED,
  gso: { kind: 'host', maxSize: SUPER_PACKET_BYTES },
};

const ETHERNET_CHANNEL_PROPERTIES: ExpectedProperties = {
  mtu: 9000,
  linkAddress: OWN,
  maxHeaderLength: 14,
  hardwareType: HARDWARE_ETHER,
  capabilities: Capability.TX_CHECKSUM_OFFLOAD | Capability.RESOLUTION_REQUIRED,
  gso: { kind: 'host', maxSize: SUPER_PACKET_BYTES },
};

/** A channel without a link header. */
export const channel: Subject = {
  features: { ...FEATURES, injectable: true },
  create: () => {
    const endpoint = new ChannelEndpoint();
    const expected = { mtu: 1500, linkAddress: 0, hardwareType: HARDWARE_NONE, capabilities: 0 };
    return overChannel(endpoint, endpoint, expected);
  },
};

/** A channel of Ethernet frames that takes super-packets. */
export const ethernetChannel: Subject = {
  features: { ...FEATURES, ethernet: true, gso: true, injectable: true },
  create: () => {
    const endpoint = new ChannelEndpoint(ETHERNET_CHANNEL);
    return overChannel(endpoint, endpoint, ETHERNET_CHANNEL_PROPERTIES);
  },
};

/** A decorator that changes nothing, twice. */
export const nested: Subject = {
  features: { ...FEATURES, ethernet: true, gso: true },
  create: () => {
    const inner = new ChannelEndpoint(ETHERNET_CHANNEL);
    return overChannel(inner, new NestedEndpoint(new NestedEndpoint(inner)), ETHERNET_CHANNEL_PROPERTIES);
  },
};

/** Ethernet over a channel of raw bytes. */
export const ethernet: Subject = {
  features: { ...FEATURES, ethernet: true, gso: true },
  create: () => {
    const inner = new ChannelEndpoint({ mtu: 1514, gso: { kind: 'software', maxSize: 20_014 }, capabilities: 1 });
    const expected = {
      mtu: 1500,
      linkAddress: OWN,
      capabilities: Capability.TX_CHECKSUM_OFFLOAD | Capability.RESOLUTION_REQUIRED,
      gso: { kind: 'software', maxSize: 20_000 },
    } as const;
    return overChannel(inner, new EthernetEndpoint(inner, { linkAddress: OWN }), expected);
  },
};

/** A multiplexer with a route to the suite's destination, and another one. */
export const muxed: Subject = {
  features: { ...FEATURES, ethernet: true, gso: true, injectable: true },
  create: () => {
    const route = new ChannelEndpoint(ETHERNET_CHANNEL);
    const other = new ChannelEndpoint({ ...ETHERNET_CHANNEL, mtu: 1400, gso: { kind: 'host', maxSize: 16_000 } });
    // The suite's route first, so that raw frames, which have no destination, take it.
    const endpoint = new MuxedEndpoint({ routes: [[TEST_ADDRESSES.remoteIpv4, route], ['198.51.100.1', other]] });
    const expected = {
      ...ETHERNET_CHANNEL_PROPERTIES,
      linkAddress: 0,
      mtu: 1400,
      gso: { kind: 'host', maxSize: 16_000 },
    } as const;
    return { ...overChannel(route, endpoint, expected), inboundLinkAddress: OWN };
  },
};

/** One end of a pipe, a recorder at the other. */
export const pipe: Subject = {
  features: { ...FEATURES, gso: true, detectsHangup: true },
  create: () => {
    const linkAddresses = [OWN, TEST_ADDRESSES.remoteLinkAddress] as const;
    const [endpoint, other] = createPipe({ linkAddresses, gso: { kind: 'host', maxSize: 65_535 } });
    const expected = { mtu: 1500, linkAddress: OWN, hardwareType: HARDWARE_NONE };
    return pipeFixture(endpoint, other, expected);
  },
};

/** Ethernet over a pipe: a hang-up must come through the decorator. */
export const ethernetPipe: Subject = {
  features: { ...FEATURES, ethernet: true, detectsHangup: true },
  create: () => {
    const [inner, other] = createPipe({ mtu: 9014 });
    return pipeFixture(new EthernetEndpoint(inner, { linkAddress: OWN }), other, { mtu: 9000, linkAddress: OWN });
  },
};

function pipeFixture(
  endpoint: LinkEndpoint,
  other: LinkEndpoint,
  expected: ExpectedProperties,
): LinkEndpointFixture {
  const recorder = new RecordingDispatcher();
  other.attach(recorder);
  return {
    endpoint,
    expected,
    peer: {
      send: (frame) => void other.writePackets(PacketList.of(packetFrom(frame))),
      receive: async () => recorder.packets.shift()?.bytes ?? null,
    },
    hangUp: () => other.close(),
    cleanup: () => {
      endpoint.close();
      other.close();
    },
  };
}

/** A loopback: what the suite writes is seen on its way in. */
export const loopback: Subject = {
  features: FEATURES,
  create: () => {
    const { TX_CHECKSUM_OFFLOAD, RX_CHECKSUM_OFFLOAD, SAVE_RESTORE, LOOPBACK } = Capability;
    const endpoint = new LoopbackEndpoint();
    const written: Uint8Array[] = [];
    const write = endpoint.writePackets.bind(endpoint);
    endpoint.writePackets = (list) => {
      const frames = [...list].map((packet) => packet.copyBytes());
      const accepted = write(list);
      written.push(...frames.slice(0, accepted));
      return accepted;
    };
    return {
      endpoint,
      expected: {
        mtu: 65_536,
        hardwareType: HARDWARE_LOOPBACK,
        capabilities: TX_CHECKSUM_OFFLOAD | RX_CHECKSUM_OFFLOAD | SAVE_RESTORE | LOOPBACK,
      },
      peer: {
        send: (frame) => void (endpoint.isAttached && write(PacketList.of(packetFrom(frame)))),
        receive: async () => written.shift() ?? null,
      },
      cleanup: () => endpoint.close(),
    };
  },
};

/** All of them by name. */
export const memorySubjects: Readonly<Record<string, Subject>> = {
  channel,
  'an Ethernet channel': ethernetChannel,
  nested,
  ethernet,
  muxed,
  pipe,
  'Ethernet over a pipe': ethernetPipe,
  loopback,
};
