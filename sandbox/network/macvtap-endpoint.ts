/** A macvtap that is there: its queues are opened and handed over. */

import type { Wire } from './attachment.ts';
import type { SinkTap } from './device-sink.ts';
import type { NetworkScope } from './endpoint.ts';
import { requireEntrance } from './macvtap-device.ts';
import { openQueues } from './model-macvtap.ts';
import { newQueueState, QueueEndpoint, type QueueEndpointOptions } from './queue-endpoint.ts';
import { VNET_HEADER_BYTES, type Wiring } from './wiring.ts';

/** An endpoint over a macvtap of that name. @throws InvalidOptionError */
export function createMacvtapEndpoint(
  scope: NetworkScope,
  index: number,
  options: QueueEndpointOptions = {},
): MacvtapEndpoint {
  return new MacvtapEndpoint(scope, newQueueState('macvtap', index, options));
}

/** A macvtap of the namespace. */
export class MacvtapEndpoint extends QueueEndpoint<'macvtap'> {
  protected override readonly wire: Wire = (wiring) => attachMacvtapLink(wiring, this.name);
}

async function attachMacvtapLink(wiring: Wiring, name: string): Promise<SinkTap> {
  requireEntrance(`Cannot attach "${name}"`, wiring.scope.namespace);
  const link = wiring.find(name, 'macvtap');
  const fds = await openQueues(wiring, name, link.index);
  const vhostFds = await wiring.openVhost();
  wiring.saveState(link);
  wiring.set(`enable TAP ${name}`, name, { up: true });
  const rest = { linkAddress: link.address, mtu: link.mtu, vnetHeaderBytes: VNET_HEADER_BYTES } as const;
  return { name, fds, vhostFds, ...rest, kind: 'macvtap' };
}
