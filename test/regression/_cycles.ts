/** Attaching and detaching over and over, and what must not grow meanwhile. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import type { ExecutionContext } from 'ava';

import { type FdBasedOptions, type RunMode } from '../../link/fd-based-options.ts';
import { type FdBasedEndpoint, openFdBased } from '../../link/fd-based.ts';
import { pinnedCount } from '../../native/index.ts';
import { fdCount } from '../native/_support.ts';
import { attachRecorder, Recording } from './_recorder.ts';
import { until } from './_support.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What a leaked ring, arena or thread a cycle would exceed many times; the C library's own free lists need some. */
const RSS_SLACK_BYTES = 96 << 20;
/** For what V8 itself knows to be in use, after a collection. */
const HEAP_SLACK_BYTES = 6 << 20;

interface Usage {
  readonly fds: number;
  readonly pins: number;
  readonly rss: number;
  /** JavaScript heap and array buffers. */
  readonly heap: number;
}

/** Without the garbage that is not collected yet. */
function usage(): Usage {
  collectGarbage();
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return { fds: fdCount(), pins: pinnedCount(), rss, heap: heapUsed + arrayBuffers };
}

function assertFlat(t: ExecutionContext, before: Usage, after: Usage): void {
  t.true(after.fds <= before.fds, `${before.fds} descriptors have become ${after.fds}`);
  t.is(after.pins, before.pins, 'pinned buffers');
  t.true(after.rss - before.rss < RSS_SLACK_BYTES, `RSS grew by ${(after.rss - before.rss) >> 20} MiB`);
  t.true(after.heap - before.heap < HEAP_SLACK_BYTES, `the heap grew by ${(after.heap - before.heap) >> 10} KiB`);
}

/** A link to cycle on. */
export interface CycleLink {
  readonly run: RunMode;
  readonly options: FdBasedOptions;
  /** Sends one frame with this sequence number to the endpoint. */
  send(sequence: number): void;
}

/** One attachment that carries a frame, and its end. */
async function cycle(link: CycleLink, endpoint: FdBasedEndpoint, sequence: number): Promise<void> {
  const recording = new Recording(64);
  attachRecorder(endpoint, link.run, recording);
  const arrives = (): boolean => recording.sequences.includes(sequence);
  link.send(sequence);
  await until(arrives, `frame ${sequence} came in its attachment`);
  endpoint.attach(null);
  await endpoint.wait();
}

/** `count` attachments of one endpoint. */
export async function cycleAttachments(t: ExecutionContext, link: CycleLink, count: number): Promise<void> {
  const endpoint = await openFdBased(link.options);
  for (let warm = 0; warm < 5; warm++) await cycle(link, endpoint, warm);
  const before = usage();
  for (let sequence = 10; sequence < 10 + count; sequence++) await cycle(link, endpoint, sequence);
  assertFlat(t, before, usage());
  endpoint.close();
  await endpoint.wait();
}

/** `count` endpoints, one after the other, over the same descriptors. */
export async function cycleEndpoints(t: ExecutionContext, link: CycleLink, count: number): Promise<void> {
  const once = async (sequence: number): Promise<void> => {
    const endpoint = await openFdBased(link.options);
    await cycle(link, endpoint, sequence);
    endpoint.close();
    await endpoint.wait();
  };
  for (let warm = 0; warm < 5; warm++) await once(warm);
  const before = usage();
  for (let sequence = 10; sequence < 10 + count; sequence++) await once(sequence);
  // Worker threads end a moment after their endpoint, and what they shared is garbage only then.
  const isBack = (): boolean => {
    const { fds, rss, heap } = usage();
    return fds <= before.fds && rss - before.rss < RSS_SLACK_BYTES && heap - before.heap < HEAP_SLACK_BYTES;
  };
  await until(isBack, 'the worker threads have ended').catch(() => undefined);
  assertFlat(t, before, usage());
}
