/** What every injectable endpoint does alike: a packet of the program's goes up as if it had come in. */

import { NotAttachedError } from '../errors.ts';
import type { IpAddress } from '../header/address.ts';
import type { InjectableLinkEndpoint } from '../stack/link-endpoint.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';
import { EndpointBase } from './endpoint-base.ts';
import { classify } from './link-header.ts';

/** An endpoint whose inbound packets are injected. */
export abstract class InjectableBase extends EndpointBase implements InjectableLinkEndpoint {
  /**
   * Delivers `packet` on the caller's stack. Without a `networkOffset` it is taken to begin with its network header;
   * with an Ethernet header in place (`parseHeader`) its `packetType` is found out, too.
   * @throws NotAttachedError when no dispatcher is attached
   * @throws LinkClosedError after close()
   */
  injectInbound(protocol: number, packet: PacketBuffer): void {
    this.requireOpen('Cannot inject a packet');
    if (!this.isAttached) throw new NotAttachedError('Cannot inject a packet');
    if (packet.networkOffset < 0) packet.networkOffset = packet.start;
    packet.egress.protocol = protocol;
    if (this.maxHeaderLength > 0 && packet.linkOffset >= 0) packet.packetType = classify(packet, this.linkAddress);
    this.counters.addBatch(1);
    this.deliverOne(protocol, packet);
  }

  /** Writes one frame as it is: the link has one destination only, unless it overrides this. */
  injectOutbound(_destination: IpAddress, bytes: Uint8Array): boolean {
    return this.writeRawPacket(bytes);
  }
}
