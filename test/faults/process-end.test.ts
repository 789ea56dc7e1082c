import test from 'ava';

import { RUNS } from '../regression/_support.ts';
import { runChild } from './_run-child.ts';

/** Most time that the end of a program takes, blocked workers or not. */
const LIMIT_MILLISECONDS = 2_000;

for (const run of RUNS) {
  test.serial(`${run}: a dispatcher that throws without a closed listener is an uncaught exception of the program`, async (t) => {
    const { code, stderr } = await runChild([run, 'throws']);
    t.is(code, 1, stderr);
    t.regex(stderr, /TypeError: as the test asked/);
    t.regex(stderr, /_recorder\.js/, 'the stack leads to the dispatcher');
  });

  test.serial(`${run}: uncaughtException gets it, too`, async (t) => {
    const { code, stdout } = await runChild([run, 'throws-with-handler']);
    t.is(code, 7);
    t.regex(stdout, /caught as the test asked/);
  });

  test.serial(`${run}: what is thrown after attach(null) in the same delivery does not vanish`, async (t) => {
    const { code, stderr } = await runChild([run, 'detaches-and-throws']);
    t.is(code, 1, stderr);
    t.regex(stderr, /TypeError.*: as the test asked/);
  });

  test.serial(`${run}: process.exit() ends the program at once, with its code`, async (t) => {
    const { code, milliseconds } = await runChild([run, 'exits']);
    t.is(code, 5);
    t.true(milliseconds < LIMIT_MILLISECONDS, `${milliseconds} ms`);
  });

  test.serial(`${run}: also while nothing takes what its worker has read`, async (t) => {
    const { code, signal, milliseconds } = await runChild([run, 'exits-with-a-full-ring']);
    t.is(code, 5, String(signal));
    t.true(milliseconds < LIMIT_MILLISECONDS, `${milliseconds} ms`);
  });

  test.serial(`${run}: also in the middle of traffic`, async (t) => {
    for (let round = 0; round < 5; round++) {
      const { code, signal, milliseconds } = await runChild([run, 'exits-under-traffic']);
      t.is(code, 5, String(signal));
      t.true(milliseconds < LIMIT_MILLISECONDS, `${milliseconds} ms`);
    }
  });

  test.serial(`${run}: so does an exception of anybody else`, async (t) => {
    const { code, stderr, milliseconds } = await runChild([run, 'throws-elsewhere']);
    t.is(code, 1);
    t.regex(stderr, /RangeError: not of the endpoint/);
    t.true(milliseconds < LIMIT_MILLISECONDS, `${milliseconds} ms`);
  });

  test.serial(`${run}: SIGINT ends the program at once`, async (t) => {
    const { signal, milliseconds } = await runChild([run, 'waits'], (pid) => process.kill(pid, 'SIGINT'));
    t.is(signal, 'SIGINT');
    t.true(milliseconds < LIMIT_MILLISECONDS, `${milliseconds} ms`);
  });

  test.serial(`${run}: what a closed listener throws does not vanish, and hinders nothing`, async (t) => {
    const { code, stdout, stderr } = await runChild([run, 'closed-listener-throws']);
    t.is(code, 0, stdout + stderr);
    t.regex(stdout, /caught not closed/);
    t.regex(stdout, /quiet/);
  });

  test.serial(`${run}: after close() nothing keeps the program alive`, async (t) => {
    const { code, stderr, milliseconds } = await runChild([run, 'closes']);
    t.is(code, 0, stderr);
    t.true(milliseconds < LIMIT_MILLISECONDS, `${milliseconds} ms`);
  });
}
