import { openPacketSocket } from '../../link/open-packet-socket.ts';
import { runInNamespace } from '../../native/index.ts';
import { Capability, HARDWARE_ETHER, NO_GSO } from '../../stack/index.ts';
import { TEST_ADDRESSES } from '../../testing/index.ts';
import { type DeviceUnderTest, runDeviceCompliance } from './compliance-support.ts';
import { makeVeth } from './native-support.ts';

const OWN = TEST_ADDRESSES.localLinkAddress;
const EXPECTED = { mtu: 1500, maxHeaderLength: 14, linkAddress: OWN, hardwareType: HARDWARE_ETHER };

function openVethIn(namespace: number, vnetHeaderBytes: 0 | 10): DeviceUnderTest {
  runInNamespace(namespace, makeVeth);
  const device = openPacketSocket({ interfaceName: 'veth0', namespace, vnetHeaderBytes, promiscuous: true });
  return { fds: device.fds, peerInterface: 'veth1', close: () => device.close() };
}

for (const dispatchMode of ['recvmmsg', 'packet-mmap'] as const) {
  runDeviceCompliance(
    `an fd-based endpoint over AF_PACKET, ${dispatchMode},`,
    (namespace) => openVethIn(namespace, 0),
    { dispatchMode, linkAddress: OWN },
    { expected: { ...EXPECTED, capabilities: Capability.RESOLUTION_REQUIRED, gso: NO_GSO } },
  );
}

runDeviceCompliance(
  'an fd-based endpoint over AF_PACKET with a virtio-net header, packet-mmap,',
  (namespace) => openVethIn(namespace, 10),
  { dispatchMode: 'packet-mmap', linkAddress: OWN },
  { features: { gso: true }, expected: { ...EXPECTED, gso: { kind: 'host', maxSize: 65_535 } } },
);

for (const dispatchMode of ['recvmmsg', 'packet-mmap'] as const) {
  runDeviceCompliance(
    `an fd-based endpoint over AF_PACKET, ${dispatchMode}, run ring,`,
    (namespace) => openVethIn(namespace, 0),
    { dispatchMode, linkAddress: OWN, run: 'ring' },
    { expected: { ...EXPECTED, gso: NO_GSO } },
  );
}
