/** A flood starves nobody: neither the event loop, nor the other endpoints, nor a timer of a dispatcher in a worker. */

import test, { type ExecutionContext } from 'ava';

import { delay, ipPacket, openRig, type Rig, until, upTo } from '../regression/_support.ts';

const ENDPOINTS = 16;
/** The work budget of a turn of the event loop. */
const BUDGET = 256;
const TURNS = 200;
const CALM_PACKETS = 20;
/** Until a queue, of about 270, takes no more: it is never empty. */
const REFILL = upTo(64).map((sequence) => ipPacket(sequence));

async function openFlooded(t: ExecutionContext, count: number, run: 'inline' | 'ring'): Promise<{ rigs: Rig[]; counts: number[] }> {
  const rigs = await Promise.all(upTo(count).map(() => openRig(t, { run, batch: 64 })));
  const counts = rigs.map(() => 0);
  rigs.forEach(({ endpoint, peer }, index) => {
    while (peer.send(REFILL) === REFILL.length);
    endpoint.attach({ deliverNetworkPacket: () => void counts[index]!++ });
  });
  return { rigs, counts };
}

const sum = (counts: readonly number[]): number => counts.reduce((left, right) => left + right, 0);

/** Refills all queues in every turn of the event loop; how many packets were delivered in each. */
function watchTurns(rigs: readonly Rig[], counts: readonly number[]): Promise<number[]> {
  const perTurn: number[] = [];
  let before = sum(counts);
  return new Promise((resolve) => {
    const turn = (): void => {
      perTurn.push(sum(counts) - before);
      before = sum(counts);
      if (perTurn.length === TURNS) return resolve(perTurn);
      for (const { peer } of rigs) while (peer.send(REFILL) === REFILL.length);
      setImmediate(turn);
    };
    setImmediate(turn);
  });
}

test.serial(`${ENDPOINTS} flooded endpoints deliver at most ${BUDGET} packets between two turns of the event loop`, async (t) => {
  const { rigs, counts } = await openFlooded(t, ENDPOINTS, 'inline');
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const perTurn = await watchTurns(rigs, counts);
  clearInterval(timer);
  t.true(Math.max(...perTurn) <= BUDGET, `${Math.max(...perTurn)} packets in one turn`);
  t.true(sum(perTurn) > TURNS * 16, `the flood was none: ${sum(perTurn)} packets in ${TURNS} turns`);
  t.true(ticks > 10, `a timer of 1 ms fired ${ticks} times`);
});

test.serial(`${ENDPOINTS} flooded endpoints are served alike`, async (t) => {
  const { rigs, counts } = await openFlooded(t, ENDPOINTS, 'inline');
  await watchTurns(rigs, counts);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  t.true(least > 0 && most <= 2 * least, counts.join(' '));
});

for (const run of ['inline', 'ring'] as const) {
  test.serial(`${run}: an endpoint with a packet now and then is served while others are flooded`, async (t) => {
    const { rigs, counts } = await openFlooded(t, 3, run);
    const calm = await openRig(t, { run });
    let delivered = 0;
    calm.endpoint.attach({ deliverNetworkPacket: () => void delivered++ });
    let isOver = false;
    const flood = (): void => {
      for (const { peer } of rigs) while (peer.send(REFILL) === REFILL.length);
      if (!isOver) setImmediate(flood);
    };
    flood();
    for (const packet of upTo(CALM_PACKETS)) {
      t.is(calm.peer.send([ipPacket(packet)]), 1);
      await until(() => delivered > packet, `packet ${packet} came`, 1_000);
    }
    await until(() => sum(counts) > CALM_PACKETS * BUDGET, 'the flood was one');
    isOver = true;
  });
}

test.serial('ring: no wake-up is lost when several endpoints exhaust the budget of a turn', async (t) => {
  const { rigs, counts } = await openFlooded(t, 4, 'ring');
  await watchTurns(rigs, counts);
  // Whatever was sent by now must come, without another packet to shake it loose.
  const received = (): number => sum(rigs.map(({ endpoint }) => endpoint.statistics.get('deliveredPackets')));
  let last = -1;
  await until(() => {
    const isQuiet = received() === last;
    last = received();
    return isQuiet && last > 0;
  }, 'the flood is over');
  await delay(100);
  for (const [index, { endpoint, peer }] of rigs.entries()) {
    const before = counts[index] as number;
    t.is(peer.send(REFILL), REFILL.length);
    await until(() => counts[index] === before + REFILL.length, `endpoint ${index} delivers, and all that it was sent`);
    t.is(endpoint.statistics.get('receivedPackets'), before + REFILL.length);
  }
});

for (const flooded of [true, false]) {
  test.serial(`a timer in a dispatcher in a worker fires ${flooded ? 'under traffic' : 'when idle'}`, async (t) => {
    const { endpoint, peer } = await openRig(t, { run: 'worker' });
    const shared = new SharedArrayBuffer(64);
    const words = new Int32Array(shared);
    endpoint.attach({ module: new URL('../dispatch/_counting-dispatcher.js', import.meta.url), data: { shared } });
    await until(() => Atomics.load(words, 8) > 0, 'the timer runs');
    const [ticks, packets] = [Atomics.load(words, 8), Atomics.load(words, 0)];
    const deadline = performance.now() + 300;
    while (performance.now() < deadline) {
      if (flooded) while (peer.send(REFILL) === REFILL.length);
      await delay(0);
    }
    t.true(Atomics.load(words, 8) - ticks >= 10, `a timer of 5 ms fired ${Atomics.load(words, 8) - ticks} times in 300 ms`);
    if (flooded) t.true(Atomics.load(words, 0) - packets > 1_000);
  });
}
