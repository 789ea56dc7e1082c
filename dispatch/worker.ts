/**
 * Entry of a worker thread: runs one task of an endpoint to its end.
 *
 * The default export is piscina's contract. What a task needs from link/ comes as a module address, for dispatch/ does
 * not import link/.
 */

import { asError } from '../errors.ts';
import type { DispatcherTask } from './dispatcher-task.ts';
import { errorData, type TaskEnd } from './link-end.ts';
import type { RingTask } from './ring-worker.ts';

/** What a worker thread can be asked to do. */
export type WorkerTask = RingTask | DispatcherTask;

/** Runs the task; resolves when it was stopped or its link has ended. An error would lose its code on the way as such. */
export default async function run(task: WorkerTask): Promise<TaskEnd> {
  const fd = task.kind === 'ring' ? task.receive.fd : task.fd;
  try {
    if (task.kind === 'ring') return (await import('./ring-worker.ts')).runRingTask(task);
    return await (await import('./dispatcher-task.ts')).runDispatcherTask(task);
  } catch (error) {
    return { kind: 'lost', fd, errno: 0, error: errorData(asError(error)) };
  }
}
