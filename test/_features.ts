/** Tests that need something of the kernel, or a right: they skip by the names of `linkpoint probe`, and say so. */

import test, { type ExecutionContext } from 'ava';

import { type Feature, probeKernel } from '../sandbox/probe.ts';
import type { FeatureName } from '../sandbox/probe-check.ts';

/** `test`, or `test.skip` where one of the features is missing: its title then says which, and the remedy. */
export function testWithFeatures(...names: readonly FeatureName[]): RegisterTest {
  return registerWith(names, test, test.skip);
}

/** As `testWithFeatures`, for tests that count what the whole process has: one after another. */
export function serialTestWithFeatures(...names: readonly FeatureName[]): RegisterTest {
  return registerWith(names, test.serial, test.serial.skip);
}

type RegisterTest = (title: string, run: (t: ExecutionContext) => Promise<void> | void) => void;

function registerWith(names: readonly FeatureName[], register: RegisterTest, skip: RegisterTest): RegisterTest {
  const missing = probeKernel(names).find(({ available }) => !available);
  return (title, run) => {
    if (missing === undefined) register(title, run);
    else skip(`${title} (${describe(missing)})`, run);
  };
}

/** The words `this kernel lacks` allow the skip in CI: they are for what no right and no program would change. */
function describe({ name, reason, remedy }: Feature): string {
  const isKernels = /EOPNOTSUPP|ENOPROTOOPT/.test(reason ?? '');
  return `${isKernels ? `this kernel lacks ${name}` : `${name} is missing`}: ${remedy}`;
}
