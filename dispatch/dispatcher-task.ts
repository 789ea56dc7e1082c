/**
 * Way of running 2, the worker's half: the user's dispatcher runs in the worker, on the worker's own event loop.
 *
 *     caller's thread                      worker thread
 *     endpoint.attach({ module, data }) ─► import(module).default(link, data, { index, count, signal })
 *                                          link.attach(dispatcher)   link: this worker's half, read inline
 *     'drain'  ◄──────── port ──────────── link 'drain'
 *     'closed' ◄──────── task's result ─── link 'closed'
 *     'closed' ◄──────── task's result ─── the dispatcher detaches or closes its link
 *     attach(null) ────── eventfd ───────► signal aborted, link.attach(null)
 *     another fd ended ── port ──────────► what is queued is delivered, then the same
 *
 * Nothing blocks, so timers and promises of a network stack work there as anywhere.
 */

import type { MessagePort } from 'node:worker_threads';
import { asError, InvalidOptionError } from '../errors.ts';
import { Readiness } from '../native/readiness.ts';
import type { ClosedReason, LinkEndpoint } from '../stack/link-endpoint.ts';
import type { NetworkDispatcher } from '../stack/network-dispatcher.ts';
import { errorData, type TaskEnd } from './link-end.ts';

/** What `createDispatcher` is told about its place. */
export interface WorkerContext {
  /** Index of this worker's fd in the endpoint's. */
  readonly index: number;
  /** How many workers there are. */
  readonly count: number;
  /** Aborted when the endpoint is detached or closed. */
  readonly signal: AbortSignal;
}

/**
 * Default export of a dispatcher module.
 * @param link this worker's half of the endpoint: its writes are synchronous here
 * @param data what the caller passed to `attach`, structured-cloned
 */
export type CreateDispatcher<Data = unknown> = (
  link: LinkEndpoint,
  data: Data,
  context: WorkerContext,
) => NetworkDispatcher | Promise<NetworkDispatcher>;

/** A dispatcher that lives in a module, to be made in each worker. */
export interface WorkerDispatcher {
  /** Module whose default export is a `CreateDispatcher`. */
  readonly module: URL | string;
  /** Handed to it; structured-cloned. */
  readonly data?: unknown;
}

/** A dispatcher worker's task. Plain data, shared memory and one port. */
export interface DispatcherTask {
  readonly kind: 'dispatcher';
  /** Module that exports `openHalf(options): EndpointHalf`. */
  readonly halfModule: string;
  /** For `openHalf`. */
  readonly halfOptions: unknown;
  readonly module: string;
  readonly data: unknown;
  readonly fd: number;
  readonly index: number;
  readonly count: number;
  /** Readable when the task shall end. */
  readonly stopFd: number;
  /** One word: POLLS while the worker polls descriptors, which must end before its thread does. */
  readonly polling: SharedArrayBuffer;
  readonly port: MessagePort;
}

/** Value of `DispatcherTask.polling`. */
export const POLLS = 1;

/** A worker's half of an endpoint. */
export interface EndpointHalf {
  readonly endpoint: LinkEndpoint;
  /** It was closed, or its link has ended. */
  readonly hasEnded: boolean;
  /** Delivers what the fd still holds. */
  drain(): void;
  /** Brings the kernel's drop counters up to date. */
  collectKernelDrops(): void;
}

/** How often the kernel's drop counters are read: the caller's thread cannot do it. */
const COLLECT_MILLISECONDS = 500;

/** When another fd has ended, longest wait for a dispatcher that is still being made: it gets what is queued. */
const FINISH_MILLISECONDS = 3_000;

interface HalfModule {
  openHalf(options: unknown): EndpointHalf;
}

