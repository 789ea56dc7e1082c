// A stack of your own on a file descriptor: an endpoint, a NIC, and a handler for each EtherType.
// Rights: none. A socket pair stands for the wire; put `openTap().fd` in its place for a real interface.

import { openFdBased, packets, Stack } from 'linkpoint';
import { ethernet } from 'linkpoint/header';
import { closeFd, socketPair } from 'linkpoint/native';
import { ethernetFrame } from 'linkpoint/testing';

const SHOUT = 0x88b5; // an EtherType for local experiments, IEEE 802
const [fd, peerFd] = socketPair();

const endpoint = await openFdBased({ fds: [fd], ethernetHeader: true, linkAddress: 0x0200_0000_0001 });
const stack = new Stack();
stack.setProtocolHandler(SHOUT, (nic, packet) => {
  const { bytes, networkOffset, end } = packet; // lent until this function returns; clone() keeps it
  for (let at = networkOffset; at < end; at++) bytes[at]! -= 0x20; // 'a' becomes 'A'
  packet.egress.remoteLinkAddress = ethernet.source(packet.view, packet.linkOffset);
  nic.writePacket(packet); // from the slot that it came in, without a copy
});
const nic = stack.createNic(1, endpoint);

// The neighbor: it asks once, and reads batches of copies.
const neighbor = await openFdBased({ fds: [peerFd], ethernetHeader: true });
const answers = packets(neighbor);
neighbor.writeRawPacket(ethernetFrame(Buffer.from('hello'), { destination: endpoint.linkAddress, etherType: SHOUT }));
const { value: [answer] = [] } = await answers.next();
console.log(`asked "hello", heard "${Buffer.from(answer!.copyNetworkBytes())}"`);
const { deliveredPackets, transmittedPackets } = nic.statistics.snapshot();
console.log(`${nic.name}: ${deliveredPackets} in, ${transmittedPackets} out`);

for (const each of [endpoint, neighbor]) each.close();
for (const each of [fd, peerFd]) closeFd(each); // the caller's, for `ownFds` was not set
