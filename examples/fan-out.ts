// One interface, two AF_PACKET sockets, a thread each: the kernel spreads flows over them by hash (PACKET_FANOUT).
// Rights: root, or `unshare -Urn`. The dispatcher is a module, fan-out-dispatcher.ts, that each worker imports.

import { setTimeout } from 'node:timers/promises';
import { createVeth, openFdBased, openPacketSocket } from 'linkpoint';
import { buildIpFrame, PROTOCOL_UDP } from 'linkpoint/header';
import { closeFd, createNetworkNamespace, runInNamespace, setInterfaceUp } from 'linkpoint/native';

const FLOWS = Array.from({ length: 64 }, (_, flow) => flow);
const namespace = createNetworkNamespace();
createVeth({ name: 'left', peerName: 'right', namespace });
runInNamespace(namespace, () => ['left', 'right'].forEach((name) => setInterfaceUp(name, true)));

const device = openPacketSocket({ interfaceName: 'right', namespace, queues: 2 });
const endpoint = await openFdBased({ fds: device.fds, run: 'worker', fanout: { mode: 'hash' } });
const seen = new Int32Array(new SharedArrayBuffer(2 * FLOWS.length * 4)); // packets by worker and flow
endpoint.attach({ module: new URL('./fan-out-dispatcher.js', import.meta.url), data: seen });

const sender = openPacketSocket({ interfaceName: 'left', namespace });
const link = await openFdBased({ fds: sender.fds });
const ends = { sourceLinkAddress: '02:00:00:00:00:01', destinationLinkAddress: '02:00:00:00:00:02' };
const addresses = { source: '192.0.2.1', destination: '192.0.2.2', protocol: PROTOCOL_UDP };
const frames = FLOWS.map((flow) => {
  const datagram = new Uint8Array([0x10, flow, 0, 7, 0, 8, 0, 0]); // ports 4096 + flow and 7, length 8, no payload
  return buildIpFrame({ ...ends, ...addresses }, datagram);
});
while (FLOWS.some((flow) => seen[flow]! + seen[FLOWS.length + flow]! < 16)) {
  for (const frame of frames) link.writeRawPacket(frame);
  await setTimeout(5); // the workers are starting, and a socket's queue is finite
}

const flowsOf = (worker: number): number[] => FLOWS.filter((flow) => seen[worker * FLOWS.length + flow]! > 0);
const both = flowsOf(0).filter((flow) => flowsOf(1).includes(flow));
console.log(`worker 0: ${flowsOf(0).length} flows, worker 1: ${flowsOf(1).length} flows, on both: ${both.length}`);

for (const each of [endpoint, link]) await each[Symbol.asyncDispose]();
for (const each of [device, sender]) each.close();
closeFd(namespace);
