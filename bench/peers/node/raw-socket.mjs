// What a Node user has today: raw-socket, the IPv4 packets (here ICMP) that reach this host.
import raw from 'raw-socket';
import { ChildOptions, sayReady } from '../../../dist/bench/children/window.js';

const options = new ChildOptions(['interface']);
const window = options.window();
const socket = raw.createSocket({ protocol: raw.Protocol.ICMP, bufferSize: 65536 });
socket.on('message', (buffer) => {
  if (buffer[0] !== 1) window.count(buffer.length);
});
sayReady();
await window.quiet();
window.print();
socket.close();
