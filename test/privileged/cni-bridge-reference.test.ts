/**
 * Ours and the reference, Debian's containernetworking-plugins, do the same in twin namespaces: equal results, links,
 * addresses, routes, bridge ports, settings, rules and files. What differs on purpose is in docs/guide/cni.md; the
 * tests name it.
 */

import test from 'ava';

import { CASES, REFUSED, TAMPERED } from './cni-cases.ts';
import { DEBIAN_REMEDY, hasDebian } from './cni-site.ts';
import { checkRefused, checkSame, checkTampered } from './cni-twin.ts';

const register = hasDebian ? test.serial : test.serial.skip;
const title = (text: string): string => (hasDebian ? text : `${text} (skipped: ${DEBIAN_REMEDY})`);

for (const one of CASES) register(title(`as the reference: ${one.name}`), (t) => checkSame(t, one));

for (const one of TAMPERED) {
  register(title(`CHECK says what the reference says: ${one.name}`), (t) => checkTampered(t, one));
}

for (const one of REFUSED) register(title(`refused as by the reference: ${one.name}`), (t) => checkRefused(t, one));
