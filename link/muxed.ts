/**
 * A multiplexer: one endpoint in front of several, chosen by the packet's remote address.
 *
 *                                      ┌─► route 192.0.2.1 ─► endpoint a
 *     writePackets ─► egress.remote... ┼─► route 2001:db8::1 ─► endpoint a
 *                                      ├─► route 192.0.2.2 ─► endpoint b
 *                                      └─► none: accepted, dropped, counted `no-peer`
 *     dispatcher ◄──────────────────────── a, b, injectInbound
 *
 * A packet without a route must not stop those behind it: nobody would ever say `drain` for it. `injectOutbound`, where
 * the caller names one destination, throws HostUnreachableError instead.
 *
 * Whatever one route cannot do the multiplexer does not promise: MTU and GSO size are the least of all routes,
 * capabilities those that all have, the header room that of the one that needs most.
 */

import { asError, HostUnreachableError, LinkClosedError } from '../errors.ts';
import { formatIp, type IpAddress, IpMap, type LinkAddress, toIpAddress } from '../header/address.ts';
import {
  type Capabilities,
  type ClosedReason,
  type GsoSupport,
  type InjectableLinkEndpoint,
} from '../stack/link-endpoint.ts';
import type { NetworkDispatcher } from '../stack/network-dispatcher.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';
import { PacketList } from '../stack/packet-list.ts';
import { Counter } from '../stack/statistics.ts';
import { InjectableBase } from './injectable-base.ts';
import { parseNoHeader } from './link-header.ts';
import { type ClosedOption, TRANSMIT_SLOTS } from './memory-options.ts';
import { PacketStore } from './packet-store.ts';
import { RouteProperties } from './route-properties.ts';

/** How a multiplexer is made. */
export interface MuxedOptions extends ClosedOption {
  /** Remote addresses, as values or text, and the endpoints that lead there. */
  readonly routes?: Iterable<readonly [IpAddress | string, InjectableLinkEndpoint]>;
}

/** Routes by remote address. It owns the endpoints of its routes and closes them with itself. */
export class MuxedEndpoint extends InjectableBase implements NetworkDispatcher {
  readonly #routes = new IpMap<InjectableLinkEndpoint>();
  readonly #properties = new RouteProperties<InjectableLinkEndpoint>();
  readonly #transmit: PacketStore = new PacketStore(TRANSMIT_SLOTS);
  readonly #closedListeners = new Map<InjectableLinkEndpoint, (reason: ClosedReason) => void>();
  /** A list of our own between two uses: taken while a write is under way, for a delivery inside may write, too. */
  #spareRun: PacketList | null = new PacketList();
  #wantsDrain = false;
  #thrown: unknown = null;

  /** @throws TypeError when the text of a route is no address */
  constructor(options: MuxedOptions = {}) {
    super();
    if (options.closed !== undefined) this.on('closed', options.closed);
    for (const [address, endpoint] of options.routes ?? []) this.addRoute(address, endpoint);
  }

  get mtu(): number {
    return this.#properties.mtu;
  }

  get maxHeaderLength(): number {
    return this.#properties.maxHeaderLength;
  }

  /** None: every route has its own. */
  get linkAddress(): LinkAddress {
    return 0;
  }

  /** The type that all routes have, ARPHRD_NONE where they differ or there are none. */
  get hardwareType(): number {
    return this.#properties.hardwareType;
  }

  get capabilities(): Capabilities {
    return this.#properties.capabilities;
  }

  get gso(): GsoSupport {
    return this.#properties.gso;
  }

  /**
   * Leads packets for `address` to `endpoint`; replaces a route that is there. An endpoint may have several addresses.
   * @throws TypeError when the text is no address
   * @throws AlreadyAttachedError, LinkClosedError as the endpoint's `attach`, while this one is attached
   */
  addRoute(address: IpAddress | string, endpoint: InjectableLinkEndpoint): void {
    this.requireOpen('Cannot add a route');
    const key = toIpAddress(address);
    if (!this.#closedListeners.has(endpoint)) {
      if (this.isAttached) endpoint.attach(this);
      this.#listenTo(endpoint);
    }
    const previous = this.#routes.get(key);
    this.#routes.set(key, endpoint);
    if (previous !== undefined) this.#forgetUnused(previous);
    this.#properties.update(this.#closedListeners.keys());
  }

