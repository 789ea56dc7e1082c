/**
 * The contract of a link endpoint as tests: one suite that every endpoint and every decorator runs.
 *
 *     import test from 'ava';
 *     import { linkEndpointCompliance } from 'linkpoint/testing';
 *
 *     linkEndpointCompliance({
 *       test: (title, run) => test(`my endpoint ${title}`, async (t) => { await run(); t.pass(); }),
 *       features: { ethernet: true, gso: false, canFill: true, detectsHangup: true, injectable: false },
 *       create: async () => ({ endpoint, peer: { send, receive }, hangUp, cleanup }),
 *     });
 *
 * It stands on node:assert and on no test runner; a case that fails rejects. Cases share nothing and may run at the
 * same time. Deliveries may be asynchronous: every case waits for what it expects, at most 5 seconds.
 */

import { attachmentCases } from './compliance/attachment.ts';
import { type ComplianceCase, ComplianceContext } from './compliance/context.ts';
import { deliveryCases, injectionCases } from './compliance/delivery.ts';
import type { LinkEndpointFeatures, LinkEndpointFixture } from './compliance/fixture.ts';
import { ownershipCases } from './compliance/ownership.ts';
import { propertyCases } from './compliance/properties.ts';
import { writingCases } from './compliance/writing.ts';

export type { ExpectedProperties, LinkEndpointFeatures, LinkEndpointFixture, LinkPeer } from './compliance/fixture.ts';

/** What the suite is run with. */
export interface ComplianceOptions {
  /** Registers one test; `title` completes a sentence that begins with the endpoint's name. */
  readonly test: (title: string, run: () => Promise<void>) => void;
  /** What applies to the endpoint. */
  readonly features: LinkEndpointFeatures;
  /** A fresh endpoint and its peer, for one case. */
  readonly create: () => LinkEndpointFixture | Promise<LinkEndpointFixture>;
}

const CASES: readonly ComplianceCase[] = [
  ...propertyCases,
  ...attachmentCases,
  ...ownershipCases,
  ...writingCases,
  ...deliveryCases,
  ...injectionCases,
];

/** Registers every case that applies to the endpoint. */
export function linkEndpointCompliance({ test, features, create }: ComplianceOptions): void {
  for (const { title, needs, run } of CASES) {
    if (needs !== undefined && !features[needs]) continue;
    test(title, async () => {
      const fixture = await create();
      try {
        await run(new ComplianceContext(fixture, features));
      } finally {
        await fixture.cleanup();
      }
    });
  }
}
