// A host that exists only here: a TAP in a namespace of its own, ARP and ICMP echo answered in place, and pinged.
// Rights: root, or `unshare -Urn` with access to /dev/net/tun. Uses ping.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ETHERTYPE_ARP, ETHERTYPE_IPV4, openFdBased, openTap, parseIpv4, PROTOCOL_ICMPV4, Stack } from 'linkpoint';
import { arp, ethernet, icmpv4, ipv4 } from 'linkpoint/header';
import { addIpv4Address, closeFd, createNetworkNamespace, runInNamespace, setInterfaceUp } from 'linkpoint/native';

const ADDRESS = parseIpv4('192.0.2.2');
const namespace = createNetworkNamespace();
const tap = openTap({ namespace });
runInNamespace(namespace, () => {
  addIpv4Address(tap.name, parseIpv4('192.0.2.1'), 24);
  setInterfaceUp(tap.name, true);
});

const endpoint = await openFdBased({ fds: tap.fds, linkAddress: 0x0200_0000_0002 });
const stack = new Stack();
stack.setProtocolHandler(ETHERTYPE_ARP, (nic, packet) => {
  const { view, networkOffset: at, end } = packet;
  if (!arp.isValid(view, at, end) || arp.targetAddress(view, at) !== ADDRESS) return;
  packet.egress.remoteLinkAddress = arp.senderLinkAddress(view, at);
  arp.replyInPlace(view, at, endpoint.linkAddress);
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
stack.createNic(1, endpoint);
const ping = runInNamespace(namespace, () => spawn('ping', ['-c3', '-i0.2', '192.0.2.2'], { stdio: 'inherit' }));
[process.exitCode] = await once(ping, 'exit');
for (const each of [endpoint, tap]) each.close();
closeFd(namespace);
