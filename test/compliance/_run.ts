/** The compliance suite under ava, which wants an assertion of its own in every test. */

import test from 'ava';
import { linkEndpointCompliance } from '../../testing/index.ts';
import type { ComplianceOptions } from '../../testing/index.ts';

/** Runs the suite; titles begin with `name`. */
export function runCompliance(name: string, options: Omit<ComplianceOptions, 'test'>): void {
  linkEndpointCompliance({
    ...options,
    test: (title, run) =>
      test(`${name} ${title}`, async (t) => {
        await run();
        t.pass();
      }),
  });
}
