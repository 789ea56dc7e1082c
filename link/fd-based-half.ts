/**
 * A worker's half of an fd-based endpoint: the same endpoint over one of its fds, run inline on the worker's event loop,
 * counting in a block of the whole endpoint's statistics. Loaded in the worker by dispatch/dispatcher-task.ts.
 */

import type { EndpointHalf } from '../dispatch/dispatcher-task.ts';
import { LinkStatistics } from '../stack/statistics.ts';
import { FdBasedEndpoint } from './fd-based.ts';
import type { HalfOptions } from './fd-based-options.ts';

/** Opens the half. */
export function openHalf(posted: unknown): EndpointHalf {
  const { options, statistics, statisticsBlock } = posted as HalfOptions;
  const endpoint = new FdBasedEndpoint(options, new LinkStatistics(statistics), statisticsBlock);
  return {
    endpoint,
    get hasEnded(): boolean {
      return endpoint.isClosed;
    },
    drain: () => endpoint.drainInbound(),
    collectKernelDrops: () => endpoint.collectKernelDrops(),
  };
}
