/** The matrix's dispatcher in a worker: enters what comes in a ledger, or writes numbered packets from there. */

import type { CreateDispatcher } from '../../dispatch/dispatcher-task.ts';
import { Ledger, type LedgerData } from './ledger.ts';
import { NumberedSender } from './numbered-sender.ts';

/** What the test posts to the worker. */
export interface NumberedData {
  readonly ledger: LedgerData;
  /** Write one lane, at most so many packets ahead; without it, nothing is written. */
  readonly window?: number;
}

const createDispatcher: CreateDispatcher<NumberedData> = (link, data, { index, signal }) => {
  const ledger = new Ledger(data.ledger);
  if (data.window === undefined) return { deliverNetworkPacket: (_protocol, packet) => ledger.enter(packet, index) };
  const sender = new NumberedSender(link, ledger, { lane: index, window: data.window });
  const pump = (): void => {
    if (signal.aborted || sender.isDone) return;
    sender.pump();
    setImmediate(pump);
  };
  setImmediate(pump);
  return { deliverNetworkPacket() {} };
};

export default createDispatcher;
