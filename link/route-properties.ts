/** What several endpoints promise together: the least that all do, and the header room of the one that needs most. */

import {
  type Capabilities,
  type GsoSupport,
  HARDWARE_NONE,
  type LinkEndpoint,
  NO_GSO,
} from '../stack/link-endpoint.ts';

/** MTU of a multiplexer without routes: it bounds nothing, as gVisor's does. */
const NO_ROUTE_MTU = 0xffff_ffff;

/** The common properties of a changing set of endpoints; read live, for an endpoint's own may be settable. */
export class RouteProperties<Endpoint extends LinkEndpoint = LinkEndpoint> {
  #endpoints: readonly Endpoint[] = [];
  #gso: GsoSupport = NO_GSO;

  /** Takes over the endpoints, each counted once. */
  update(endpoints: Iterable<Endpoint>): void {
    this.#endpoints = [...new Set(endpoints)];
  }

  /** The endpoint that was added first, or null. */
  get first(): Endpoint | null {
    return this.#endpoints[0] ?? null;
  }

  /** The least MTU. */
  get mtu(): number {
    let mtu = NO_ROUTE_MTU;
    for (let index = 0; index < this.#endpoints.length; index++) mtu = Math.min(mtu, this.#at(index).mtu);
    return mtu;
  }

  /** The most header bytes: a packet must have room for whichever route it takes. */
  get maxHeaderLength(): number {
    let most = 0;
    for (let index = 0; index < this.#endpoints.length; index++) most = Math.max(most, this.#at(index).maxHeaderLength);
    return most;
  }

  /** The capabilities that all have; none without routes. */
  get capabilities(): Capabilities {
    if (this.#endpoints.length === 0) return 0;
    let capabilities = ~0;
    for (let index = 0; index < this.#endpoints.length; index++) capabilities &= this.#at(index).capabilities;
    return capabilities;
  }

  /** The type that all have, else ARPHRD_NONE. */
  get hardwareType(): number {
    const type = this.first?.hardwareType ?? HARDWARE_NONE;
    for (let index = 1; index < this.#endpoints.length; index++) {
      if (this.#at(index).hardwareType !== type) return HARDWARE_NONE;
    }
    return type;
  }

  /** The least size where all are of one kind, else none. The same object until something changes. */
  get gso(): GsoSupport {
    let { kind, maxSize } = this.first?.gso ?? NO_GSO;
    for (let index = 1; index < this.#endpoints.length; index++) {
      const { gso } = this.#at(index);
      maxSize = Math.min(maxSize, gso.maxSize);
      if (gso.kind !== kind) kind = 'none';
    }
    if (kind === 'none' || maxSize === 0) return NO_GSO;
    if (kind !== this.#gso.kind || maxSize !== this.#gso.maxSize) this.#gso = { kind, maxSize };
    return this.#gso;
  }

  #at(index: number): Endpoint {
    return this.#endpoints[index] as Endpoint;
  }
}
