/** `linkpoint bench`: what this package costs, through its public endpoint and nothing else. */

import { openFdBased } from '../link/fd-based.ts';
import type { ClosedReason } from '../stack/link-endpoint.ts';
import { type BenchOptions, parseBenchOptions } from './bench-options.ts';
import { Receiver } from './bench-receive.ts';
import { type BenchResult, formatResult } from './bench-result.ts';
import { SelfLink } from './bench-self.ts';
import { CountingDispatcher, Tally } from './bench-tally.ts';
import { Transmitter } from './bench-transmit.ts';
import { warmUp } from './bench-warm-up.ts';

export { BENCH_USAGE } from './bench-options.ts';

const EXIT_ERROR = 1;
const EXIT_NO_PACKET = 3;

/** Runs one measurement and prints its line; the exit code. */
export async function runBench(args: readonly string[]): Promise<number> {
  const options = parseBenchOptions(args);
  if (options.self === null) return run(options, options.fds, () => undefined);
  await using link = await SelfLink.open(options.self, options);
  return await run(options, [link.fd], () => link.start()); // awaited here, for the link must outlive it
}

async function run(options: BenchOptions, fds: readonly number[], start: () => void): Promise<number> {
  const { direction, frames, link, durationMilliseconds, json } = options;
  const way = link.run ?? 'inline';
  await warmUp({ fds, ...link }, new CountingDispatcher(new Tally(1)));
  await using endpoint = await openFdBased({ fds, ...link });
  // Of tx, too, the dispatcher is attached: who does not read does not notice a hang-up.
  const receiver = new Receiver(endpoint, way);
  start();
  const result =
    direction === 'rx'
      ? await receiver.measure(durationMilliseconds)
      : await new Transmitter(endpoint, way, frames).measure(durationMilliseconds);
  const { closed } = receiver;
  const isNothing = result.packets === 0 && (direction === 'tx' || !receiver.hasReceived);
  print(withClosed(result, closed), json);
  if (closed?.kind === 'error') return EXIT_ERROR;
  return isNothing ? EXIT_NO_PACKET : 0;
}

function withClosed(result: BenchResult, closed: ClosedReason | null): BenchResult {
  if (closed === null) return result;
  const { kind, error } = closed;
  return { ...result, closed: error === undefined ? { kind } : { kind, message: error.message } };
}

function print(result: BenchResult, json: boolean): void {
  console.log(json ? JSON.stringify(result) : formatResult(result));
}
