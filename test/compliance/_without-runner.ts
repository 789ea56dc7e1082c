/** The compliance suite without any test runner, for a child process: one case after the other, the outcome as JSON. */

import { linkEndpointCompliance } from '../../testing/index.ts';
import type { ComplianceOptions } from '../../testing/index.ts';

/** What the child prints. */
export interface SuiteOutcome {
  readonly caseCount: number;
  /** Cases that only LINKPOINT_DEBUG=1 registers. */
  readonly debugCases: number;
  /** Messages by title. */
  readonly failures: Record<string, string>;
}

/** Runs the suite over each subject and prints a SuiteOutcome. */
export async function printSuite(subjects: Readonly<Record<string, Omit<ComplianceOptions, 'test'>>>): Promise<void> {
  const cases: [string, () => void | Promise<void>][] = [];
  for (const [name, subject] of Object.entries(subjects)) {
    linkEndpointCompliance({ ...subject, test: (title, run) => cases.push([`${name} ${title}`, run]) });
  }
  const failures: Record<string, string> = {};
  for (const [title, run] of cases) {
    try {
      await run();
    } catch (error) {
      failures[title] = String(error);
    }
  }
  const debugCases = cases.filter(([title]) => title.includes('LINKPOINT_DEBUG')).length;
  const outcome: SuiteOutcome = { caseCount: cases.length, debugCases, failures };
  process.stdout.write(JSON.stringify(outcome));
}
