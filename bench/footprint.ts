/**
 * What an idle endpoint holds, beyond the slots that its options ask for: resident memory before and after many are opened.
 *
 *     before ── open and attach N endpoints, nothing comes ──► after        (after - before) / N - slots
 */

import { type FdBasedOptions, openFdBased } from '../index.ts';
import { closeFd, socketPair } from '../native/index.ts';
import { HEADROOM_BYTES } from '../stack/arena.ts';

/** Memory of one idle endpoint. */
export interface EndpointFootprint {
  readonly run: 'inline' | 'ring';
  readonly endpoints: number;
  /** Resident bytes per endpoint, its slots included as far as they were touched. */
  readonly bytesEach: number;
  /** What its receive and transmit slots would take if all were touched. */
  readonly slotBytesEach: number;
}

const SLOT_BYTES = 1500;
const BATCH = 64;
const SETTLE_MILLISECONDS = 300;

/** Opens `endpoints` idle endpoints, measures and closes them. */
export async function measureFootprint(run: 'inline' | 'ring', endpoints: number): Promise<EndpointFootprint> {
  await openAndClose(run, 1); // code, pool and allocator are there from now on
  const bytesEach = (await openAndClose(run, endpoints)) / endpoints;
  return { run, endpoints, bytesEach, slotBytesEach: BATCH * (HEADROOM_BYTES + SLOT_BYTES) };
}

/** Growth of the resident set while the endpoints are open, in bytes. */
async function openAndClose(run: 'inline' | 'ring', endpoints: number): Promise<number> {
  const pairs = Array.from({ length: endpoints }, () => socketPair());
  const before = residentBytes();
  const shape = { run, batch: BATCH, slotBytes: SLOT_BYTES } satisfies Partial<FdBasedOptions>;
  const opened = await Promise.all(pairs.map(([fd]) => openFdBased({ fds: [fd], ...shape })));
  for (const endpoint of opened) endpoint.attach({ deliverNetworkPacket: () => undefined });
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MILLISECONDS));
  const growth = residentBytes() - before;
  for (const endpoint of opened) endpoint.close();
  for (const endpoint of opened) await endpoint.wait();
  for (const fd of pairs.flat()) closeFd(fd);
  return growth;
}

function residentBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}