/** Makes the dispatcher and runs it until the link ends or the task is stopped. */
export async function runDispatcherTask(task: DispatcherTask): Promise<TaskEnd> {
  const abort = new AbortController();
  const polling = new Int32Array(task.polling);
  Atomics.store(polling, 0, POLLS);
  const stopped: TaskEnd = { kind: 'stopped', fd: task.fd, errno: 0 };
  const stop = Readiness.watch(task.stopFd, { readable: true }, () => {
    stop.close(); // level-triggered: once is enough
    abort.abort();
  });
  let half: EndpointHalf | undefined;
  const collecting = setInterval(() => half?.collectKernelDrops(), COLLECT_MILLISECONDS);
  const { finish, overdue } = watchFinish(task.port);
  try {
    half = ((await import(task.halfModule)) as HalfModule).openHalf(task.halfOptions);
    const ending = AbortSignal.any([abort.signal, overdue]);
    const dispatcher = await unlessAborted(createDispatcher(task, half, abort.signal), ending);
    if (dispatcher === null) return stopped;
    if (half.hasEnded) return { kind: 'closed', fd: task.fd, errno: 0 };
    return await untilClosed(task, half, dispatcher, { stop: abort.signal, finish });
  } catch (error) {
    return { kind: 'thrown', fd: task.fd, errno: 0, error: errorData(asError(error)) };
  } finally {
    clearInterval(collecting);
    stop.close();
    abort.abort();
    half?.endpoint.close();
    task.port.close();
    Atomics.store(polling, 0, 0);
    Atomics.notify(polling, 0);
  }
}

/** Another fd of the endpoint has ended: `finish` aborts; then, when making a dispatcher takes too long, `overdue`. */
function watchFinish(port: MessagePort): { finish: AbortSignal; overdue: AbortSignal } {
  const [finish, overdue] = [new AbortController(), new AbortController()];
  port.once('message', () => {
    setTimeout(() => overdue.abort(), FINISH_MILLISECONDS).unref();
    finish.abort();
  });
  return { finish: finish.signal, overdue: overdue.signal };
}

async function createDispatcher(task: DispatcherTask, half: EndpointHalf, signal: AbortSignal): Promise<NetworkDispatcher> {
  const { data, index, count } = task;
  const create = await importDispatcher(task.module);
  return create(half.endpoint, data, { index, count, signal });
}

/** The promise's value, or null when the signal comes first: a dispatcher that is never made must not hold up a stop. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | null> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => resolve(null), { once: true });
    if (signal.aborted) resolve(null);
    promise.then(resolve, reject);
  });
}

async function importDispatcher(module: string): Promise<CreateDispatcher> {
  const { default: createDispatcher } = (await import(module)) as { default?: unknown };
  if (typeof createDispatcher === 'function') return createDispatcher as CreateDispatcher;
  throw new InvalidOptionError(`Cannot run dispatcher module "${module}": it has no default export; export createDispatcher`);
}

function untilClosed(
  task: DispatcherTask,
  half: EndpointHalf,
  dispatcher: NetworkDispatcher,
  signals: { readonly stop: AbortSignal; readonly finish: AbortSignal },
): Promise<TaskEnd> {
  const { endpoint } = half;
  const stopped: TaskEnd = { kind: 'stopped', fd: task.fd, errno: 0 };
  return new Promise((resolve) => {
    endpoint.on('closed', (reason) => resolve(taskEndOf(task.fd, reason, half)));
    endpoint.on('drain', () => task.port.postMessage('drain'));
    signals.stop.addEventListener('abort', () => resolve(stopped), { once: true });
    const finish = (): void => {
      half.drain();
      resolve(stopped);
    };
    signals.finish.addEventListener('abort', finish, { once: true });
    endpoint.attach(dispatcher);
    if (signals.finish.aborted) finish();
  });
}

/** Nobody but its dispatcher detaches a half that is not stopped. */
function taskEndOf(fd: number, { kind, error }: ClosedReason, half: EndpointHalf): TaskEnd {
  if (kind === 'detached') return { kind: half.hasEnded ? 'closed' : 'detached', fd, errno: 0 };
  if (kind === 'hangup') return { kind, fd, errno: 0 };
  return { kind: 'thrown', fd, errno: 0, error: errorData(error as Error) };
}
