/**
 * `npm run soak`: a hundred million packets, and memory where it was.
 *
 *     generator, live ──► socket pair ──► endpoint of this process, inline ──► counts
 *                                         every tenth of the way: heap after a collection, resident set, descriptors
 *
 *     npm run soak [-- --packets N]        default 100000000, some three minutes
 *
 * Before that it says what idle endpoints hold, inline and with a worker each (footprint.ts).
 *
 * Exit status 1 when the last tenth holds more than the first did, beyond the limits below.
 */

import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { openFdBased } from '../index.ts';
import type { NetworkDispatcher } from '../index.ts';
import { closeFd, socketPair } from '../native/index.ts';
import { measureFootprint } from './footprint.ts';
import { Child } from './process.ts';
import { GENERATOR_CPU, generatorCommand } from './sample.ts';

const FRAME_BYTES = 1500;
/** An IPv4 header is all that an endpoint without link header looks at. */
const HEAD = '45'.padEnd(40, '0');
const BUFFER_BYTES = 1 << 20;
const TENTHS = 10;
/** What one collection leaves more than another. */
const HEAP_LIMIT_BYTES = 1 << 20;
/** Pages that the allocator keeps; a leak of one byte a packet would be ten times that. */
const RESIDENT_LIMIT_BYTES = 10 << 20;
const FOOTPRINTS = [['inline', 32], ['ring', 4]] as const;
const LOOK_MILLISECONDS = 50;
/** Longer than any run. */
const GENERATOR_MILLISECONDS = 3_600_000;

interface Footprint {
  readonly packets: number;
  readonly heapBytes: number;
  readonly residentBytes: number;
  readonly descriptors: number;
}

async function soak(packetCount: number): Promise<number> {
  if (!Number.isSafeInteger(packetCount) || packetCount < TENTHS || globalThis.gc === undefined) {
    console.error('Usage: npm run soak [-- --packets N]; N is an integer from 10. Node needs --expose-gc, as npm gives it.');
    return 2;
  }
  for (const [run, count] of FOOTPRINTS) {
    const { bytesEach, slotBytesEach } = await measureFootprint(run, count);
    const [total, slots] = [mebibytes(bytesEach), mebibytes(slotBytesEach)];
    console.log(`an idle endpoint, ${run}, one of ${count}: ${total} MiB, of which at most ${slots} MiB are receive slots`);
  }
  const [near, far] = socketPair(undefined, { sendBufferBytes: BUFFER_BYTES, receiveBufferBytes: BUFFER_BYTES });
  let packets = 0;
  const counting: NetworkDispatcher = { deliverNetworkPacket: () => void packets++ };
  const endpoint = await openFdBased({ fds: [near], ownFds: true });
  endpoint.attach(counting);
  const args = ['--fds', '3', '--regime', 'live', '--ms', String(GENERATOR_MILLISECONDS), '--size', String(FRAME_BYTES)];
  const generator = new Child([...generatorCommand('live'), ...args, '--head', HEAD], [far], GENERATOR_CPU);
  closeFd(far);
  try {
    const footprints: Footprint[] = [];
    for (let tenth = 1; tenth <= TENTHS && endpoint.isAttached; tenth++) {
      while (endpoint.isAttached && packets < (packetCount * tenth) / TENTHS) await sleep();
      footprints.push(takeFootprint(packets));
      print(footprints.at(-1) as Footprint);
    }
    return judge(footprints);
  } finally {
    await generator.end();
    endpoint.close();
    await endpoint.wait();
  }
}

const mebibytes = (bytes: number): string => (bytes / (1 << 20)).toFixed(2);

const sleep = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));

function takeFootprint(packets: number): Footprint {
  globalThis.gc?.();
  const { heapUsed: heapBytes, rss: residentBytes } = process.memoryUsage();
  return { packets, heapBytes, residentBytes, descriptors: readdirSync('/proc/self/fd').length };
}

function print({ packets, heapBytes, residentBytes, descriptors }: Footprint): void {
  const memory = `heap ${mebibytes(heapBytes)} MiB, resident ${mebibytes(residentBytes)} MiB`;
  console.log(`${String(packets).padStart(12)} packets: ${memory}, ${descriptors} descriptors`);
}

/** The first tenth is the warm-up. */
function judge(footprints: readonly Footprint[]): number {
  const [first, last] = [footprints[0], footprints.at(-1)];
  if (first === undefined || last === undefined || footprints.length < TENTHS) {
    console.error('soak: the generator ended too early');
    return 1;
  }
  const isFlat =
    last.heapBytes - first.heapBytes <= HEAP_LIMIT_BYTES &&
    last.residentBytes - first.residentBytes <= RESIDENT_LIMIT_BYTES &&
    last.descriptors === first.descriptors;
  console.log(isFlat ? 'soak: memory is flat' : 'soak: memory has grown');
  return isFlat ? 0 : 1;
}

const { values } = parseArgs({ options: { packets: { type: 'string', default: '100000000' } } });
process.exitCode = await soak(Number(values.packets));
