import { Capability, HARDWARE_ETHER, HARDWARE_NONE, NO_GSO } from '../../stack/index.ts';
import { TEST_ADDRESSES } from '../../testing/index.ts';
import { PAIR_FEATURES, pairFixture } from './_fd-based-fixtures.ts';
import { runCompliance } from './_run.ts';

const OWN = TEST_ADDRESSES.localLinkAddress;
const PLAIN = { mtu: 1500, linkAddress: 0, hardwareType: HARDWARE_NONE, capabilities: 0, gso: NO_GSO };
const ETHERNET = { maxHeaderLength: 14, linkAddress: OWN, hardwareType: HARDWARE_ETHER };

for (const dispatchMode of ['recvmmsg', 'readv'] as const) {
  runCompliance(`an fd-based endpoint over a socket pair, ${dispatchMode},`, {
    features: PAIR_FEATURES,
    create: () => pairFixture({ dispatchMode }, PLAIN),
  });
}

runCompliance('an fd-based endpoint with Ethernet headers', {
  features: { ...PAIR_FEATURES, ethernet: true },
  create: () =>
    pairFixture(
      { ethernetHeader: true, linkAddress: OWN, saveRestore: true },
      { ...ETHERNET, capabilities: Capability.RESOLUTION_REQUIRED | Capability.SAVE_RESTORE, gso: NO_GSO },
    ),
});

runCompliance('an fd-based endpoint with virtio-net headers', {
  features: { ...PAIR_FEATURES, gso: true },
  create: () =>
    pairFixture(
      { mtu: 9000, gsoMaxSize: 32_768 },
      { mtu: 9000, capabilities: Capability.TX_CHECKSUM_OFFLOAD, gso: { kind: 'host', maxSize: 32_768 } },
    ),
});

runCompliance('an fd-based endpoint with Ethernet and virtio-net headers, readv,', {
  features: { ...PAIR_FEATURES, ethernet: true, gso: true },
  create: () =>
    pairFixture(
      { dispatchMode: 'readv', ethernetHeader: true, linkAddress: OWN, vnetHeaderBytes: 12 },
      { ...ETHERNET, gso: { kind: 'host', maxSize: 65_535 } },
    ),
});
