/** Contestant: linkpoint's public endpoint on fd 3, with a dispatcher that only counts. */

import { openFdBased } from '../../index.ts';
import type { DispatchMode, FdBasedOptions, NetworkDispatcher, PacketBuffer } from '../../index.ts';
import { warmUp } from '../../cli/bench-warm-up.ts';
import { ChildOptions, sayReady, Window } from './window.ts';

class Counting implements NetworkDispatcher {
  readonly #window: Window;

  constructor(window: Window) {
    this.#window = window;
  }

  deliverNetworkPacket(_protocol: number, packet: PacketBuffer): void {
    this.#window.count(packet.length);
  }
}

const options = new ChildOptions(['mode', 'run', 'eth', 'vnet', 'batch', 'slot']);
const window = options.window();
const [batch, slotBytes] = [options.number('batch', 0), options.number('slot', 0)];
const shape: FdBasedOptions = {
  fds: [3],
  dispatchMode: options.text('mode', 'auto') as DispatchMode | 'auto',
  run: options.text('run', 'inline') as 'inline' | 'ring',
  ethernetHeader: options.text('eth') === 'true',
  vnetHeaderBytes: options.number('vnet', 0) as 0 | 10,
  ...(batch === 0 ? {} : { batch }),
  ...(slotBytes === 0 ? {} : { slotBytes }),
};
await warmUp(shape, new Counting(new Window(Infinity, Infinity)));
const endpoint = await openFdBased(shape);
window.callsOf = () => endpoint.statistics.get('receiveSyscalls');
endpoint.attach(new Counting(window));
sayReady();
await window.quiet();
window.print();
endpoint.close();
await endpoint.wait();
