import { openTap } from '../../link/open-tun.ts';
import { runInNamespace, setInterfaceUp } from '../../native/index.ts';
import { Capability, HARDWARE_ETHER, NO_GSO } from '../../stack/index.ts';
import { TEST_ADDRESSES } from '../../testing/index.ts';
import { testWithTun } from './_rights.ts';
import { type DeviceUnderTest, runDeviceCompliance } from './compliance-support.ts';
import { waitUntilRunning } from './native-support.ts';

const OWN = TEST_ADDRESSES.localLinkAddress;

function openTapIn(namespace: number, vnetHeaderBytes: 0 | 12): DeviceUnderTest {
  const tap = openTap({ name: 'tap0', namespace, vnetHeaderBytes });
  runInNamespace(namespace, () => {
    setInterfaceUp('tap0', true);
    waitUntilRunning('tap0');
  });
  return { fds: tap.fds, peerInterface: 'tap0', close: () => tap.close() };
}

runDeviceCompliance('an fd-based endpoint over a TAP', (namespace) => openTapIn(namespace, 0), {}, {
  expected: { mtu: 1500, maxHeaderLength: 14, linkAddress: 0, hardwareType: HARDWARE_ETHER, gso: NO_GSO },
}, testWithTun);

runDeviceCompliance(
  'an fd-based endpoint over a TAP with a virtio-net header',
  (namespace) => openTapIn(namespace, 12),
  { linkAddress: OWN },
  {
    features: { gso: true },
    expected: {
      linkAddress: OWN,
      capabilities: Capability.TX_CHECKSUM_OFFLOAD | Capability.RESOLUTION_REQUIRED,
      gso: { kind: 'host', maxSize: 65_535 },
    },
  },
  testWithTun,
);
