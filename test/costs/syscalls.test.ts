/** System calls, copies and wake-ups by exact count, and the counters against what strace(1) saw of the same run. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import test from 'ava';

import { openFdBased } from '../../link/fd-based.ts';
import { SOCK_SEQPACKET } from '../../native/constants.ts';
import { closeFd, socketPair } from '../../native/index.ts';
import type { PacketBuffer } from '../../stack/packet-buffer.ts';
import { PacketList } from '../../stack/packet-list.ts';
import { attachRecorder, Recording } from '../regression/_recorder.ts';
import { ipPacket, openRig, Peer, RUNS, until, upTo } from '../regression/_support.ts';

/** Ten full batches. */
const QUEUED = 640;
const BATCH = 64;

for (const [dispatchMode, expected] of [['recvmmsg', QUEUED / BATCH], ['readv', QUEUED]] as const) {
  test.serial(`inline, ${dispatchMode}: ${QUEUED} queued frames take ${expected} system calls, and one to see that there are no more`, async (t) => {
    const [fd, peerFd] = socketPair(SOCK_SEQPACKET, { sendBufferBytes: 1 << 20 });
    const endpoint = await openFdBased({ fds: [fd], dispatchMode, batch: BATCH });
    t.teardown(() => {
      endpoint.close();
      [fd, peerFd].forEach(closeFd);
    });
    t.is(new Peer(peerFd).send(upTo(QUEUED).map((sequence) => ipPacket(sequence))), QUEUED);
    const recording = new Recording();
    attachRecorder(endpoint, 'inline', recording);
    await until(() => recording.count === QUEUED, 'all came');
    await until(() => endpoint.statistics.get('receiveSyscalls') > expected, 'it has seen that there are no more');
    t.is(endpoint.statistics.get('receivedPackets'), QUEUED);
    const { receiveSyscalls, wakeups, batchSizes } = endpoint.statistics.snapshot();
    t.is(receiveSyscalls, expected + 1);
    t.deepEqual(batchSizes, upTo(10).map((bucket) => (bucket === 6 ? QUEUED / BATCH : 0)), 'all batches had 33 to 64 frames');
    // The fd is polled once a turn; 640 frames are three turns' work, and one more may be under way.
    t.true(wakeups >= 1 && wakeups <= 5, `${wakeups} wake-ups`);
  });
}

test.serial('ring: a consumer that is busy is not woken for every batch', async (t) => {
  const [fd, peerFd] = socketPair(SOCK_SEQPACKET, { sendBufferBytes: 1 << 20 });
  const endpoint = await openFdBased({ fds: [fd], run: 'ring', batch: 8 });
  t.teardown(async () => {
    endpoint.close();
    await endpoint.wait();
    [fd, peerFd].forEach(closeFd);
  });
  t.is(new Peer(peerFd).send(upTo(QUEUED).map((sequence) => ipPacket(sequence))), QUEUED);
  const recording = new Recording();
  attachRecorder(endpoint, 'ring', recording);
  await until(() => recording.count === QUEUED, 'all came');
  await until(() => endpoint.statistics.get('receivedPackets') === QUEUED, 'all are counted');
  const { receiveSyscalls, wakeups } = endpoint.statistics.snapshot();
  t.true(receiveSyscalls >= QUEUED / 8 && receiveSyscalls <= QUEUED / 8 + 2, `${receiveSyscalls} system calls`);
  t.true(wakeups <= 2, `the worker was woken ${wakeups} times for a queue that was full from the start`);
});

for (const run of RUNS) {
  test.serial(`${run}: packets of the endpoint's own memory are sent without a copy, others with one`, async (t) => {
    const { endpoint } = await openRig(t, { run });
    const list = PacketList.of(...upTo(10).map((sequence) => (endpoint.allocate(64) as PacketBuffer).fill(ipPacket(sequence))));
    t.is(endpoint.writePackets(list), 10);
    t.is(endpoint.statistics.get('transmitCopies'), 0);
    t.is(endpoint.statistics.get('transmitSyscalls'), 1);
    t.true(endpoint.writeRawPacket(ipPacket(11)));
    t.is(endpoint.statistics.get('transmitCopies'), 1);
    const clones = PacketList.of(...[...list].map((packet) => packet.clone()));
    t.is(endpoint.writePackets(clones), 10);
    t.is(endpoint.statistics.get('transmitCopies'), 11);
  });
}

