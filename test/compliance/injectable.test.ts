import { type InjectableFdOptions, openInjectable } from '../../link/injectable.ts';
import { SOCK_SEQPACKET } from '../../native/constants.ts';
import { socketPair } from '../../native/index.ts';
import { Capability, HARDWARE_ETHER, HARDWARE_NONE, NO_GSO } from '../../stack/index.ts';
import { type ExpectedProperties, type LinkEndpointFixture, type LinkPeer, packetFrom, TEST_ADDRESSES } from '../../testing/index.ts';
import { runCompliance } from './_run.ts';
import { PeerSocket } from './_sockets.ts';

const OWN = TEST_ADDRESSES.localLinkAddress;
const FEATURES = { ethernet: false, gso: false, canFill: true, detectsHangup: false, injectable: true };

/** An injectable endpoint on one end of a SEQPACKET pair; the peer injects, and reads what comes out at the other. */
function create(options: Partial<InjectableFdOptions>, expected: ExpectedProperties): LinkEndpointFixture {
  const [fd, other] = socketPair(SOCK_SEQPACKET);
  const endpoint = openInjectable({ fd, ownFd: true, ...options });
  const socket = new PeerSocket(other);
  const peer: LinkPeer = {
    send(frame) {
      if (!endpoint.isAttached) return;
      const packet = packetFrom(frame);
      endpoint.parseHeader(packet);
      endpoint.injectInbound(packet.egress.protocol, packet);
    },
    receive: async () => socket.read()?.subarray(endpoint.vnetHeaderBytes) ?? null,
  };
  const cleanup = (): void => {
    endpoint.close();
    socket.close();
  };
  return { endpoint, peer, expected, cleanup };
}

runCompliance('an injectable endpoint over a socket pair', {
  features: FEATURES,
  create: () => create({}, { mtu: 1500, linkAddress: 0, hardwareType: HARDWARE_NONE, capabilities: 0, gso: NO_GSO }),
});

runCompliance('an injectable endpoint with Ethernet and virtio-net headers', {
  features: { ...FEATURES, ethernet: true, gso: true },
  create: () =>
    create(
      { mtu: 9000, ethernetHeader: true, linkAddress: OWN, vnetHeaderBytes: 12, gsoMaxSize: 32_768 },
      {
        mtu: 9000,
        maxHeaderLength: 14,
        linkAddress: OWN,
        hardwareType: HARDWARE_ETHER,
        capabilities: Capability.TX_CHECKSUM_OFFLOAD | Capability.RESOLUTION_REQUIRED,
        gso: { kind: 'host', maxSize: 32_768 },
      },
    ),
});
