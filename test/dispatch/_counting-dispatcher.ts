/** A dispatcher module for worker tests: counts, and reports to a shared Int32Array. */

import type { CreateDispatcher } from '../../dispatch/dispatcher-task.ts';

interface Data {
  readonly shared: SharedArrayBuffer;
  readonly throwAt?: number;
}

const createDispatcher: CreateDispatcher<Data> = (_link, data, { index }) => {
  const words = new Int32Array(data.shared);
  const timer = setInterval(() => Atomics.add(words, 8 + index, 1), 5);
  timer.unref();
  return {
    deliverNetworkPacket() {
      if (Atomics.add(words, index, 1) + 1 === data.throwAt) throw new TypeError('as asked');
    },
  };
};

export default createDispatcher;
