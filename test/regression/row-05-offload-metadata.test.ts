/**
 * gVisor throws the virtio-net header of an incoming frame away. Here it is metadata of the packet: sent back as it came,
 * packet by packet. Between devices of the kernel: test/privileged.
 */

import test from 'ava';

import { read } from '../../native/index.ts';
import { allocatePinned, freePinned } from '../../native/index.ts';
import { attachEcho } from './_echo.ts';
import { assertInvariant, ipPacket, openRig, RUNS, until } from './_support.ts';

const TCP = 6;
const UDP = 17;

/** | virtio-net header: flags, type, four little-endian words | IPv4 header | transport header and payload of `fill` | */
function vnetPacket(header: readonly number[], protocol: number, byteLength: number, vnetBytes: number): Uint8Array {
  const bytes = new Uint8Array(vnetBytes + byteLength);
  const view = new DataView(bytes.buffer);
  bytes.set(ipPacket(byteLength, byteLength), vnetBytes);
  bytes.set(header.slice(0, 2));
  header.slice(2).forEach((word, index) => view.setUint16(2 + index * 2, word, true));
  bytes[vnetBytes + 9] = protocol;
  if (protocol === TCP) bytes[vnetBytes + 20 + 12] = 0x50;
  return bytes;
}

const packets = (vnetBytes: number): Uint8Array[] => [
  vnetPacket([1, 1, 40, 1448, 20, 16], TCP, 9_000, vnetBytes), // TCP super-packet
  vnetPacket([0, 0, 0, 0, 0, 0], UDP, 60, vnetBytes), // nothing known
  vnetPacket([1, 0, 0, 0, 20, 6], UDP, 100, vnetBytes), // partial checksum
  vnetPacket([1, 0x81, 40, 1000, 20, 16], TCP, 5_000, vnetBytes), // TCP super-packet with ECN
  vnetPacket([2, 0, 0, 0, 0, 0], TCP, 80, vnetBytes), // validated
  vnetPacket([1, 5, 28, 1200, 20, 6], UDP, 6_000, vnetBytes), // UDP super-packet
  vnetPacket([0, 0, 0, 0, 0, 0], TCP, 61, vnetBytes), // nothing known, behind one of which much was
];

function receiveAll(fd: number, count: number): Uint8Array[] {
  const memory = allocatePinned(70_000);
  const received: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    const length = read(fd, memory.address, memory.bytes.length);
    if (length >= 0) received.push(memory.bytes.slice(0, length));
  }
  freePinned(memory);
  return received;
}

for (const run of RUNS) {
  for (const vnetHeaderBytes of [10, 12] as const) {
    test.serial(`row 5: ${run}: a virtio-net header of ${vnetHeaderBytes} bytes goes back as it came, packet by packet`, async (t) => {
      const { endpoint, peer } = await openRig(t, { run, vnetHeaderBytes, batch: 8 });
      const sent = packets(vnetHeaderBytes);
      attachEcho(endpoint, run);
      t.is(peer.send(sent), sent.length);
      await until(() => endpoint.statistics.get('transmittedPackets') === sent.length, 'all were written');
      await until(() => endpoint.statistics.get('deliveredPackets') === sent.length, 'all are counted');
      t.deepEqual(receiveAll(peer.fd, sent.length), sent);
      // The other way round: each slot has had a packet of another kind before.
      const again = [...sent].reverse();
      t.is(peer.send(again), again.length);
      await until(() => endpoint.statistics.get('deliveredPackets') === 2 * sent.length, 'all came again');
      t.deepEqual(receiveAll(peer.fd, sent.length), again);
      t.is(endpoint.statistics.get('receivedSuperPackets'), 6);
      t.is(endpoint.statistics.get('transmittedSuperPackets'), 6);
      assertInvariant(t, endpoint);
    });
  }
}
