/** The command line of `linkpoint announce`. What it sends: privileged/announce.test.ts. */

import test from 'ava';

import { run } from './_support.ts';

test('--help tells the options', async (t) => {
  const { status, stdout } = await run(['announce', '--help']);
  t.is(status, 0);
  t.regex(stdout, /linkpoint announce INTERFACE ADDRESS/);
  for (const option of ['namespace', 'wait-ms', 'arp', 'repeat', 'interval-ms']) {
    t.true(stdout.includes(`--${option} `));
  }
});

for (const line of [
  'announce',
  'announce eth0',
  'announce eth0 192.0.2.1 --arp pigeon',
  'announce eth0 192.0.2.1 --repeat 0',
  'announce eth0 192.0.2.1 --wait-ms soon',
  'announce eth0 192.0.2.1 --bogus',
]) {
  test(`"linkpoint ${line}" is refused with its usage on stderr and exit 2`, async (t) => {
    const { status, stdout, stderr } = await run(line.split(' '));
    t.is(status, 2);
    t.is(stdout, '');
    t.regex(stderr, /^linkpoint: .+\n\nlinkpoint announce INTERFACE ADDRESS/);
  });
}

test('an interface that is not there is one line with its code and exit 1', async (t) => {
  const { status, stdout, stderr } = await run(['announce', 'nowhere0', '192.0.2.1']);
  t.is(status, 1);
  t.is(stdout, '');
  t.regex(stderr, /^linkpoint: Cannot find interface "nowhere0": .+ \(ENODEV\)\n$/);
});

test('an interface without a link address is one line with its code and exit 1', async (t) => {
  const { status, stderr } = await run(['announce', 'lo', '192.0.2.1', '--wait-ms', '0']);
  t.is(status, 1);
  t.regex(stderr, /^linkpoint: Cannot announce on "lo": .+ \(ERR_NO_LINK_ADDRESS\)\n$/);
});

test('a namespace is a name in /run/netns, or a path', async (t) => {
  const named = await run(['announce', 'lo', '192.0.2.1', '--namespace', 'nowhere']);
  t.regex(named.stderr, /^linkpoint: Cannot open network namespace "\/run\/netns\/nowhere": .+ \(ENOENT\)\n$/);
  const path = await run(['announce', 'lo', '192.0.2.1', '--namespace', './nowhere']);
  t.regex(path.stderr, /^linkpoint: Cannot open network namespace "\.\/nowhere": .+ \(ENOENT\)\n$/);
});
