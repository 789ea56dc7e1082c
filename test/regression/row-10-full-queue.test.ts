/**
 * gVisor drops what a full queue does not take, without a word. Here the accepted count is short, a counter says so, and
 * `drain` fires once when it is worth going on.
 */

import test from 'ava';

import { type FdBasedEndpoint, openFdBased } from '../../link/fd-based.ts';
import { SOCK_DGRAM, SOCK_SEQPACKET } from '../../native/constants.ts';
import type { PacketBuffer } from '../../stack/packet-buffer.ts';
import { PacketList } from '../../stack/packet-list.ts';
import { attachRecorder, Recording } from './_recorder.ts';
import { delay, ipPacket, openRig, RUNS, until, upTo } from './_support.ts';

/** More than a socket pair holds (about 270 on a usual host, 10 of a DGRAM pair). */
const TOTAL = 1_000;

function allocateAll(endpoint: FdBasedEndpoint, sequences: readonly number[]): PacketList {
  const list = new PacketList();
  for (const sequence of sequences) {
    const packet = endpoint.allocate(64) as PacketBuffer;
    list.push(packet.fill(ipPacket(sequence)));
  }
  return list;
}

for (const run of RUNS) {
  for (const [name, type] of [['SEQPACKET', SOCK_SEQPACKET], ['DGRAM', SOCK_DGRAM]] as const) {
    test.serial(`row 10: ${run}, ${name}: a full queue is a short count, a counter and one drain; nothing is lost`, async (t) => {
      const rig = await openRig(t, { run, transmitSlots: TOTAL }, type);
      attachRecorder(rig.endpoint, run, new Recording());
      const receiver = await openFdBased({ fds: [rig.peer.fd] });
      t.teardown(() => receiver.close());
      const recording = new Recording();
      let drains = 0;
      rig.endpoint.on('drain', () => drains++);

      const list = allocateAll(rig.endpoint, upTo(TOTAL));
      let written = rig.endpoint.writePackets(list);
      t.true(written > 0 && written < TOTAL, `${written} accepted`);
      t.is(rig.endpoint.statistics.get('shortWrites'), 1);
      t.is(rig.endpoint.statistics.get('transmittedPackets'), written);
      list.dropFirst(written);
      t.is(rig.endpoint.writePackets(list), 0);
      t.is(rig.endpoint.statistics.get('shortWrites'), 2);
      await delay(50);
      t.is(drains, 0, 'drain while the queue is full');

      attachRecorder(receiver, 'inline', recording);
      await until(() => recording.count === written, 'what was accepted came');
      await until(() => drains > 0, 'drain');
      await delay(20);
      t.is(drains, 1);
      while (written < TOTAL) {
        const accepted = rig.endpoint.writePackets(list);
        written += accepted;
        list.dropFirst(accepted);
        await delay(1);
      }
      await until(() => recording.count === TOTAL, 'the rest came');
      t.deepEqual(recording.sequences, upTo(TOTAL));
      t.is(rig.endpoint.statistics.get('transmittedPackets'), TOTAL);
      t.is(rig.endpoint.statistics.get('transmitCopies'), 0);
    });
  }

  test.serial(`row 10: ${run}: an endpoint that is closed while it waits for room fires no drain`, async (t) => {
    const rig = await openRig(t, { run, transmitSlots: TOTAL });
    let drains = 0;
    rig.endpoint.on('drain', () => drains++);
    const list = allocateAll(rig.endpoint, upTo(TOTAL));
    t.true(rig.endpoint.writePackets(list) < TOTAL);
    rig.endpoint.close();
    rig.peer.close();
    await delay(30);
    t.is(drains, 0);
    t.throws(() => rig.endpoint.writePackets(list), { code: 'ERR_LINK_CLOSED' });
  });
}
