/** The suite over fd-based endpoints without any test runner, one case after the other; prints what failed as JSON. */

import { linkEndpointCompliance } from '../../testing/index.ts';
import { inlineSubjects } from './_fd-based-fixtures.ts';

const cases: [string, () => Promise<void>][] = [];
for (const [name, subject] of Object.entries(inlineSubjects)) {
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
const debugCount = cases.filter(([title]) => title.includes('LINKPOINT_DEBUG')).length;
process.stdout.write(JSON.stringify({ failures, debugCount }));
