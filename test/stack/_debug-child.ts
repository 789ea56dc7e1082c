/** Run by packet-pool.test.ts with LINKPOINT_DEBUG=1: prints, as JSON, what each use after return answered. */

import { Arena, endLoan, lend, type Nic, type PacketBuffer, PacketList, PacketPool, Stack } from '../../stack/index.ts';
import { OWN, PEER_IPV4, RecordingEndpoint } from './_support.ts';

/** `ok`, or the code of what was thrown. */
function outcome(action: () => unknown): string {
  try {
    action();
    return 'ok';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

function useAllocated(): Record<string, string> {
  const pool = new PacketPool(new Arena(1, 100));
  const packet = pool.allocate(4) as PacketBuffer;
  const answers: Record<string, string> = {
    readBefore: outcome(() => packet.length),
    pushBefore: outcome(() => packet.push(14)),
    release: outcome(() => packet.release()),
    readAfter: outcome(() => packet.start),
    writeAfter: outcome(() => (packet.end = 0)),
    bytesAfter: outcome(() => packet.bytes),
    releaseAfter: outcome(() => packet.release()),
  };
  const again = pool.allocate(4) as PacketBuffer;
  answers['newHolderReads'] = outcome(() => again.start);
  answers['oldHolderReads'] = outcome(() => packet.start);
  answers['freeAfter'] = String(pool.freeCount);
  return answers;
}

function useLent(): Record<string, string> {
  const pool = new PacketPool(new Arena(1, 100));
  const own = pool.at(0).fill(Uint8Array.of(1, 2, 3));
  const lent = lend(own);
  const clone = lent.clone();
  const answers: Record<string, string> = { readLent: outcome(() => lent.copyBytes()) };
  endLoan(own);
  answers['readReturned'] = outcome(() => lent.copyBytes());
  answers['readClone'] = outcome(() => clone.copyBytes());
  answers['ownerReads'] = outcome(() => own.copyBytes());
  return answers;
}

/** A handler that keeps what it was lent, and one NIC that writes a guarded packet. */
function useThroughNic(): Record<string, string> {
  const endpoint = new RecordingEndpoint();
  const stack = new Stack();
  const kept: PacketBuffer[] = [];
  stack.setProtocolHandler(0x0800, (_nic: Nic, packet) => kept.push(packet));
  const nic = stack.createNic(1, endpoint);
  endpoint.receive(0x0800, new PacketPool(new Arena(1, 100)).at(0).fill(Uint8Array.of(0x45)));
  nic.neighbors.setStatic(PEER_IPV4, OWN);
  const written = outcome(() => nic.writePackets(PacketList.of(endpoint.packetOf([0x45], PEER_IPV4))));
  return { readKept: outcome(() => kept[0]?.start), written, frames: String(endpoint.written.length) };
}

console.log(JSON.stringify({ allocated: useAllocated(), lent: useLent(), nic: useThroughNic() }));
