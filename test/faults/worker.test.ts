/** Workers that die, dispatchers that cannot be made, and stops that come too early. */

import test, { type ExecutionContext } from 'ava';

import type { ClosedReason } from '../../stack/link-endpoint.ts';
import { type FdBasedEndpoint, openFdBased } from '../../link/fd-based.ts';
import { closeFd, pinnedCount, socketPair } from '../../native/index.ts';
import { fdCount } from '../native/_support.ts';
import { attachRecorder, Recording } from '../regression/_recorder.ts';
import { assertInvariant, delay, ipPacket, openRig, Peer, type Rig, until, upTo } from '../regression/_support.ts';

const BAD_MODULE = new URL('./_bad-module.js', import.meta.url);

interface BadRig extends Rig {
  readonly words: Int32Array;
}

async function attachBad(t: ExecutionContext, how: string): Promise<BadRig> {
  const rig = await openRig(t, { run: 'worker' });
  const shared = new SharedArrayBuffer(16);
  rig.endpoint.attach({ module: BAD_MODULE, data: { how, shared } });
  return { ...rig, words: new Int32Array(shared) };
}

async function onlyReason({ endpoint, reasons }: Rig): Promise<ClosedReason> {
  await until(() => reasons.length > 0, 'closed');
  await endpoint.wait();
  await delay(30);
  if (reasons.length !== 1) throw new Error(`closed fired ${reasons.length} times`);
  return reasons[0] as ClosedReason;
}

test.serial('a worker that calls process.exit() while it delivers is closed("error"), once', async (t) => {
  const rig = await openRig(t, { run: 'worker' });
  const recording = new Recording();
  attachRecorder(rig.endpoint, 'worker', { shared: recording.shared, at: 3, action: 'exit' });
  t.is(rig.peer.send(upTo(10).map((sequence) => ipPacket(sequence))), 10);
  const { kind, error, fd } = await onlyReason(rig);
  t.is(kind, 'error');
  t.is(fd, rig.fd);
  t.regex(error?.message ?? '', /exited with code: 3/);
  t.throws(() => attachRecorder(rig.endpoint, 'worker', recording), { code: 'ERR_LINK_CLOSED' });
});

for (const [how, message, code] of [
  ['rejects', /no dispatcher today/, undefined],
  ['throws', /no dispatcher at all/, 'ERR_OF_MINE'],
  ['exits', /exited with code: 3/, undefined],
] as const) {
  test.serial(`a factory that ${how} is closed("error") with its own message and code`, async (t) => {
    const reason = await onlyReason(await attachBad(t, how));
    t.is(reason.kind, 'error');
    t.regex(reason.error?.message ?? '', message);
    t.is((reason.error as NodeJS.ErrnoException).code, code);
  });
}

