/**
 * gVisor: a zero-length datagram, a runt or a frame for another station ends the receive loop, and an unknown IP version
 * loses the rest of its recvmmsg batch. Here each is a counter, and everything around it is delivered.
 */

import test from 'ava';

import { SOCK_DGRAM, SOCK_SEQPACKET } from '../../native/constants.ts';
import { attachRecorder, Recording } from './_recorder.ts';
import { assertInvariant, ipPacket, openRig, RUNS, SOCKET_MODES, until } from './_support.ts';

const OWN = 0x02_00_00_00_00_01;
const OTHER = 0x02_00_00_00_00_02;
const MTU = 200;

/** An Ethernet frame with `ipPacket(sequence)` behind its header. */
function etherFrame(sequence: number, destination: number, byteLength = 64): Uint8Array {
  const frame = new Uint8Array(14 + byteLength);
  const view = new DataView(frame.buffer);
  view.setUint16(0, Math.floor(destination / 0x1_0000_0000));
  view.setUint32(2, destination >>> 0);
  view.setUint16(12, 0x0800);
  frame.set(ipPacket(sequence, byteLength), 14);
  return frame;
}

const ETHERNET: [string, Uint8Array][] = [
  ['empty-datagram', new Uint8Array(0)],
  ['runt', new Uint8Array(1)],
  ['runt', new Uint8Array(14)],
  ['foreign-link-address', etherFrame(900, OTHER)],
  ['truncated', etherFrame(901, OWN, MTU + 1)],
];

const NO_HEADER: [string, Uint8Array][] = [
  ['empty-datagram', new Uint8Array(0)],
  ['unknown-protocol', new Uint8Array(40).fill(0x50)],
  ['unknown-protocol', new Uint8Array(1)],
  ['truncated', ipPacket(902, MTU + 1)],
];

/** | good 0 | bad 0 | good 1 | bad 1 | ... | good n |; the last has the longest length that is allowed */
function interleaved(
  bad: readonly Uint8Array[],
  good: (sequence: number, byteLength?: number) => Uint8Array,
): Uint8Array[] {
  return [...bad.flatMap((bytes, index) => [good(index), bytes]), good(bad.length, MTU)];
}

function expectedDrops(bad: readonly [string, Uint8Array][]): Record<string, number> {
  const drops: Record<string, number> = {};
  for (const [reason] of bad) drops[reason] = (drops[reason] ?? 0) + 1;
  return drops;
}

for (const run of RUNS) {
  for (const dispatchMode of SOCKET_MODES) {
    for (const [name, type] of [['SEQPACKET', SOCK_SEQPACKET], ['DGRAM', SOCK_DGRAM]] as const) {
      for (const ethernetHeader of [true, false]) {
        const link = ethernetHeader ? 'Ethernet' : 'no link header';
        test.serial(`row 2: ${run}, ${dispatchMode}, ${name}, ${link}: bad frames are counted, the rest is delivered`, async (t) => {
          const options = ethernetHeader ? { ethernetHeader, linkAddress: OWN } : { ethernetHeader };
          const { endpoint, reasons, peer } = await openRig(t, { run, dispatchMode, mtu: MTU, ...options }, type);
          const bad = ethernetHeader ? ETHERNET : NO_HEADER;
          const good = (sequence: number, byteLength = 64): Uint8Array =>
            ethernetHeader ? etherFrame(sequence, OWN, byteLength) : ipPacket(sequence, byteLength);
          const frames = interleaved(bad.map(([, bytes]) => bytes), good);
          const recording = new Recording();
          t.is(peer.send(frames), frames.length);
          attachRecorder(endpoint, run, recording);
          await until(() => recording.count === bad.length + 1, 'all good frames came');
          // The counters of the last batch are written when it is over, what was delivered last.
          await until(() => endpoint.statistics.get('deliveredPackets') === bad.length + 1, 'all frames are counted');
          t.is(endpoint.statistics.get('receivedPackets'), frames.length);
          t.deepEqual(recording.sequences, [...bad.keys(), bad.length]);
          t.like(endpoint.statistics.snapshot().drops, expectedDrops(bad));
          t.is(endpoint.statistics.inboundDrops, bad.length);
          assertInvariant(t, endpoint);
          t.is(peer.send([good(77)]), 1);
          await until(() => recording.sequences.at(-1) === 77, 'a later frame came');
          t.deepEqual(reasons, []);
        });
      }
    }
  }
}
