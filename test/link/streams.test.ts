import test from 'ava';
import { ETHERTYPE_IPV4 } from '../../header/ethernet.ts';
import { ChannelEndpoint } from '../../link/channel.ts';
import { createPipe } from '../../link/pipe.ts';
import { packets, toWebStreams } from '../../link/streams.ts';
import { PacketList } from '../../stack/packet-list.ts';
import { ipv4Udp, packetFrom } from '../../testing/index.ts';

const frame = (byte: number): Uint8Array => ipv4Udp({ payload: [byte] });
const inject = (endpoint: ChannelEndpoint, byte: number): void =>
  endpoint.injectInbound(ETHERTYPE_IPV4, packetFrom(frame(byte)));
const nameOf = ({ name }: Error): string => name;

test('packets() hands out what waits as one batch, then waits for more', async (t) => {
  const endpoint = new ChannelEndpoint();
  const batches = packets(endpoint);
  inject(endpoint, 1);
  inject(endpoint, 2);
  const first = await batches.next();
  t.deepEqual(first.value.map((packet: { copyBytes(): Uint8Array }) => packet.copyBytes()), [frame(1), frame(2)]);
  const pending = batches.next();
  inject(endpoint, 3);
  t.is((await pending).value.length, 1);
});

test('leaving the loop detaches; a new loop can begin', async (t) => {
  const endpoint = new ChannelEndpoint();
  for (let round = 0; round < 2; round++) {
    const batches = packets(endpoint);
    inject(endpoint, 1);
    for await (const batch of batches) {
      t.is(batch.length, 1);
      break;
    }
    t.false(endpoint.isAttached);
  }
});

test('the iteration ends when the endpoint closes, after what waits', async (t) => {
  const [endpoint, other] = createPipe();
  const batches = packets(endpoint);
  other.writePackets(PacketList.of(packetFrom(frame(1)), packetFrom(frame(2))));
  other.close();
  const seen: number[] = [];
  for await (const batch of batches) seen.push(batch.length);
  t.deepEqual(seen, [2]);
});

test('an abort rejects the reader that waits with the signal\'s reason, and detaches', async (t) => {
  const endpoint = new ChannelEndpoint();
  const controller = new AbortController();
  const pending = packets(endpoint, { signal: controller.signal }).next();
  controller.abort();
  t.is(await pending.then(() => 'a batch', nameOf), 'AbortError');
  t.false(endpoint.isAttached);
  t.throws(() => packets(endpoint, { signal: controller.signal }), { any: true });
  t.false(endpoint.isAttached);
});

test('beyond maxQueued packets are dropped and counted', async (t) => {
  const endpoint = new ChannelEndpoint();
  const batches = packets(endpoint, { maxQueued: 2 });
  for (const byte of [1, 2, 3, 4, 5]) inject(endpoint, byte);
  t.is((await batches.next()).value.length, 2);
  t.is(batches.droppedCount, 3);
  await batches.return();
  t.throws(() => packets(endpoint, { maxQueued: 0 }), { instanceOf: RangeError });
  t.false(endpoint.isAttached);
});

test('web streams carry frames both ways', async (t) => {
  const endpoint = new ChannelEndpoint();
  const { readable, writable } = toWebStreams(endpoint);
  const reader = readable.getReader();
  inject(endpoint, 1);
  t.deepEqual((await reader.read()).value, frame(1));
  await writable.getWriter().write(frame(2));
  t.deepEqual(endpoint.read()?.copyBytes(), frame(2));
  await reader.cancel();
  t.false(endpoint.isAttached);
});

test('a full link holds the writer back until drain', async (t) => {
  const endpoint = new ChannelEndpoint({ size: 1 });
  const writer = toWebStreams(endpoint).writable.getWriter();
  await writer.write(frame(1));
  let isWritten = false;
  const second = writer.write(frame(2)).then(() => {
    isWritten = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 10));
  t.false(isWritten);
  t.deepEqual(endpoint.read()?.copyBytes(), frame(1));
  await second;
  t.deepEqual(endpoint.read()?.copyBytes(), frame(2));
});

test('a writer that is held back learns that the endpoint is closed', async (t) => {
  const endpoint = new ChannelEndpoint({ size: 1 });
  const writer = toWebStreams(endpoint).writable.getWriter();
  writer.closed.catch(() => {});
  await writer.write(frame(1));
  const second = writer.write(frame(2));
  endpoint.close();
  await t.throwsAsync(second, { code: 'ERR_LINK_CLOSED' });
});
