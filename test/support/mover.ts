/** Moves the numbered packets of a ledger over a link, paced by what has arrived. */

import type { LinkEndpoint } from '../../stack/link-endpoint.ts';
import type { Ledger } from './ledger.ts';
import { FLOWS } from './numbered-packet.ts';
import { NumberedSender } from './numbered-sender.ts';
import type { NumberedPeer } from './peer.ts';

/** An endpoint and who is at its other side. */
export interface Link {
  readonly endpoint: LinkEndpoint;
  readonly peer: NumberedPeer;
  /** Packets that may be on their way without being lost. */
  readonly window: number;
}

/** Without a new packet for so long, what is missing is lost. */
const STALL_MILLISECONDS = 5000;

/**
 * The peer sends; the dispatcher, or a worker's if `elsewhere` attaches one, enters what comes. A packet of each flow
 * goes first, at once: workers that are still starting must not lose it. When all have come, every worker is there.
 */
export async function moveIn(link: Link, ledger: Ledger, elsewhere: (() => void) | null = null): Promise<void> {
  const { endpoint, peer, window } = link;
  if (elsewhere !== null) elsewhere();
  else endpoint.attach({ deliverNetworkPacket: (_protocol, packet) => ledger.enter(packet) });
  let sent = 0;
  await untilArrived(ledger, () => {
    const arrived = ledger.arrivedCount;
    const room = arrived < FLOWS ? FLOWS : Math.min(ledger.data.total, arrived + window);
    while (sent < room) {
      const taken = peer.send(ledger, sent, room);
      sent += taken;
      if (taken === 0) break;
    }
  });
}

/** The endpoint, or its halves in workers if `elsewhere` has attached them, sends; the peer reads. */
export async function moveOut(link: Link, ledger: Ledger, elsewhere: (() => void) | null = null): Promise<void> {
  const { endpoint, peer, window } = link;
  peer.receive(ledger); // a peer that is an endpoint attaches now
  if (elsewhere !== null) elsewhere();
  else if (!endpoint.isAttached) endpoint.attach({ deliverNetworkPacket() {} });
  const sender = elsewhere === null ? new NumberedSender(endpoint, ledger, { lane: 0, window }) : null;
  await untilArrived(ledger, () => {
    sender?.pump();
    while (peer.receive(ledger) > 0);
  });
}

/** Turns until all packets have arrived, or none for so long: the caller looks which. */
async function untilArrived(ledger: Ledger, step: () => void): Promise<void> {
  let last = -1;
  let deadline = 0;
  for (let arrived = 0; arrived < ledger.data.total; arrived = ledger.arrivedCount) {
    if (arrived !== last) deadline = Date.now() + STALL_MILLISECONDS;
    else if (Date.now() > deadline) return;
    last = arrived;
    step();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
