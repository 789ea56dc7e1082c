/**
 * Entry of a worker thread: runs one task of an endpoint to its end.
 *
 * The default export is piscina's contract. What a task needs from link/ comes as a module address, for dispatch/ does
 * not import link/.
 */

import type { DispatcherTask } from './dispatcher-task.ts';
import type { TaskEnd } from './link-end.ts';
import type { RingTask } from './ring-worker.ts';

/** What a worker thread can be asked to do. */
export type WorkerTask = RingTask | DispatcherTask;

/** Runs the task; resolves when it was stopped or its link has ended. */
export default async function run(task: WorkerTask): Promise<TaskEnd> {
  if (task.kind === 'ring') return (await import('./ring-worker.ts')).runRingTask(task);
  return (await import('./dispatcher-task.ts')).runDispatcherTask(task);
}