for (const run of ['inline', 'ring'] as const) {
  test.serial(`${run}: lent packets are forwarded to another endpoint without a copy, a system call a batch`, async (t) => {
    const from = await openRig(t, { run, batch: 16 });
    const to = await openRig(t, {});
    const list = new PacketList();
    from.endpoint.attach({
      deliverNetworkPacket: (_protocol, packet) => list.push(packet),
      deliverBatchEnd() {
        to.endpoint.writePackets(list);
        list.clear();
      },
    });
    t.is(from.peer.send(upTo(160).map((sequence) => ipPacket(sequence))), 160);
    await until(() => to.endpoint.statistics.get('transmittedPackets') === 160, 'all were forwarded');
    t.is(to.endpoint.statistics.get('transmitCopies'), 0);
    if (run === 'inline') t.is(to.endpoint.statistics.get('transmitSyscalls'), 10);
  });
}

/** Calls of each name, from the table of `strace -c`. */
function parseTable(table: string): Map<string, number> {
  // | % time | seconds | usecs/call | calls | errors, or nothing | syscall |
  const rows = table.split('\n').map((line) => line.trim().split(/\s+/));
  return new Map(rows.filter((row) => row.length >= 5).map((row) => [row.at(-1) as string, Number(row[3])]));
}

for (const run of ['inline', 'ring'] as const) {
  for (const dispatchMode of ['recvmmsg', 'readv'] as const) {
    test.serial(`${run}, ${dispatchMode}: the counters of system calls are what strace counts`, (t) => {
      const directory = mkdtempSync(join(tmpdir(), 'linkpoint-'));
      t.teardown(() => rmSync(directory, { recursive: true }));
      const tableOf = (count: number): { calls: Map<string, number>; told: Record<string, number> } => {
        const output = join(directory, `table-${count}`);
        const child = fileURLToPath(new URL('_syscall-child.js', import.meta.url));
        const strace = ['-f', '-c', '-e', 'trace=recvmmsg,read,sendmmsg', '-o', output];
        const ran = spawnSync('strace', [...strace, process.execPath, child, dispatchMode, String(count), run], { encoding: 'utf8' });
        if (ran.error !== undefined) throw new Error('Cannot trace: there is no strace; run scripts/setup');
        t.is(ran.status, 0, ran.stderr);
        return { calls: parseTable(readFileSync(output, 'utf8')), told: JSON.parse(ran.stdout) as Record<string, number> };
      };
      const { calls, told } = tableOf(QUEUED);
      t.is(told['queued'], QUEUED);
      t.is(told['receivedPackets'], QUEUED);
      t.is(told['transmittedPackets'], QUEUED);
      // What filled the queue used sendmmsg, too: ten batches of 64.
      t.is(calls.get('sendmmsg'), (told['transmitSyscalls'] as number) + QUEUED / BATCH);
      if (dispatchMode === 'recvmmsg') {
        t.is(calls.get('recvmmsg'), told['receiveSyscalls']);
      } else {
        // Node itself reads files and eventfds: a run with fewer frames tells how many of its calls are ours. How many
        // of its own there are differs from run to run, so one pair of runs of three must agree.
        const pairs: string[] = [];
        let agrees = false;
        for (let attempt = 0; attempt < 3 && !agrees; attempt++) {
          const more = attempt === 0 ? { calls, told } : tableOf(QUEUED);
          const fewer = tableOf(QUEUED - 400);
          const counted = (more.told['receiveSyscalls'] as number) - (fewer.told['receiveSyscalls'] as number);
          const traced = (more.calls.get('read') as number) - (fewer.calls.get('read') as number);
          pairs.push(`${traced} traced, ${counted} counted`);
          agrees = Math.abs(traced - counted) <= 40;
        }
        t.true(agrees, pairs.join('; '));
      }
    });
  }
}
