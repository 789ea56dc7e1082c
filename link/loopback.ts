/**
 * The loopback: whatever is written comes back in, from the event loop and not from the writer's stack.
 *
 *     dispatcher ──► writePackets ──► [ queue ] ──► dispatcher
 */

import { Capability, HARDWARE_LOOPBACK, NO_GSO } from '../stack/link-endpoint.ts';
import type { PacketList } from '../stack/packet-list.ts';
import { Counter } from '../stack/statistics.ts';
import { checkQueueSize, type ClosedOption, DEFAULT_QUEUE_SIZE } from './memory-options.ts';
import { MEMORY_CAPABILITIES, QueuedEndpoint } from './queued-endpoint.ts';

/** MTU of a loopback, as Linux and gVisor have it. */
const LOOPBACK_MTU = 65_536;

/** How a loopback is made. */
export interface LoopbackOptions extends ClosedOption {
  /** Packets that wait for delivery at most, from 1. Default 512. */
  readonly size?: number;
}

/** An endpoint that receives what it transmits, from the network header on. */
export class LoopbackEndpoint extends QueuedEndpoint {
  #wantsDrain = false;

  /** @throws RangeError when `size` is no positive integer */
  constructor(options: LoopbackOptions = {}) {
    super({
      size: checkQueueSize(options.size ?? DEFAULT_QUEUE_SIZE),
      mtu: LOOPBACK_MTU,
      linkAddress: 0,
      hardwareType: HARDWARE_LOOPBACK,
      capabilities: MEMORY_CAPABILITIES | Capability.SAVE_RESTORE | Capability.LOOPBACK,
      gso: NO_GSO,
    });
    if (options.closed !== undefined) this.on('closed', options.closed);
  }

  protected override transmit(list: PacketList): number {
    let accepted = 0;
    let bytes = 0;
    while (accepted < list.length && this.enqueue(list.at(accepted))) bytes += list.at(accepted++).networkBytes;
    this.counters.add(Counter.transmittedPackets, accepted);
    this.counters.add(Counter.transmittedBytes, bytes);
    if (accepted < list.length) this.#wantsDrain = true;
    return accepted;
  }

  protected override onRoom(): void {
    if (!this.#wantsDrain) return;
    this.#wantsDrain = false;
    this.emit('drain');
  }
}
