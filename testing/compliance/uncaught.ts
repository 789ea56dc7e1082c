/**
 * Catches errors that an endpoint rethrows from setImmediate, in whatever test runner: a capture callback comes before
 * the runner's own `uncaughtException` listeners. Several cases may wait at a time; what none of them waits for goes on
 * to those listeners.
 */

const waiting = new Map<string, () => void>();

/** Resolves when an error with exactly this message is thrown and caught by nobody. The message must be unique. */
export function uncaught(message: string): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.size === 0) process.setUncaughtExceptionCaptureCallback(onUncaught);
    waiting.set(message, resolve);
  });
}

function onUncaught(error: Error): void {
  const resolve = waiting.get(error.message);
  if (resolve === undefined) {
    process.emit('uncaughtException', error);
    return;
  }
  waiting.delete(error.message);
  if (waiting.size === 0) process.setUncaughtExceptionCaptureCallback(null);
  resolve();
}
