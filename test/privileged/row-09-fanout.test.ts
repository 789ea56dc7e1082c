/**
 * gVisor gave every fan-out group one constant id, so that two endpoints of one namespace clashed, and knows the mode
 * hash only. Here ids are unique, and all modes are there.
 */

import test, { type ExecutionContext } from 'ava';

import type { FanoutOptions } from '../../dispatch/fanout.ts';
import type { RunMode } from '../../link/fd-based-options.ts';
import { type FdBasedEndpoint, openFdBased } from '../../link/fd-based.ts';
import { openPacketSocket } from '../../link/open-packet-socket.ts';
import { runInNamespace } from '../../native/index.ts';
import { attachRecorder, Recording } from '../regression/_recorder.ts';
import { assertInvariant, delay, Peer, RUNS, until, upTo } from '../regression/_support.ts';
import { makeNamespace, makeVeth } from './native-support.ts';

const ETH_P_IP = 0x0800;
const FLOWS = 64;
const PACKETS_PER_FLOW = 20;
const TOTAL = FLOWS * PACKETS_PER_FLOW;
/** Of 64 flows on 2 sockets, fewer on one than any fair hash would leave there once in a million runs. */
const FEW_FLOWS = 12;

/** struct sock_filter: | code u16 | jt u8 | jf u8 | k u32 |. Loads the UDP source port and returns it. */
const BY_SOURCE_PORT = new Uint8Array(new Uint32Array([0x28, 20, 0x16, 0]).buffer);

/** A UDP datagram of `flow`, whose number is the IPv4 identification, too. */
function flowFrame(flow: number): Uint8Array {
  const frame = new Uint8Array(64);
  const view = new DataView(frame.buffer);
  frame.fill(0xff, 0, 6);
  frame.set([2, 0, 0, 0, 0, 9, 0x08, 0x00, 0x45, 0, 0, 50], 6);
  view.setUint16(18, flow);
  frame.set([0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2], 20);
  view.setUint16(34, 10_000 + flow);
  view.setUint16(36, 53);
  view.setUint16(38, 30);
  return frame;
}

interface FanoutRig {
  readonly namespace: number;
  readonly sender: Peer;
}

function makeRig(t: ExecutionContext): FanoutRig {
  const namespace = makeNamespace(t);
  runInNamespace(namespace, makeVeth);
  const sender = openPacketSocket({ interfaceName: 'veth0', namespace, protocol: 0 });
  t.teardown(() => sender.close());
  return { namespace, sender: new Peer(sender.fd) };
}

async function openGroup(
  t: ExecutionContext,
  { namespace }: FanoutRig,
  fanout: FanoutOptions | undefined,
  run: RunMode,
): Promise<FdBasedEndpoint> {
  const device = openPacketSocket({ interfaceName: 'veth1', namespace, queues: 2, protocol: ETH_P_IP, bufferBytes: 4 << 20 });
  const endpoint = await openFdBased({ fds: device.fds, run, ...(fanout === undefined ? {} : { fanout }) });
  t.teardown(async () => {
    endpoint.close();
    await endpoint.wait();
    device.close();
  });
  return endpoint;
}

/** Interleaved: a packet of each flow, then of each again from the next on, so that round robin keeps no flow together. */
async function sendFlows({ sender }: FanoutRig): Promise<void> {
  await sender.sendAll(upTo(TOTAL).map((packet) => flowFrame((packet + Math.floor(packet / FLOWS)) % FLOWS)));
}

/** Which workers saw each flow. */
function workersByFlow({ sequences, workers }: Recording): Map<number, Set<number>> {
  const seen = new Map<number, Set<number>>();
  sequences.forEach((sequence, index) => {
    const flow = sequence >>> 16;
    seen.set(flow, (seen.get(flow) ?? new Set()).add(workers[index] as number));
  });
  return seen;
}

