// What each worker of fan-out.ts runs: counts UDP packets by flow in memory that all threads share.
// The default export is the contract: it makes the dispatcher of one worker, over that worker's half of the endpoint.

import { type CreateDispatcher, ETHERTYPE_IPV4, PROTOCOL_UDP } from 'linkpoint';
import { ipv4, udp } from 'linkpoint/header';

const FIRST_PORT = 4096;

const createDispatcher: CreateDispatcher<Int32Array> = (_link, seen, { index, count }) => ({
  deliverNetworkPacket(protocol, packet) {
    const { view, networkOffset: at, end } = packet;
    if (protocol !== ETHERTYPE_IPV4 || !ipv4.isValid(view, at, end) || ipv4.protocol(view, at) !== PROTOCOL_UDP) return;
    const flow = udp.sourcePort(view, ipv4.payloadAt(view, at)) - FIRST_PORT;
    Atomics.add(seen, (index * seen.length) / count + flow, 1);
  },
});

export default createDispatcher;
