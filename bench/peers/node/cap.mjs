// What a Node user has today: cap (libpcap) on an interface.
import cap from 'cap';
import { ChildOptions, sayReady } from '../../../dist/bench/children/window.js';

const options = new ChildOptions(['interface']);
const window = options.window();
const buffer = Buffer.alloc(65536);
const capture = new cap.Cap();
capture.open(options.text('interface'), '', 10 * 1024 * 1024, buffer);
capture.setMinBytes?.(0);
capture.on('packet', (bytes) => {
  if (buffer[0] !== 1) window.count(bytes);
});
sayReady();
await window.quiet();
window.print();
capture.close();
