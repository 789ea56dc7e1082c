import test from 'ava';

import { Exchange, type ExchangePlan, SEGMENT_BYTES, SEGMENTS, type Sending } from '../../cli/demo-exchange.ts';
import { makeReport } from '../../cli/demo-report.ts';
import { planExchange } from '../../cli/demo-plan.ts';
import { OURS } from '../../cli/demo-addresses.ts';
import { LinkStatistics } from '../../stack/statistics.ts';

const PLAN: ExchangePlan = { count: 300, superSends: 3, maxBytes: 1472 };

/** The datagrams that the other side sees of a send. */
function datagrams(exchange: Exchange, { at, bytes, segmentBytes }: Sending): Uint8Array[] {
  const step = segmentBytes === 0 ? bytes : segmentBytes;
  const starts = Array.from({ length: bytes / step }, (_, index) => at + index * step);
  return starts.map((from) => exchange.pattern.slice(from, from + step));
}

/** Sends all that the window takes. */
function sendAll(exchange: Exchange): Uint8Array[] {
  const sent: Uint8Array[] = [];
  for (let sending = exchange.next(); sending !== null; sending = exchange.next()) {
    exchange.committed(sending);
    sent.push(...datagrams(exchange, sending));
  }
  return sent;
}

/** Runs to the end over a link that does `damage` to each window of datagrams. */
function runOver(damage: (window: Uint8Array[], turn: number) => Uint8Array[], plan: ExchangePlan = PLAN): Exchange {
  const exchange = new Exchange(plan);
  for (let turn = 0; !exchange.isDone; turn++) {
    const sent = sendAll(exchange);
    if (sent.length === 0) break; // the window is full of what was lost
    for (const answer of damage(sent, turn)) exchange.answer(answer);
  }
  return exchange;
}

test('a faithful link makes every answer right', (t) => {
  const exchange = runOver((window) => window);
  t.true(exchange.isDone);
  const total = PLAN.count + PLAN.superSends * SEGMENTS;
  t.like(exchange.result(), { datagrams: total, right: total, wrong: 0, missing: 0, superSends: 3 });
});

test('order is not asked for', (t) => {
  t.like(runOver((window) => window.reverse()).result(), { wrong: 0, missing: 0 });
});

test('one corrupted byte is one wrong answer and one missing', (t) => {
  const exchange = runOver((window, turn) => {
    if (turn === 2) window[5]![window[5]!.length - 1]! ^= 1;
    return window;
  });
  t.like(exchange.result(), { wrong: 1, missing: 1 });
});

test('a lost datagram is missing', (t) => {
  t.like(runOver((window, turn) => (turn === 1 ? window.slice(1) : window)).result(), { wrong: 0, missing: 1 });
});

test('a datagram that comes twice is wrong once', (t) => {
  const exchange = runOver((window, turn) => (turn === 1 ? [...window, window.at(-1)!] : window));
  t.like(exchange.result(), { wrong: 1, missing: 0 });
});

test('a truncated datagram is wrong', (t) => {
  const exchange = runOver((window, turn) => (turn === 1 ? [window[0]!.subarray(1), ...window.slice(1)] : window));
  t.like(exchange.result(), { wrong: 1, missing: 1 });
});

test('at most 64 KiB and 64 datagrams are unanswered', (t) => {
  const exchange = new Exchange(PLAN);
  while (!exchange.isDone) {
    const sent = sendAll(exchange);
    t.true(sent.length <= 64);
    t.true(sent.reduce((sum, { byteLength }) => sum + byteLength, 0) <= 64 * 1024);
    for (const answer of sent) exchange.answer(answer);
  }
});

test('sizes run through all of 1 to the longest', (t) => {
  const sizes = new Set<number>();
  runOver((window) => {
    for (const { byteLength } of window) sizes.add(byteLength);
    return window;
  }, { count: 1472, superSends: 0, maxBytes: 1472 });
  t.is(sizes.size, 1472);
  t.is(Math.min(...sizes), 1);
  t.is(Math.max(...sizes), 1472);
});

test('a super-send is 40 segments of 1,200 bytes', (t) => {
  const exchange = new Exchange({ count: 1, superSends: 1, maxBytes: 10 });
  const sending = exchange.next()!;
  t.like(sending, { bytes: 48_000, segmentBytes: SEGMENT_BYTES });
});

test('round trips are told by their median and 99th percentile', (t) => {
  let now = 0;
  const exchange = new Exchange({ count: 100, superSends: 0, maxBytes: 1472 }, () => now);
  for (let index = 1; index <= 100; index++) {
    const sending = exchange.next()!;
    exchange.committed(sending);
    now += index;
    exchange.answer(datagrams(exchange, sending)[0]!);
  }
  t.like(exchange.result(), { roundTripP50: 50_000, roundTripP99: 99_000 });
});

test('half of the datagrams go to each family, as long as the MTU of 1,500 allows', (t) => {
  t.deepEqual(planExchange(20_000, OURS.ipv4), { count: 10_000, superSends: 50, maxBytes: 1472 });
  t.deepEqual(planExchange(20_000, OURS.ipv6), { count: 10_000, superSends: 50, maxBytes: 1452 });
});

const GOOD = {
  device: { tier: 'tap', name: 'tap0', offloads: true, refused: [] },
  probes: [{ address: '192.0.2.2', tool: 'ping', sent: 3, received: 3 }],
  exchanges: [{ address: '192.0.2.2', ...runOver((window) => window).result() }],
  statistics: { ...new LinkStatistics(1).snapshot(), receivedSuperPackets: 3, transmittedSuperPackets: 3 },
  lostAnswers: 0,
} as const;

test('a report is good when every echo came back', (t) => {
  t.like(makeReport(GOOD), { ok: true, failures: [] });
});

const lossy = runOver((window, turn) => (turn === 1 ? window.slice(1) : window)).result();
const corrupted = runOver((window) => window.map((bytes) => bytes.map((byte) => byte ^ 1))).result();
const cases = {
  'an echo request was not answered': { ...GOOD, probes: [{ ...GOOD.probes[0], received: 2 }] },
  'a datagram was not echoed': { ...GOOD, exchanges: [{ address: '192.0.2.2', ...lossy }] },
  'an echo was wrong': { ...GOOD, exchanges: [{ address: '192.0.2.2', ...corrupted }] },
  'no super-packet was received': { ...GOOD, statistics: { ...GOOD.statistics, receivedSuperPackets: 0 } },
  'no super-packet was sent': { ...GOOD, statistics: { ...GOOD.statistics, transmittedSuperPackets: 0 } },
};
for (const [what, findings] of Object.entries(cases)) {
  test(`a report is bad when ${what}`, (t) => {
    const report = makeReport(findings);
    t.false(report.ok);
    t.true(report.failures.length > 0);
  });
}

test('without offloads no super-packet is asked for', (t) => {
  const device = { ...GOOD.device, offloads: false };
  t.true(makeReport({ ...GOOD, device, statistics: { ...GOOD.statistics, receivedSuperPackets: 0 } }).ok);
});
