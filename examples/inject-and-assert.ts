// A unit test of network code: inject a packet, read the answer, assert.
// Rights: none, on any platform. `linkpoint/testing` loads no FFI; any test runner will do, here node:assert alone.

import assert from 'node:assert/strict';
import { ETHERTYPE_IPV4, icmpv4, ipv4 } from 'linkpoint/header';
import { ChannelEndpoint, icmpEcho, type Nic, type PacketBuffer, packetFrom, Stack } from 'linkpoint/testing';

// The code under test answers pings.
function answerPing(nic: Nic, packet: PacketBuffer): void {
  const { view, networkOffset: at, end } = packet;
  if (!ipv4.isValid(view, at, end) || !icmpv4.isValid(view, ipv4.payloadAt(view, at), end)) return;
  if (icmpv4.type(view, ipv4.payloadAt(view, at)) !== icmpv4.TYPE_ECHO_REQUEST) return;
  icmpv4.echoReplyInPlace(view, ipv4.payloadAt(view, at));
  ipv4.swapAddresses(view, at);
  nic.writePacket(packet);
}

const link = new ChannelEndpoint();
const stack = new Stack();
stack.setProtocolHandler(ETHERTYPE_IPV4, answerPing);
stack.createNic(1, link);

const request = icmpEcho({ source: '192.0.2.1', destination: '192.0.2.2', sequence: 7 });
link.injectInbound(ETHERTYPE_IPV4, packetFrom(request));
const answer = link.read();
const expected = icmpEcho({ source: '192.0.2.2', destination: '192.0.2.1', sequence: 7, isReply: true });
assert.deepEqual(answer?.copyBytes(), expected);
console.log(`answered: ${answer}`);
answer.release();

for (let length = 1; length < request.length; length++) {
  link.injectInbound(ETHERTYPE_IPV4, packetFrom(request.subarray(0, length)));
}
assert.equal(link.read(), null);
console.log(`${request.length - 1} truncated requests: no answer, no exception`);