  /** Removes a route; whether it was there. An endpoint whose last route it was is detached, not closed. */
  removeRoute(address: IpAddress | string): boolean {
    const key = toIpAddress(address);
    const endpoint = this.#routes.get(key);
    if (endpoint === undefined) return false;
    this.#routes.delete(key);
    this.#forgetUnused(endpoint);
    this.#properties.update(this.#closedListeners.keys());
    return true;
  }

  /** Adds the link header of the packet's route; none where there is no route. */
  override addHeader(packet: PacketBuffer): void {
    this.#routeOf(packet)?.addHeader(packet);
  }

  /** Reads the header as the routes do where all are of one hardware type, else by IP version. */
  override parseHeader(packet: PacketBuffer): boolean {
    const { first } = this.#properties;
    const isUniform = first !== null && first.hardwareType === this.hardwareType;
    return isUniform ? first.parseHeader(packet) : parseNoHeader(packet);
  }

  /** From the slots of the first route, which another route writes just as well. */
  protected override takeSlot(payloadBytes: number): PacketBuffer | null {
    return (this.#properties.first ?? this.#transmit).allocate(payloadBytes);
  }

  /** Writes to the first route; without one the frame is dropped and counted `no-peer`. */
  override writeRawPacket(bytes: Uint8Array): boolean {
    this.requireOpen('Cannot write a frame');
    const { first } = this.#properties;
    if (first !== null) return this.#countRaw(first.writeRawPacket(bytes), bytes.length);
    this.counters.add(Counter['no-peer'], 1);
    return true;
  }

  override injectOutbound(destination: IpAddress, bytes: Uint8Array): boolean {
    this.requireOpen('Cannot write a frame');
    const endpoint = this.#routes.get(destination);
    if (endpoint === undefined) throw new HostUnreachableError(`Cannot write a frame to "${formatIp(destination)}"`);
    return this.#countRaw(endpoint.injectOutbound(destination, bytes), bytes.length);
  }

  /** Quiet when this endpoint is and those of all routes. */
  override async wait(): Promise<void> {
    await super.wait();
    await Promise.all([...this.#closedListeners.keys()].map((endpoint) => endpoint.wait()));
  }

  /** For the routes: one packet has come in. */
  deliverNetworkPacket(protocol: number, packet: PacketBuffer): void {
    try {
      this.lendInbound(protocol, packet);
    } catch (error) {
      this.#onThrown(error);
    }
  }

  /** For the routes: what came in together is delivered. */
  deliverBatchEnd(): void {
    try {
      this.dispatcher?.deliverBatchEnd?.();
    } catch (error) {
      this.#onThrown(error);
    }
  }

  protected override onAttach(): void {
    const attached: InjectableLinkEndpoint[] = [];
    try {
      for (const endpoint of this.#closedListeners.keys()) {
        endpoint.attach(this);
        attached.push(endpoint);
      }
    } catch (error) {
      for (const endpoint of attached) endpoint.attach(null);
      throw error;
    }
  }

  protected override onDetach(): void {
    for (const endpoint of [...this.#closedListeners.keys()]) endpoint.attach(null);
  }

  protected override onClose(): void {
    for (const endpoint of [...this.#closedListeners.keys()]) endpoint.close();
  }

  /** Writes runs of consecutive packets of one route, each as one batch, until a route is full. */
  protected override transmit(list: PacketList): number {
    const run = this.#spareRun ?? new PacketList();
    this.#spareRun = null;
    try {
      let from = 0;
      while (from < list.length) {
        const wanted = this.#collectRun(list, from, run);
        const accepted = this.#writeRun(run);
        from += accepted;
        if (accepted < wanted) break;
      }
      if (from < list.length) this.#wantsDrain = true;
      return from;
    } finally {
      run.clear();
      this.#spareRun = run;
    }
  }

  /** Gathers the packets from `from` on that have the same route; returns how many. */
  #collectRun(list: PacketList, from: number, run: PacketList): number {
    const route = this.#routeOf(list.at(from));
    run.clear();
    run.push(list.at(from));
    for (let at = from + 1; at < list.length && this.#routeOf(list.at(at)) === route; at++) run.push(list.at(at));
    return run.length;
  }

  #writeRun(run: PacketList): number {
    const accepted = this.#writeTo(this.#routeOf(run.at(0)), run);
    if (accepted < 0) {
      this.counters.add(Counter['no-peer'], run.length);
      return run.length;
    }
    let bytes = 0;
    for (let index = 0; index < accepted; index++) bytes += run.at(index).length;
    this.counters.add(Counter.transmittedPackets, accepted);
    this.counters.add(Counter.transmittedBytes, bytes);
    return accepted;
  }

  /** Packets accepted, or -1 where there is nobody to write to: a route that was closed behind our back is none. */
  #writeTo(route: InjectableLinkEndpoint | undefined, run: PacketList): number {
    if (route === undefined) return -1;
    try {
      return route.writePackets(run);
    } catch (error) {
      if (!(error instanceof LinkClosedError)) throw error;
      this.#forget(route);
      return -1;
    }
  }

  #routeOf(packet: PacketBuffer): InjectableLinkEndpoint | undefined {
    const { remoteAddress } = packet.egress;
    return remoteAddress === null ? undefined : this.#routes.get(remoteAddress);
  }

  #countRaw(accepted: boolean, byteCount: number): boolean {
    if (accepted) {
      this.counters.add(Counter.transmittedPackets, 1);
      this.counters.add(Counter.transmittedBytes, byteCount);
    } else this.#wantsDrain = true;
    return accepted;
  }

  #listenTo(endpoint: InjectableLinkEndpoint): void {
    const onClosed = (reason: ClosedReason): void => this.#onRouteClosed(endpoint, reason);
    this.#closedListeners.set(endpoint, onClosed);
    endpoint.on('closed', onClosed);
    endpoint.on('drain', this.#onRouteDrain);
  }

  /** A route that ended is a route no more; only what our own dispatcher threw ends the multiplexer. */
  #onRouteClosed(endpoint: InjectableLinkEndpoint, reason: ClosedReason): void {
    if (reason.kind === 'detached') return;
    this.#forget(endpoint);
    if (reason.kind === 'error' && this.#thrown !== null) {
      this.#thrown = null;
      this.end(reason);
    }
  }

  /**
   * The route that delivered is to end by it, and this endpoint with the route; `#thrown` tells that from an error of
   * the route's own. A dispatcher that detached first left no route attached that could say so.
   */
  #onThrown(error: unknown): never {
    if (this.isAttached) this.#thrown = error;
    else this.end({ kind: 'error', fd: -1, error: asError(error) });
    throw error;
  }

  readonly #onRouteDrain = (): void => {
    if (!this.#wantsDrain || this.hasEnded) return;
    this.#wantsDrain = false;
    this.emit('drain');
  };

  /** Removes all routes to `endpoint`. */
  #forget(endpoint: InjectableLinkEndpoint): void {
    for (const [address, each] of this.#routes) if (each === endpoint) this.#routes.delete(address);
    this.#forgetUnused(endpoint);
    this.#properties.update(this.#closedListeners.keys());
  }

  #forgetUnused(endpoint: InjectableLinkEndpoint): void {
    for (const each of this.#routes.values()) if (each === endpoint) return;
    const onClosed = this.#closedListeners.get(endpoint);
    if (onClosed === undefined) return;
    this.#closedListeners.delete(endpoint);
    endpoint.off('closed', onClosed);
    endpoint.off('drain', this.#onRouteDrain);
    if (this.isAttached) endpoint.attach(null);
  }
}
