/** A dispatcher that works: each packet burns a given time. Runs on the caller's thread, or in each worker. */

import type { CreateDispatcher } from '../../dispatch/dispatcher-task.ts';
import type { NetworkDispatcher } from '../../stack/network-dispatcher.ts';

/** For `createDispatcher` in a worker; structured-cloned. */
export interface BurnOptions {
  readonly microseconds: number;
  /** Rounds of `spin` that take a microsecond on this machine. */
  readonly roundsPerMicrosecond: number;
}

let sink = 1;

function spin(rounds: number): void {
  let value = sink;
  for (let round = 0; round < rounds; round++) value = (Math.imul(value, 1_103_515_245) + 12_345) | 0;
  sink = value;
}

/** Measures `spin`: the fastest of several tries, so that a stolen moment does not make the work lighter. */
export function calibrate(): number {
  const rounds = 1_000_000;
  let best = Infinity;
  for (let attempt = 0; attempt < 8; attempt++) {
    const began = performance.now();
    spin(rounds);
    best = Math.min(best, performance.now() - began);
  }
  return rounds / (best * 1e3);
}

/** The dispatcher. */
export function burning({ microseconds, roundsPerMicrosecond }: BurnOptions): NetworkDispatcher {
  const rounds = Math.round(microseconds * roundsPerMicrosecond);
  return {
    deliverNetworkPacket() {
      spin(rounds);
    },
  };
}

const createDispatcher: CreateDispatcher = (_link, data) => burning(data as BurnOptions);

export default createDispatcher;
