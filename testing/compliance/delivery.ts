/** What a dispatcher gets, and what it may do while it gets it. */

import assert from 'node:assert/strict';
import { ETHERTYPE_ARP, ETHERTYPE_IPV4 } from '../../header/ethernet.ts';
import { LINK_BROADCAST } from '../../header/address.ts';
import type { InjectableLinkEndpoint } from '../../stack/link-endpoint.ts';
import { PacketList } from '../../stack/packet-list.ts';
import { arpRequest, ethernetFrame, packetFrom, TEST_ADDRESSES } from '../packets.ts';
import { type DeliveryScript, RecordingDispatcher } from '../recording-dispatcher.ts';
import { turns, until } from '../until.ts';
import { codeOf } from './attachment.ts';
import { type ComplianceCase, type ComplianceContext, sequenceOf } from './context.ts';
import { recordClosed } from './fixture.ts';
import { uncaught } from './uncaught.ts';

/** 33:33:00:00:00:01, all nodes (RFC 2464 section 7). */
const ALL_NODES_LINK_ADDRESS = 0x3333_0000_0001;
/** Packets that are on their way when a dispatcher ends its attachment at the first of them. */
const BURST = [1, 2, 3, 4, 5];

/** Cases about deliveries. */
export const deliveryCases: readonly ComplianceCase[] = [
  { title: 'delivers the protocol and the position of each header', run: deliversPositions },
  { title: 'tells broadcast and multicast from what is for us, ARP from IP', needs: 'ethernet', run: deliversGroups },
  {
    title: 'delivers in order, and says when a batch ends',
    run: async (context) => {
      const dispatcher = context.attach();
      const sequences = Array.from({ length: 50 }, (_, index) => index);
      await context.send(...sequences);
      await context.delivered(dispatcher, 50);
      assert.deepEqual(dispatcher.sequences, sequences);
      await until('the end of the batch', () => dispatcher.batchCount > 0);
    },
  },
  {
    title: 'accounts for every packet that it received',
    run: async (context) => {
      const dispatcher = context.attach();
      await context.send(...BURST);
      await context.delivered(dispatcher, BURST.length);
      await context.balanced();
      assert.ok(context.endpoint.statistics.get('deliveredPackets') >= BURST.length);
    },
  },
  { title: 'shows a tap what comes in and what is accepted, link header included', run: taps },
  { title: 'takes packets that are written inside a delivery', run: writesInside },
  {
    title: 'can be detached inside a delivery: the rest is not delivered, but counted',
    run: async (context) => {
      await endsInside(context, () => context.endpoint.attach(null));
      const dispatcher = context.attach();
      await context.send(9);
      await until('a packet after the re-attach', () => dispatcher.sequences.includes(9));
    },
  },
  {
    title: 'can be closed inside a delivery: the rest is not delivered, but counted',
    run: async (context) => {
      await endsInside(context, () => context.endpoint.close());
      assert.equal(codeOf(() => context.attach()), 'ERR_LINK_CLOSED');
    },
  },
  { title: 'is quiet soon after a delivery that detached it has returned', run: waitsForDelivery },
  { title: 'ends with closed(error), once, when its dispatcher throws', run: throwsHeard },
  { title: 'rethrows what its dispatcher throws when nobody listens for closed', run: throwsUnheard },
  { title: 'rethrows what a dispatcher throws that closed it first', run: throwsAfterClose },
];

/** Cases about injection, for InjectableLinkEndpoints. */
export const injectionCases: readonly ComplianceCase[] = [
  {
    title: 'delivers what is injected before the call returns',
    needs: 'injectable',
    run: (context) => {
      const dispatcher = context.attach();
      const packet = packetFrom(context.networkPacket(1));
      injectable(context).injectInbound(ETHERTYPE_IPV4, packet);
      assert.deepEqual(dispatcher.sequences, [1]);
      assert.equal(dispatcher.packets[0]?.protocol, ETHERTYPE_IPV4);
      assert.equal(sequenceOf(packet.copyBytes()), 1, 'the packet is the caller\'s again');
    },
  },
  {
    title: 'refuses to inject while nobody is attached, and after close()',
    needs: 'injectable',
    run: (context) => {
      const endpoint = injectable(context);
      const inject = (): void => endpoint.injectInbound(ETHERTYPE_IPV4, packetFrom(context.networkPacket(1)));
      assert.equal(codeOf(inject), 'ERR_NOT_ATTACHED');
      context.attach();
      assert.equal(endpoint.isAttached, true);
      endpoint.attach(null);
      assert.equal(codeOf(inject), 'ERR_NOT_ATTACHED');
      endpoint.close();
      assert.equal(codeOf(inject), 'ERR_LINK_CLOSED');
    },
  },
  {
    title: 'writes a frame towards a destination',
    needs: 'injectable',
    run: async (context) => {
      const packet = context.outboundPacket(5);
      const frame = packet.copyBytes();
      const { remoteAddress } = packet.egress;
      packet.release();
      assert.ok(remoteAddress !== null);
      assert.equal(injectable(context).injectOutbound(remoteAddress, frame), true);
      assert.deepEqual(await context.received(), frame);
    },
  },
];

const injectable = (context: ComplianceContext): InjectableLinkEndpoint => context.endpoint as InjectableLinkEndpoint;

async function deliversPositions(context: ComplianceContext): Promise<void> {
  const dispatcher = context.attach();
  const [frame] = await context.send(1);
  await context.delivered(dispatcher, 1);
  const [first] = dispatcher.packets;
  assert.ok(first !== undefined);
  assert.equal(first.protocol, ETHERTYPE_IPV4);
  assert.deepEqual(first.bytes, frame);
  assert.deepEqual(first.packet.copyNetworkBytes(), context.networkPacket(1));
  if (context.features.ethernet) assert.equal(first.packet.linkOffset, first.packet.start);
  assert.equal(first.packet.packetType, 'host');
  assert.equal(first.packet.truncated, false);
}

