/** A dispatcher that writes every packet back to its link where it lies, here or in a worker. */

import type { CreateDispatcher } from '../../dispatch/dispatcher-task.ts';
import type { RunMode } from '../../link/fd-based-options.ts';
import type { FdBasedEndpoint } from '../../link/fd-based.ts';
import type { LinkEndpoint } from '../../stack/link-endpoint.ts';
import type { NetworkDispatcher } from '../../stack/network-dispatcher.ts';
import { PacketList } from '../../stack/packet-list.ts';

/** Attaches an echo in the way that `run` needs. */
export function attachEcho(endpoint: FdBasedEndpoint, run: RunMode): void {
  endpoint.attach(run === 'worker' ? { module: import.meta.url } : createEcho(endpoint));
}

function createEcho(link: LinkEndpoint): NetworkDispatcher {
  const list = new PacketList();
  return {
    deliverNetworkPacket(_protocol, packet) {
      list.clear();
      list.push(packet);
      link.writePackets(list);
    },
  };
}

const createDispatcher: CreateDispatcher = (link) => createEcho(link);

export default createDispatcher;
