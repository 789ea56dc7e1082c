/**
 * A dispatcher that works: each packet takes a given time, by the clock, on the caller's thread or in each worker. By
 * the clock and not by a count of operations: two processors of one core slow each other's arithmetic down, which is
 * not what the suite is about.
 */

import type { CreateDispatcher } from '../../dispatch/dispatcher-task.ts';
import type { NetworkDispatcher } from '../../stack/network-dispatcher.ts';

/** For `createDispatcher` in a worker; structured-cloned. */
export interface BurnOptions {
  readonly microseconds: number;
}

/** The dispatcher. */
export function burning({ microseconds }: BurnOptions): NetworkDispatcher {
  if (microseconds === 0) return { deliverNetworkPacket() {} };
  const milliseconds = microseconds / 1e3;
  return {
    deliverNetworkPacket() {
      for (const until = performance.now() + milliseconds; performance.now() < until;);
    },
  };
}

const createDispatcher: CreateDispatcher = (_link, data) => burning(data as BurnOptions);

export default createDispatcher;
