/** Contestant: linkpoint's public endpoint writes to fd 3 by `writePackets`, the same packets over and over. */

import { openFdBased, PacketList } from '../../index.ts';
import type { FdBasedOptions, LinkEndpoint } from '../../index.ts';
import { warmUp } from '../../cli/bench-warm-up.ts';
import { ChildOptions, PATIENCE_MILLISECONDS, sayReady, type Window } from './window.ts';

/** Most batches between two turns of the event loop. */
const BATCHES_PER_TURN = 64;

const options = new ChildOptions(['batch', 'head', 'size', 'eth', 'vnet']);
const window = options.window();
const [size, vnetHeaderBytes] = [options.number('size', 64), options.number('vnet', 0) as 0 | 10];
const isGso = vnetHeaderBytes > 0 && size > 1514;
const shape: FdBasedOptions = { fds: [3], mtu: Math.min(65_535, Math.max(1500, size)), vnetHeaderBytes };
await warmUp(shape, { deliverNetworkPacket: () => undefined });
const endpoint = await openFdBased(shape);
const list = new PacketList();
for (let index = 0; index < options.number('batch', 47); index++) list.push(makePacket());
window.callsOf = () => endpoint.statistics.get('transmitSyscalls');
sayReady();
await run(endpoint, window);
window.print();
endpoint.close();

function makePacket(): ReturnType<typeof allocate> {
  const packet = allocate();
  const linkBytes = options.text('eth') === 'true' ? 14 : 0;
  packet.bytes.fill(0, packet.start, packet.end);
  packet.bytes.set(Buffer.from(options.text('head'), 'hex'), packet.start);
  packet.networkOffset = packet.start + linkBytes;
  packet.egress.protocol = 0x0800;
  if (!isGso) return packet;
  packet.gsoType = 'tcp4';
  packet.gsoSize = 1448;
  packet.checksum = 'partial';
  packet.checksumStart = packet.networkOffset + 20;
  packet.checksumOffset = 16;
  packet.headerEnd = packet.networkOffset + 40;
  return packet;
}

function allocate(): NonNullable<ReturnType<LinkEndpoint['allocate']>> {
  const packet = endpoint.allocate(size);
  if (packet === null) throw new RangeError(`Cannot allocate ${size} bytes`);
  return packet;
}

async function run(to: LinkEndpoint, counting: Window): Promise<void> {
  const deadline = performance.now() + PATIENCE_MILLISECONDS;
  while (!counting.hasEnded && performance.now() < deadline) {
    const isFull = !writeSome(to, counting);
    counting.tick();
    await (isFull
      ? new Promise<void>((resolve) => to.once('drain', resolve))
      : new Promise((resolve) => setImmediate(resolve)));
  }
}

/** False: the link is full, and `drain` will tell. */
function writeSome(to: LinkEndpoint, counting: Window): boolean {
  for (let turn = 0; turn < BATCHES_PER_TURN && !counting.hasEnded; turn++) {
    const accepted = to.writePackets(list);
    for (let index = 0; index < accepted; index++) counting.count(size);
    if (accepted < list.length) return false;
  }
  return true;
}
