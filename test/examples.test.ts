/** The examples that need no rights, and what holds for all of them. The others: privileged/examples.test.ts. */

import test from 'ava';
import { exampleNames, exampleSource, runExample, testWith } from './_examples.ts';

const LINES_MAX = 40;

test('every example has at most 40 lines and begins with what it shows and the rights that it needs', (t) => {
  const names = exampleNames();
  t.true(names.length >= 5);
  for (const name of names) {
    const lines = exampleSource(name).trimEnd().split('\n');
    t.true(lines.length <= LINES_MAX, `${name} has ${lines.length} lines`);
    const comment = lines.slice(0, lines.indexOf('')).join('\n');
    t.regex(comment, /^\/\/ [A-Z]/, name);
    t.regex(comment, /Rights: |contract/, name);
  }
});

test('embed-a-stack answers a neighbor through a handler of its own', async (t) => {
  const { code, stdout, stderr } = await runExample('embed-a-stack');
  t.is(stderr, '');
  t.is(stdout, 'asked "hello", heard "HELLO"\nnic1: 1 in, 1 out\n');
  t.is(code, 0);
});

test('inject-and-assert tests an answer to ping without rights', async (t) => {
  const { code, stdout, stderr } = await runExample('inject-and-assert');
  t.is(stderr, '');
  t.regex(stdout, /^answered: IP 192\.0\.2\.2 > 192\.0\.2\.1: ICMP echo reply, .*seq 7/);
  t.regex(stdout, /\n\d+ truncated requests: no answer, no exception\n$/);
  t.is(code, 0);
});

testWith('qemu-system-x86_64')('qemu-guest prints the DHCP discover of a guest', async (t) => {
  const { code, stdout, stderr } = await runExample('qemu-guest');
  t.regex(stdout, /^02:00:00:00:00:07 > ff:ff:ff:ff:ff:ff, .*0\.0\.0\.0\.68 > 255\.255\.255\.255\.67: UDP/, stderr);
  t.is(code, 0);
});
