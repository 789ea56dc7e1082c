/** In run `ring` every case has a worker of its own: one at a time, or their starting up eats each other's time. */

import test from 'ava';

import { HARDWARE_NONE, NO_GSO } from '../../stack/index.ts';
import { linkEndpointCompliance } from '../../testing/index.ts';
import { PAIR_FEATURES, pairFixture } from './_fd-based-fixtures.ts';

const PLAIN = { mtu: 1500, linkAddress: 0, hardwareType: HARDWARE_NONE, capabilities: 0, gso: NO_GSO };

for (const dispatchMode of ['recvmmsg', 'readv'] as const) {
  linkEndpointCompliance({
    features: PAIR_FEATURES,
    create: () => pairFixture({ run: 'ring', dispatchMode }, PLAIN),
    test: (title, run) =>
      test.serial(`an fd-based endpoint, run ring, ${dispatchMode}, ${title}`, async (t) => {
        await run();
        t.pass();
      }),
  });
}
