// The veth of a sandbox, driven by a stack: the model tcfilter joins it to a TAP, stackSink opens an endpoint on it.
// Rights: root, or `unshare -Urn` with access to /dev/net/tun. Uses ping.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ETHERTYPE_ARP, ETHERTYPE_IPV4, parseIpv4, PROTOCOL_ICMPV4, Stack } from 'linkpoint';
import { arp, ethernet, icmpv4, ipv4 } from 'linkpoint/header';
import { createNetNamespace, SandboxNetwork, stackSink } from 'linkpoint/sandbox';

await using sandbox = await createNetNamespace();
await using outside = await createNetNamespace();
await using inner = await sandbox.rtnl();
await using outer = await outside.rtnl();
inner.links.add({ kind: 'veth', name: 'eth0', up: true, peer: { name: 'peer0', namespace: outside.fd } });
inner.addresses.add('eth0', { address: '192.0.2.2/24' });
outer.links.set('peer0', { up: true });
outer.addresses.add('peer0', { address: '192.0.2.1/24' });

const stack = new Stack();
stack.setProtocolHandler(ETHERTYPE_ARP, (nic, packet) => {
  const { view, networkOffset: at, end } = packet;
  if (!arp.isValid(view, at, end) || arp.targetAddress(view, at) !== parseIpv4('192.0.2.2')) return;
  packet.egress.remoteLinkAddress = arp.senderLinkAddress(view, at);
  arp.replyInPlace(view, at, nic.endpoint.linkAddress);
  nic.writePacket(packet);
});
stack.setProtocolHandler(ETHERTYPE_IPV4, (nic, packet) => {
  const { view, networkOffset: at, end } = packet;
  const isIcmp = ipv4.isValid(view, at, end) && ipv4.protocol(view, at) === PROTOCOL_ICMPV4;
  if (!isIcmp || icmpv4.type(view, ipv4.payloadAt(view, at)) !== icmpv4.TYPE_ECHO_REQUEST) return;
  icmpv4.echoReplyInPlace(view, ipv4.payloadAt(view, at));
  ipv4.swapAddresses(view, at);
  packet.egress.remoteLinkAddress = ethernet.source(view, packet.linkOffset);
  nic.writePacket(packet);
});

await using network = await SandboxNetwork.create({ namespace: sandbox, model: 'tcfilter', queues: 2 });
await network.add(stackSink({ dispatcher: (endpoint) => stack.createNic(1, endpoint) })); // scans, and attaches
const ping = outside.runSync(() => spawn('ping', ['-c3', '-i0.2', '192.0.2.2'], { stdio: 'inherit' }));
[process.exitCode] = await once(ping, 'exit');
