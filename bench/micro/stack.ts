/** The shared ring, and the way from an injected packet through decorators and Nic to a handler. */

import { RingConsumer, RingProducer } from '../../dispatch/ring.ts';
import { ETHERTYPE_IPV4 } from '../../header/ethernet.ts';
import { ChannelEndpoint } from '../../link/channel.ts';
import { NestedEndpoint } from '../../link/nested.ts';
import { Arena } from '../../stack/arena.ts';
import type { LinkEndpoint } from '../../stack/link-endpoint.ts';
import { PacketPool } from '../../stack/packet-pool.ts';
import { Stack } from '../../stack/stack.ts';
import type { MicroSample } from '../results.ts';
import { REPEATS, runGroup, type Task, use } from './_bench.ts';

const RING_SLOTS = 256;
const RING_BATCH = 64;
const DECORATORS = [0, 1, 3];
const FRAME_BYTES = 64;

/** Reserve, commit, peek, release, both sides on one thread: atomics and arithmetic, no traffic between processors. */
function ringTask(): Task {
  const consumer = new RingConsumer(RING_SLOTS);
  const producer = new RingProducer(RING_SLOTS, consumer.buffer);
  return {
    name: `a slot there and back, batch ${RING_BATCH}`,
    run: () => {
      for (let done = 0; done < REPEATS; done += RING_BATCH) {
        const count = Math.min(producer.reserve(), RING_BATCH);
        for (let index = 0; index < count; index++) producer.describe(producer.nextSlot + index, FRAME_BYTES, 0);
        producer.commit(count);
        const ready = consumer.peek();
        for (let index = 0; index < ready; index++) use(consumer.length(consumer.slotAt(index)));
        consumer.release(ready);
      }
    },
  };
}

function injectTask(decorators: number): Task {
  const channel = new ChannelEndpoint();
  let endpoint: LinkEndpoint = channel;
  for (let index = 0; index < decorators; index++) endpoint = new NestedEndpoint(endpoint);
  const stack = new Stack();
  stack.setProtocolHandler(ETHERTYPE_IPV4, (_nic, packet) => use(packet.length));
  stack.createNic(1, endpoint);
  const pool = new PacketPool(new Arena(1, FRAME_BYTES));
  const packet = pool.at(0);
  const start = packet.base + 128;
  return {
    name: `inject to handler, ${decorators} decorators`,
    run: () => {
      for (let index = 0; index < REPEATS; index++) {
        packet.repoint(start, start + FRAME_BYTES);
        packet.networkOffset = start;
        channel.injectInbound(ETHERTYPE_IPV4, packet);
      }
    },
  };
}

/** Runs the groups of this file. */
export async function runStackBenchmarks(milliseconds: number): Promise<MicroSample[]> {
  return [
    ...(await runGroup('Shared ring', [ringTask()], milliseconds)),
    ...(await runGroup('Delivery through Nic', DECORATORS.map(injectTask), milliseconds)),
  ];
}
