// What a Node user has today: fs.readSync on a TUN fd, which needs no package. It blocks its thread; the end of the
// stream of packets is a packet that never comes, so it counts for a given time and prints.
import fs from 'node:fs';
import { ChildOptions, sayReady } from '../../../dist/bench/children/window.js';

const window = new ChildOptions([]).window();
const buffer = Buffer.alloc(65664);
sayReady();
while (!window.hasEnded) {
  const bytes = fs.readSync(3, buffer, 0, buffer.length, null);
  if (buffer[0] !== 1) window.count(bytes);
}
window.print();
process.exit(0);
