/**
 * Inbound: from a file descriptor to frames, in three ways of receiving and three ways of running.
 * @packageDocumentation
 */

export type { CreateDispatcher, WorkerContext, WorkerDispatcher } from './dispatcher-task.ts';
export { DEFAULT_RING_GEOMETRY } from './rx-ring.ts';
export type { RingGeometry } from './rx-ring.ts';
export type { DispatchMode, FrameSink, LinkDispatcher } from './link-dispatcher.ts';
export { joinFanoutGroup } from './fanout.ts';
export type { FanoutMode, FanoutOptions } from './fanout.ts';
export { TURN_MILLISECONDS, TURN_PACKETS } from './turn.ts';