async function deliversGroups(context: ComplianceContext): Promise<void> {
  const { peer } = context.fixture;
  const dispatcher = new RecordingDispatcher();
  context.endpoint.attach(dispatcher);
  const arp = ethernetFrame(arpRequest(), { source: TEST_ADDRESSES.remoteLinkAddress });
  const group = context.inboundFrame(1, undefined, ALL_NODES_LINK_ADDRESS);
  const broadcast = context.inboundFrame(2, undefined, LINK_BROADCAST);
  for (const frame of [arp, group, broadcast]) await peer.send(frame);
  const find = (frame: Uint8Array): RecordingDispatcher['packets'][number] | undefined =>
    dispatcher.packets.find(({ bytes }) => Buffer.compare(bytes, frame) === 0);
  await until('all three frames', () => [arp, group, broadcast].every((frame) => find(frame) !== undefined));
  assert.equal(find(arp)?.protocol, ETHERTYPE_ARP);
  assert.equal(find(arp)?.packet.packetType, 'broadcast');
  assert.equal(find(group)?.packet.packetType, 'multicast');
  assert.equal(find(broadcast)?.packet.packetType, 'broadcast');
}

async function taps(context: ComplianceContext): Promise<void> {
  const dispatcher = context.attach();
  const [sent] = await context.send(1);
  await context.delivered(dispatcher, 1);
  const [written] = context.write(2);
  const seen = dispatcher.tapped.map(({ direction, protocol, bytes }) => ({ direction, protocol, bytes }));
  const incoming = seen.find(({ direction }) => direction === 'in');
  const outgoing = seen.findLast(({ direction }) => direction === 'out');
  assert.deepEqual(incoming, { direction: 'in', protocol: ETHERTYPE_IPV4, bytes: sent });
  assert.deepEqual(outgoing, { direction: 'out', protocol: ETHERTYPE_IPV4, bytes: written });
}

async function writesInside(context: ComplianceContext): Promise<void> {
  const written: Uint8Array[] = [];
  const dispatcher = context.attach((_packet, _protocol, index) => {
    if (index < BURST.length) written.push(...context.write(100 + index, 200 + index));
  });
  await context.send(...BURST);
  await context.delivered(dispatcher, BURST.length);
  for (const frame of written) assert.deepEqual(await context.received(), frame);
}

async function endsInside(context: ComplianceContext, end: () => void): Promise<void> {
  const { endpoint } = context;
  const reasons = recordClosed(endpoint);
  const dispatcher = context.attach((_packet, _protocol, index) => {
    if (index === 0) end();
    assert.equal(endpoint.isAttached, false);
  });
  await context.send(...BURST);
  await context.delivered(dispatcher, 1);
  await endpoint.wait();
  await turns();
  assert.deepEqual(dispatcher.sequences, [BURST[0]]);
  assert.deepEqual(reasons.map(({ kind }) => kind), ['detached']);
  await context.balanced();
}

async function waitsForDelivery(context: ComplianceContext): Promise<void> {
  const order: string[] = [];
  let waited: Promise<unknown> = Promise.resolve();
  const dispatcher = context.attach((_packet, _protocol, index) => {
    if (index > 0) return;
    context.endpoint.attach(null);
    waited = context.endpoint.wait().then(() => order.push('quiet'));
    order.push('returning');
  });
  await context.send(1);
  await context.delivered(dispatcher, 1);
  await waited;
  assert.deepEqual(order, ['returning', 'quiet']);
}

let thrownCount = 0;

/** A script that throws at its first packet, with a message that no other case uses. */
function throwing(before: () => void = () => {}): { readonly script: DeliveryScript; readonly message: string } {
  const message = `thrown by dispatcher ${thrownCount++} of the compliance suite, process ${process.pid}`;
  const script = (): void => {
    before();
    throw new Error(message);
  };
  return { script, message };
}

async function throwsHeard(context: ComplianceContext): Promise<void> {
  const { endpoint } = context;
  const { script, message } = throwing();
  const reasons = recordClosed(endpoint);
  const dispatcher = context.attach(script);
  await context.send(1);
  await until('closed', () => reasons.length > 0);
  await endpoint.wait();
  await turns();
  assert.deepEqual(reasons.map(({ kind, error }) => [kind, error?.message]), [['error', message]]);
  assert.equal(dispatcher.packets.length, 1);
  assert.equal(endpoint.isAttached, false);
  assert.equal(codeOf(() => context.attach()), 'ERR_LINK_CLOSED');
  const late = PacketList.of(packetFrom(context.networkPacket(2)));
  assert.equal(codeOf(() => endpoint.writePackets(late)), 'ERR_LINK_CLOSED');
  await context.balanced();
}

async function throwsUnheard(context: ComplianceContext): Promise<void> {
  const { script, message } = throwing();
  const rethrown = uncaught(message);
  context.attach(script);
  await context.send(1);
  await rethrown;
  assert.equal(context.endpoint.isAttached, false);
}

async function throwsAfterClose(context: ComplianceContext): Promise<void> {
  const { endpoint } = context;
  const { script, message } = throwing(() => endpoint.close());
  const rethrown = uncaught(message);
  const reasons = recordClosed(endpoint);
  context.attach(script);
  await context.send(1);
  await rethrown;
  await endpoint.wait();
  assert.deepEqual(reasons.map(({ kind }) => kind), ['detached']);
}