for (const fanout of [undefined, { mode: 'hash' }, { mode: 'cbpf', program: BY_SOURCE_PORT }] as const) {
  test.serial(`row 9: ${fanout?.mode ?? 'the default'} keeps each of ${FLOWS} flows on one worker, and uses both`, async (t) => {
    const rig = makeRig(t);
    const endpoint = await openGroup(t, rig, fanout, 'worker');
    const recording = new Recording();
    attachRecorder(endpoint, 'worker', recording);
    await sendFlows(rig);
    await until(() => recording.count === TOTAL, 'all came');
    const seen = workersByFlow(recording);
    t.is(seen.size, FLOWS);
    t.true([...seen.values()].every((workers) => workers.size === 1), 'a flow was seen by two workers');
    const first = [...seen.values()].filter((workers) => workers.has(0)).length;
    t.true(first >= FEW_FLOWS && first <= FLOWS - FEW_FLOWS, `${first} flows on worker 0`);
    await until(() => endpoint.statistics.get('deliveredPackets') === TOTAL, 'all are counted');
    assertInvariant(t, endpoint);
  });
}

test.serial('row 9: lb spreads each flow over both workers: the test of the flows can fail', async (t) => {
  const rig = makeRig(t);
  const endpoint = await openGroup(t, rig, { mode: 'lb' }, 'worker');
  const recording = new Recording();
  attachRecorder(endpoint, 'worker', recording);
  await sendFlows(rig);
  await until(() => recording.count === TOTAL, 'all came');
  t.true([...workersByFlow(recording).values()].every((workers) => workers.size === 2));
});

for (const mode of ['hash', 'lb', 'cpu', 'rollover', 'random', 'qm', 'cbpf'] as const) {
  for (const extra of [{}, { defrag: true, rollover: true }]) {
    const title = `mode ${mode}${'defrag' in extra ? ' with defrag and rollover' : ''}`;
    test.serial(`row 9: ${title} is accepted, and every frame comes once`, async (t) => {
      const rig = makeRig(t);
      const program = mode === 'cbpf' ? { program: BY_SOURCE_PORT } : {};
      const endpoint = await openGroup(t, rig, { mode, ...program, ...extra }, 'inline');
      const recording = new Recording();
      attachRecorder(endpoint, 'inline', recording);
      await sendFlows(rig);
      await until(() => recording.count >= TOTAL, 'all came');
      await delay(10);
      t.is(recording.count, TOTAL);
    });
  }
}

for (const run of RUNS) {
  test.serial(`row 9: ${run}: two endpoints of one interface have a group each, and both see every frame`, async (t) => {
    const rig = makeRig(t);
    const recordings = [new Recording(), new Recording()];
    for (const recording of recordings) attachRecorder(await openGroup(t, rig, undefined, run), run, recording);
    await sendFlows(rig);
    await until(() => recordings.every(({ count }) => count >= TOTAL), 'all came to both');
    await delay(10);
    t.deepEqual(recordings.map(({ count }) => count), [TOTAL, TOTAL]);
  });
}

for (const fanout of [undefined, { mode: 'cbpf', program: BY_SOURCE_PORT, defrag: true, rollover: true }] as const) {
  test.serial(`row 9: ${fanout?.mode ?? 'hash'}: sockets whose endpoint was closed can have another one, in the same group`, async (t) => {
    const rig = makeRig(t);
    const { namespace } = rig;
    const device = openPacketSocket({ interfaceName: 'veth1', namespace, queues: 2, protocol: ETH_P_IP });
    t.teardown(() => device.close());
    const open = (): Promise<FdBasedEndpoint> => openFdBased({ fds: device.fds, ...(fanout === undefined ? {} : { fanout }) });
    (await open()).close();
    const endpoint = await open();
    t.teardown(() => endpoint.close());
    const recording = new Recording();
    attachRecorder(endpoint, 'inline', recording);
    await sendFlows(rig);
    await until(() => recording.count >= TOTAL, 'all came');
    await delay(10);
    t.is(recording.count, TOTAL);
    endpoint.close();
    await t.throwsAsync(openFdBased({ fds: device.fds, fanout: { mode: 'lb' } }), { code: 'EALREADY' });
  });
}

test.serial('row 9: a mode without its program, or an unknown one, is a typed error that opens nothing', async (t) => {
  const rig = makeRig(t);
  const wrong: unknown[] = [{ mode: 'cbpf' }, { mode: 'ebpf' }, { mode: 'hash', program: BY_SOURCE_PORT }, { mode: 'fair' }];
  for (const fanout of wrong) {
    await t.throwsAsync(openGroup(t, rig, fanout as FanoutOptions, 'inline'), { code: 'ERR_INVALID_OPTION' });
  }
  await t.throwsAsync(openGroup(t, rig, { mode: 'ebpf', program: rig.sender.fd }, 'inline'), { code: 'EINVAL' });
});
