/**
 * A TAP that is there and whose queues nobody holds: they are opened and handed over.
 *
 * It is used as it was made, with or without virtio-net header and further queues: opening it otherwise would change it
 * for whoever comes after.
 */

import { InvalidOptionError } from '../../errors.ts';
import type { TunDevice } from '../../link/open-tun.ts';
import type { Wire } from './attachment.ts';
import type { SinkTap } from './device-sink.ts';
import type { NetworkScope } from './endpoint.ts';
import { newQueueState, QueueEndpoint, type QueueEndpointOptions } from './queue-endpoint.ts';
import { type EthernetLink, VNET_HEADER_BYTES, type Wiring } from './wiring.ts';

/** An endpoint over a TAP of that name. @throws InvalidOptionError */
export function createTapEndpoint(scope: NetworkScope, index: number, options: QueueEndpointOptions = {}): TapEndpoint {
  return new TapEndpoint(scope, newQueueState('tap', index, options));
}

/** A TAP of the namespace. */
export class TapEndpoint extends QueueEndpoint<'tap'> {
  protected override readonly wire: Wire = (wiring) => attachTap(wiring, this.name);
}

async function attachTap(wiring: Wiring, name: string): Promise<SinkTap> {
  const link = wiring.find(name, 'tun');
  requireUsable(link);
  const device = await openQueues(wiring, link);
  const vhostFds = await wiring.openVhost();
  wiring.saveState(link);
  wiring.set(`enable TAP ${name}`, name, { up: true });
  const { fds, vnetHeaderBytes } = device;
  return { name, fds, vhostFds, linkAddress: link.address, mtu: link.mtu, vnetHeaderBytes, kind: 'tap' };
}

/** The last queue of a TAP that is not persistent takes it along. */
function requireUsable({ name, tun = {} }: EthernetLink): void {
  const refuse = (reason: string): never => {
    throw new InvalidOptionError(`Cannot attach "${name}": ${reason}`);
  };
  if (tun.packetInformation === true) refuse('its packets begin with a struct tun_pi; make it without');
  if (tun.persist !== true) refuse('it goes with its last queue; make it persistent, or attach it as "tuntap"');
}

function openQueues(wiring: Wiring, { name, tun = {} }: EthernetLink): Promise<TunDevice> {
  const { namespace, queues: wanted, warn } = wiring.scope;
  const queues = tun.multiQueue === true ? wanted : 1;
  if (queues < wanted) warn(`TAP "${name}" has one queue, not ${wanted}: it was made without multi_queue`);
  const vnetHeaderBytes = tun.vnetHeader === true ? VNET_HEADER_BYTES : 0;
  const open = (): Promise<TunDevice> => namespace.openTap({ name, queues, vnetHeaderBytes });
  return wiring.live('open TAP interface', open, (device) => device.close());
}
