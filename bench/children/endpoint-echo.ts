/** Contestant of the latency suite: linkpoint's public endpoint sends every lent packet back from where it lies. */

import { openFdBased, PacketList } from '../../index.ts';
import { ChildOptions, sayReady } from './window.ts';

const options = new ChildOptions(['mode']);
const endpoint = await openFdBased({
  fds: [3],
  dispatchMode: options.text('mode', 'auto') as 'readv' | 'recvmmsg' | 'auto',
});
const list = new PacketList();
endpoint.on('closed', () => endpoint.close());
endpoint.attach({
  deliverNetworkPacket(_protocol, packet) {
    list.clear();
    list.push(packet);
    endpoint.writePackets(list);
  },
});
sayReady();
