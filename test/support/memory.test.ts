/** The rows of docs/support.md for endpoints that read no descriptor of packets. */

import test, { type ExecutionContext } from 'ava';

import { ChannelEndpoint } from '../../link/channel.ts';
import { EthernetEndpoint } from '../../link/ethernet.ts';
import { openInjectable } from '../../link/injectable.ts';
import { LoopbackEndpoint } from '../../link/loopback.ts';
import { MuxedEndpoint } from '../../link/muxed.ts';
import { NestedEndpoint } from '../../link/nested.ts';
import { createPipe } from '../../link/pipe.ts';
import { openQemuStream } from '../../link/qemu-stream.ts';
import { constants, socketPair } from '../../native/index.ts';
import type { LinkEndpoint } from '../../stack/index.ts';
import { Ledger } from './ledger.ts';
import { type Direction, DIRECTIONS, PACKETS } from './matrix.ts';
import { ChannelPeer, EndpointPeer, Injector, StreamPeer } from './memory-peers.ts';
import { MEMORY_ROWS, type MemoryRow, memoryTitle } from './memory-rows.ts';
import { type Link, moveIn, moveOut } from './mover.ts';
import { REMOTE_ADDRESSES } from './numbered-sender.ts';
import { OWN, Peer } from './peer.ts';

/** As many as a channel holds by default. */
const WINDOW = 512;

const LINKS: Readonly<Record<MemoryRow['id'], () => Omit<Link, 'window'>>> = {
  channel() {
    const endpoint = new ChannelEndpoint();
    return { endpoint, peer: new ChannelPeer([endpoint]) };
  },
  loopback() {
    const endpoint = new LoopbackEndpoint();
    return { endpoint, peer: new EndpointPeer(endpoint) };
  },
  pipe() {
    const [endpoint, other] = createPipe();
    return { endpoint, peer: new EndpointPeer(other) };
  },
  muxed() {
    const channels = REMOTE_ADDRESSES.map(() => new ChannelEndpoint());
    const routes = REMOTE_ADDRESSES.map((address, index) => [address, channels[index] as ChannelEndpoint] as const);
    return { endpoint: new MuxedEndpoint({ routes }), peer: new ChannelPeer(channels) };
  },
  nested() {
    const inner = new ChannelEndpoint();
    return { endpoint: new NestedEndpoint(inner), peer: new ChannelPeer([inner]) };
  },
  ethernet() {
    const inner = new ChannelEndpoint();
    return { endpoint: new EthernetEndpoint(inner, { linkAddress: OWN }), peer: new ChannelPeer([inner], true) };
  },
  injectable() {
    const [fd, peerFd] = socketPair();
    const endpoint = openInjectable({ fd, ownFd: true });
    const other = new Peer({ fd: peerFd, vnetHeaderBytes: 0, ethernet: false });
    const injector = new Injector([endpoint]);
    return {
      endpoint,
      peer: {
        send: (...args) => injector.send(...args),
        receive: (ledger) => other.receive(ledger),
        close: () => other.close(),
      },
    };
  },
  'qemu-stream'() {
    const [fd, peerFd] = socketPair(constants.SOCK_STREAM);
    return { endpoint: openQemuStream({ fd, ownFd: true, linkAddress: OWN }), peer: new StreamPeer(peerFd) };
  },
};

async function moveRow(t: ExecutionContext, row: MemoryRow, direction: Direction): Promise<void> {
  const link: Link = { ...LINKS[row.id](), window: WINDOW };
  const ledger = new Ledger({ total: PACKETS, lanes: 1, offloads: false });
  if (direction === 'rx') await moveIn(link, ledger);
  else await moveOut(link, ledger);
  t.deepEqual(ledger.result, { arrived: PACKETS, corrupt: 0, duplicate: 0 });
  link.endpoint.close();
  await link.endpoint.wait();
  link.peer.close();
  checkStatistics(t, direction, link.endpoint);
}

function checkStatistics(t: ExecutionContext, direction: Direction, { statistics }: LinkEndpoint): void {
  t.is(statistics.get('receivedPackets'), statistics.get('deliveredPackets') + statistics.inboundDrops);
  t.true(statistics.get(direction === 'rx' ? 'deliveredPackets' : 'transmittedPackets') >= PACKETS);
}

for (const row of MEMORY_ROWS) {
  for (const direction of DIRECTIONS) test(memoryTitle(row, direction), (t) => moveRow(t, row, direction));
}
