/** Run with --expose-gc: a handle without a reference must go on, and the process end by itself after unref(). */

import { createEventFd, drainEventFd, Readiness, signalEventFd } from '../../native/index.ts';

declare const gc: () => void;

const fd = createEventFd();
let called = false;

/** Keeps the handle from view; the callback alone must not be what holds it. */
function watch(): void {
  Readiness.watch(fd, { readable: true }, () => {
    called = true;
    drainEventFd(fd);
  });
  const another = Readiness.watch(createEventFd(), { readable: true }, () => undefined);
  another.unref();
}

watch();
setTimeout(() => {
  for (let i = 0; i < 10; i++) gc();
  signalEventFd(fd);
}, 20);
setTimeout(() => {
  console.log(called ? 'called after gc' : 'not called');
  process.exitCode = called ? 0 : 1;
  // The first handle still keeps the process alive: end it as a caller would.
  process.exit();
}, 100);
