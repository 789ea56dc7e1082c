/** The counting dispatcher as workers load it: its default export is dispatch/'s contract `CreateDispatcher`. */

import type { WorkerContext } from '../dispatch/dispatcher-task.ts';
import type { LinkEndpoint } from '../stack/link-endpoint.ts';
import { CountingDispatcher, Tally } from './bench-tally.ts';

/** Makes the dispatcher of one worker; `data` is the buffer of the command's tally. */
export default function createDispatcher(
  _link: LinkEndpoint,
  data: SharedArrayBuffer,
  { index }: WorkerContext,
): CountingDispatcher {
  return new CountingDispatcher(new Tally(data), index);
}
