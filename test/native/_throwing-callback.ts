/** A callback that throws: the exception must arrive as an uncaught one, with the stack of the callback. */

import { createEventFd, drainEventFd, Readiness, signalEventFd } from '../../native/index.ts';

const fd = createEventFd();

process.on('uncaughtException', (error) => {
  const at = /at (\w+)/.exec(error.stack ?? '')?.[1];
  console.log(`uncaught: ${error.message} at ${at}`);
  readiness.close();
});

const readiness = Readiness.watch(fd, { readable: true }, function callbackThatThrows() {
  drainEventFd(fd);
  throw new Error('from the callback');
});
signalEventFd(fd);
