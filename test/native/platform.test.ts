import test from 'ava';

import { runFixture } from './_support.ts';

test('on another platform the folder can be imported, and every call is ERR_UNSUPPORTED_PLATFORM', (t) => {
  const { status, output } = runFixture('_other-platform.js');
  t.is(status, 0, output);
  const lines = output.trim().split('\n');
  t.true(lines.length > 20);
  for (const line of lines) t.regex(line, /^\w+: ERR_UNSUPPORTED_PLATFORM$/);
});
