import test from 'ava';
import { socketPair } from '../../native/socket.ts';
import { closeFd } from '../../native/fd.ts';
import { openFdBased } from '../../link/fd-based.ts';
import { PacketList } from '../../stack/packet-list.ts';
import type { ClosedReason } from '../../stack/link-endpoint.ts';
import type { FdBasedEndpoint } from '../../link/fd-based.ts';

async function blast(left: FdBasedEndpoint, total: number): Promise<void> {
  const list = new PacketList();
  let sent = 0;
  while (sent < total) {
    list.clear();
    for (let i = 0; i < Math.min(20, total - sent); i++) {
      const packet = left.allocate(100)!;
      packet.bytes[packet.start] = 0x45;
      list.push(packet);
    }
    const n = left.writePackets(list);
    sent += n;
    for (const p of list) p.release();
    if (n < list.length) await new Promise((r) => left.once('drain', () => r(null)));
    else await new Promise((r) => setImmediate(r));
  }
}

for (const run of ['inline', 'ring', 'worker'] as const) {
  test(`run ${run}: delivers everything, then the hang-up`, async (t) => {
    const [a, b] = socketPair();
    const left = await openFdBased({ fds: [a] });
    const reasons: ClosedReason[] = [];
    const right = await openFdBased({ fds: [b], run, closed: (r) => reasons.push(r) });
    let got = 0;
    const shared = new SharedArrayBuffer(64);
    right.attach(run === 'worker' ? { module: new URL('./_counting-dispatcher.js', import.meta.url), data: { shared } } : { deliverNetworkPacket() { got++; } });
    await blast(left, 3000);
    left.close();
    closeFd(a);
    await right.wait();
    if (run === 'worker') got = new Int32Array(shared)[0]!;
    t.is(got, 3000);
    t.is(right.statistics.get('deliveredPackets'), 3000);
    t.deepEqual(reasons.map((r) => r.kind), ['hangup']);
    closeFd(b);
  });
}
