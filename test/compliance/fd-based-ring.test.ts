/** In run `ring` every case has a worker of its own: one at a time, or their starting up eats each other's time. */

import test from 'ava';

import { linkEndpointCompliance } from '../../testing/index.ts';
import { PAIR_FEATURES, pairFixture, PLAIN } from './_fd-based-fixtures.ts';

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