for (const [module, message] of [
  [new URL('./_missing.js', import.meta.url), /Cannot find module.*_missing\.js/],
  [new URL('./_no-default.js', import.meta.url), /_no-default\.js": it has no default export; export createDispatcher/],
] as const) {
  test.serial(`a module such as ${module.pathname.split('/').at(-1)} is closed("error") and named`, async (t) => {
    const rig = await openRig(t, { run: 'worker' });
    rig.endpoint.attach({ module });
    const { kind, error } = await onlyReason(rig);
    t.is(kind, 'error');
    t.regex(error?.message ?? '', message);
  });
}

for (const run of ['ring', 'worker'] as const) {
  test.serial(`${run}: a detach while the workers are still starting takes effect, and the endpoint can be attached again`, async (t) => {
    const rig = await openRig(t, { run });
    const recording = new Recording();
    for (let attempt = 0; attempt < 5; attempt++) {
      attachRecorder(rig.endpoint, run, recording);
      await delay(attempt * 10);
      rig.endpoint.attach(null);
      await rig.endpoint.wait();
    }
    t.is(rig.reasons.length, 5);
    t.is(recording.count, 0);
    attachRecorder(rig.endpoint, run, recording);
    rig.peer.send([ipPacket(1)]);
    await until(() => recording.count === 1, 'a packet came');
    assertInvariant(t, rig.endpoint);
  });

  test.serial(`${run}: so does close()`, async (t) => {
    const rig = await openRig(t, { run });
    attachRecorder(rig.endpoint, run, new Recording());
    rig.endpoint.close();
    await rig.endpoint.wait();
    await delay(50);
    t.deepEqual(rig.reasons, [{ kind: 'detached', fd: -1 }]);
  });
}

for (const how of ['slow', 'never'] as const) {
  test.serial(`a detach does not wait for a factory that is ${how}, which hears of it by its signal`, async (t) => {
    const rig = await attachBad(t, how);
    await until(() => Atomics.load(rig.words, 0) === 1, 'the factory runs');
    rig.peer.send([ipPacket(1)]);
    const began = performance.now();
    rig.endpoint.attach(null);
    await rig.endpoint.wait();
    t.true(performance.now() - began < 200, 'the stop waited for the factory');
    t.is(Atomics.load(rig.words, 1), 1);
    const recording = new Recording();
    attachRecorder(rig.endpoint, 'worker', recording);
    await until(() => recording.count === 1, 'the packet waited for the next attachment');
    await delay(350);
    t.is(Atomics.load(rig.words, 2), 0, 'a dispatcher that came too late got a packet');
    t.deepEqual(rig.reasons.map(({ kind }) => kind), ['detached']);
  });
}

interface PairRig {
  readonly endpoint: FdBasedEndpoint;
  readonly reasons: ClosedReason[];
  readonly fds: readonly number[];
  readonly peers: readonly Peer[];
}

/** Two workers with one dispatcher module. */
async function openPairRig(t: ExecutionContext): Promise<PairRig> {
  const pairs = [socketPair(), socketPair()];
  const fds = pairs.map(([fd]) => fd);
  const peers = pairs.map(([, peer]) => new Peer(peer));
  const reasons: ClosedReason[] = [];
  const endpoint = await openFdBased({ fds, run: 'worker', closed: (reason) => reasons.push(reason) });
  t.teardown(async () => {
    endpoint.close();
    await endpoint.wait();
    fds.forEach((fd) => closeFd(fd));
    peers.forEach((peer) => peer.close());
  });
  return { endpoint, reasons, fds, peers };
}

test.serial('a hang-up does not wait for the factory of another worker', async (t) => {
  const { endpoint, reasons, fds, peers } = await openPairRig(t);
  const shared = new SharedArrayBuffer(16);
  endpoint.attach({ module: BAD_MODULE, data: { how: 'second-never', shared } });
  await until(() => Atomics.load(new Int32Array(shared), 0) === 2, 'both factories run');
  peers[0]?.close();
  await until(() => reasons.length > 0, 'closed');
  await endpoint.wait();
  t.deepEqual(reasons, [{ kind: 'hangup', fd: fds[0] as number }]);
});

test.serial('a dispatcher that detaches in its worker does not end the attachment after its own', async (t) => {
  const { endpoint, reasons, peers } = await openPairRig(t);
  const shared = new SharedArrayBuffer(16);
  endpoint.attach({ module: BAD_MODULE, data: { how: 'first-detaches', shared } });
  await until(() => Atomics.load(new Int32Array(shared), 0) === 2, 'both factories run');
  await delay(50);
  for (const peer of [...peers].reverse()) peer.send([ipPacket(1)]);
  await delay(100); // one worker has left, the other is in the middle of a delivery
  t.deepEqual(reasons, []);
  endpoint.attach(null);
  const recording = new Recording();
  attachRecorder(endpoint, 'worker', recording);
  await delay(600);
  peers[0]?.send([ipPacket(2)]);
  await until(() => recording.count === 1, 'the next dispatcher got a packet');
  t.is(reasons.length, 1);
});

test.serial('dispatchers that throw, one after the other, leave nothing behind', async (t) => {
  const once = async (run: 'inline' | 'ring' | 'worker'): Promise<void> => {
    const rig = await openRig(t, { run });
    attachRecorder(rig.endpoint, run, { shared: new Recording(8).shared, at: 1, action: 'throw' });
    rig.peer.send([ipPacket(1)]);
    t.is((await onlyReason(rig)).kind, 'error');
    rig.peer.close();
  };
  for (const run of ['inline', 'ring', 'worker'] as const) {
    await once(run);
    await delay(100);
    const [fds, pins] = [fdCount(), pinnedCount()];
    for (let round = 0; round < 8; round++) await once(run);
    // The rig's own descriptor is closed with the test: one a round.
    await until(() => fdCount() <= fds + 8, `${run}: the descriptors are closed`);
    t.is(pinnedCount(), pins);
  }
});
