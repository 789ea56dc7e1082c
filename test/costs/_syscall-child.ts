/**
 * Receives a prefilled queue and writes it back, counting: for a run under strace -c. Prints one JSON line.
 *
 *     argv: mode (recvmmsg | readv), packets, run (inline | ring)
 */

import { openFdBased } from '../../link/fd-based.ts';
import type { RunMode } from '../../link/fd-based-options.ts';
import { SOCK_SEQPACKET } from '../../native/constants.ts';
import { socketPair } from '../../native/index.ts';
import { PacketList } from '../../stack/packet-list.ts';
import { ipPacket, Peer, until, upTo } from '../regression/_support.ts';

const [mode, countText, run] = process.argv.slice(2);
const count = Number(countText);
const [fd, peerFd] = socketPair(SOCK_SEQPACKET, { sendBufferBytes: 1 << 20 });
const endpoint = await openFdBased({ fds: [fd], run: run as RunMode, dispatchMode: mode as 'readv' | 'recvmmsg' });
const queued = new Peer(peerFd).send(upTo(count).map((sequence) => ipPacket(sequence)));
const list = new PacketList();
let delivered = 0;
endpoint.attach({
  deliverNetworkPacket(_protocol, packet) {
    list.push(packet);
    delivered++;
  },
  deliverBatchEnd() {
    endpoint.writePackets(list);
    list.clear();
  },
});
await until(() => delivered === queued, 'all came');
endpoint.close();
await endpoint.wait();
const { receiveSyscalls, transmitSyscalls, transmittedPackets, receivedPackets } = endpoint.statistics.snapshot();
process.stdout.write(`${JSON.stringify({ queued, receiveSyscalls, transmitSyscalls, transmittedPackets, receivedPackets })}\n`);
process.exit(0);
