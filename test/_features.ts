/** Tests that need something of the kernel, or a right: they skip by the names of `linkpoint probe`, and say so. */

import test, { type ExecutionContext } from 'ava';

import { type Feature, probeKernel } from '../sandbox/probe.ts';
import type { FeatureName } from '../sandbox/probe-check.ts';

/** `test`, or `test.skip` where one of the features is missing: its title then says which, and the remedy. */
export function testWithFeatures(
  ...names: readonly FeatureName[]
): (title: string, run: (t: ExecutionContext) => Promise<void> | void) => void {
  const missing = probeKernel(names).find(({ available }) => !available);
  return (title, run) => {
    if (missing === undefined) test(title, run);
    else test.skip(`${title} (${describe(missing)})`, run);
  };
}

/** The words `this kernel lacks` allow the skip in CI: they are for what no right and no program would change. */
function describe({ name, reason, remedy }: Feature): string {
  const isKernels = /EOPNOTSUPP|ENOPROTOOPT/.test(reason ?? '');
  return `${isKernels ? `this kernel lacks ${name}` : `${name} is missing`}: ${remedy}`;
}
