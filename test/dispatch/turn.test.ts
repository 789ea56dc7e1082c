import test from 'ava';
import { type Pausable, TURN_PACKETS, TurnMark, Turns, type TurnTaker } from '../../dispatch/turn.ts';

class Source implements TurnTaker {
  waiting: number;
  readonly batch: number;
  readonly isPolledAgain: boolean;
  readonly mark: TurnMark = new TurnMark();
  readonly told: string[] = [];
  readonly poll: Pausable = { pause: () => this.told.push('pause'), resume: () => this.told.push('resume') };
  readonly served: number[] = [];

  constructor(waiting: number, batch = 64, isPolledAgain = false) {
    this.waiting = waiting;
    this.batch = batch;
    this.isPolledAgain = isPolledAgain;
  }

  get wantsTurn(): boolean {
    return this.waiting > 0;
  }

  step(packetLimit: number): number {
    const taken = Math.min(packetLimit, this.batch, this.waiting);
    this.waiting -= taken;
    this.served.push(taken);
    return taken;
  }
}

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

test('a source that is alone is served within its own callback', (t) => {
  const turns = new Turns();
  const source = new Source(100);
  turns.ready(source);
  t.is(source.waiting, 0);
});

test('a flood gets 256 packets a turn and the rest later', async (t) => {
  const turns = new Turns();
  const source = new Source(10_000);
  turns.ready(source);
  t.is(10_000 - source.waiting, TURN_PACKETS);
  for (let turn = 0; turn < 60 && source.waiting > 0; turn++) await immediate();
  t.is(source.waiting, 0);
});

test('between two immediates of the user there are never more than 256 packets, however many sources flood', async (t) => {
  const turns = new Turns();
  const sources = Array.from({ length: 16 }, () => new Source(2_000));
  for (const source of sources) turns.ready(source);
  const total = (): number => 16 * 2_000 - sum(sources.map((source) => source.waiting));
  let before = total();
  while (sources.some((source) => source.waiting > 0)) {
    for (const source of sources) turns.ready(source); // what a level-triggered poll does in every loop turn
    await immediate();
    t.true(total() - before <= TURN_PACKETS);
    before = total();
  }
});

test('waiting sources are served in turn, a batch each', async (t) => {
  const turns = new Turns();
  const sources = [new Source(1_000), new Source(1_000), new Source(1_000)];
  for (const source of sources) turns.ready(source);
  for (let turn = 0; turn < 4; turn++) await immediate();
  const served = sources.map((source) => sum(source.served));
  t.true(Math.max(...served) - Math.min(...served) <= TURN_PACKETS);
  t.true(Math.min(...served) > 0);
});

test('a source that is removed is not served again', async (t) => {
  const turns = new Turns();
  const source = new Source(10_000);
  turns.ready(source);
  turns.remove(source);
  const before = source.waiting;
  await immediate();
  await immediate();
  t.is(source.waiting, before);
});

test('a source that comes again has seen the event loop go round, and finds a new budget', (t) => {
  const turns = new Turns();
  const source = new Source(200);
  turns.ready(source);
  source.waiting = 200;
  turns.ready(source);
  t.is(source.waiting, 0);
});

test('sources of one poll phase share its budget, also when none of them waits', (t) => {
  const turns = new Turns();
  const first = new Source(200);
  const second = new Source(200);
  turns.ready(first);
  turns.ready(second);
  t.is(first.waiting, 0);
  t.is(second.waiting, 200 - (TURN_PACKETS - 200));
});

test('no immediate is scheduled for a source that is served whole', async (t) => {
  const turns = new Turns();
  const scheduled: unknown[] = [];
  const original = globalThis.setImmediate;
  globalThis.setImmediate = ((callback: () => void) => scheduled.push(callback)) as unknown as typeof setImmediate;
  try {
    turns.ready(new Source(100));
    t.is(scheduled.length, 0);
    turns.ready(new Source(10_000));
    t.is(scheduled.length, 1);
  } finally {
    globalThis.setImmediate = original;
  }
});

test('a source that is alone and polled again waits for the event loop, not in the queue', async (t) => {
  const turns = new Turns();
  const source = new Source(1_000, 64, true);
  for (const left of [744, 488, 232, 0]) {
    turns.ready(source); // the next poll phase: it is still readable
    t.is(source.waiting, left);
    await immediate();
    t.is(source.waiting, left);
  }
});

test('sources that are polled again share each turn when several flood', async (t) => {
  const turns = new Turns();
  const sources = [new Source(4_000, 64, true), new Source(4_000, 64, true), new Source(4_000, 64, true)];
  for (let turn = 0; turn < 12; turn++) {
    const before = sum(sources.map(({ waiting }) => waiting));
    for (const source of sources) turns.ready(source);
    await immediate();
    t.true(before - sum(sources.map(({ waiting }) => waiting)) <= TURN_PACKETS);
  }
  const served = sources.map((source) => sum(source.served));
  t.true(Math.max(...served) - Math.min(...served) <= TURN_PACKETS, String(served));
  t.true(Math.min(...served) > 0, String(served));
});

test('a source that the loop goes on calling while it waits is paused, and told again when it has nothing more', async (t) => {
  const turns = new Turns();
  const sources = [new Source(3_000), new Source(3_000)];
  for (const source of sources) turns.ready(source);
  for (let turn = 0; turn < 40; turn++) {
    for (const source of sources) if (source.told.at(-1) !== 'pause') turns.ready(source);
    await immediate();
  }
  for (const source of sources) {
    t.is(source.waiting, 0);
    t.deepEqual(source.told, ['pause', 'resume']);
  }
});

test('a source that is removed while it is paused is told again', async (t) => {
  const turns = new Turns();
  const source = new Source(10_000);
  for (let turn = 0; turn < 10; turn++) turns.ready(source);
  t.deepEqual(source.told, ['pause']);
  turns.remove(source);
  t.deepEqual(source.told, ['pause', 'resume']);
  await immediate();
});
