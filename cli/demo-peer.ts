/**
 * Where no namespace can be made, nobody but us can talk to us: a scripted peer on the other end of a socketpair, an
 * fd-based endpoint itself. It asks for our link address (ARP, NDP), sends echo requests, and then the same UDP as the
 * kernel does in the other tiers, super-packets included, for this link has a virtio-net header, too.
 */

import { LinkpointError } from '../errors.ts';
import { requestSegmentation } from '../gso/index.ts';
import { ipv6MulticastLinkAddress, formatIp, LINK_BROADCAST, solicitedNodeMulticast } from '../header/address.ts';
import type { IpAddress, LinkAddress } from '../header/address.ts';
import * as arp from '../header/arp.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../header/ethernet.ts';
import * as icmpv4 from '../header/icmpv4.ts';
import * as icmpv6 from '../header/icmpv6.ts';
import * as ndp from '../header/ndp.ts';
import { PROTOCOL_ICMPV4, PROTOCOL_ICMPV6, PROTOCOL_UDP } from '../header/protocol.ts';
import { buildIp } from '../header/send-ip.ts';
import * as udp from '../header/udp.ts';
import { type FdBasedEndpoint, openFdBased } from '../link/fd-based.ts';
import type { NetworkDispatcher } from '../stack/network-dispatcher.ts';
import type { PacketBuffer } from '../stack/packet-buffer.ts';
import { PacketList } from '../stack/packet-list.ts';
import { ECHO_PORT, MTU, OURS, THEIRS } from './demo-addresses.ts';
import { ExchangeDriver } from './demo-drive.ts';
import { Exchange, type Sending } from './demo-exchange.ts';
import type { NamedExchange, ResultMessage } from './demo-messages.ts';
import { readReply, type Reply } from './demo-peer-replies.ts';
import { planExchange } from './demo-plan.ts';
import type { ProbeResult } from './demo-probe.ts';

/** Echo requests per address. */
const REQUESTS = 3;
/** Longest wait for a reply. */
const REPLY_MILLISECONDS = 2000;
/** Where the peer sends from. */
const SOURCE_PORT = 40_000;

/** Bytes of virtio-net header on both ends of the pair. */
export const PEER_VNET_HEADER_BYTES = 10;

/**
 * Talks over `fd`, the other end of the pair, by the script; `count` datagrams, super-sends not counted.
 * @param signal ends the talk, which then rejects; nothing polls `fd` any more
 */
export async function talkByScript(fd: number, count: number, signal: AbortSignal): Promise<ResultMessage> {
  const peer = await ScriptedPeer.open(fd);
  signal.addEventListener('abort', () => peer.close(), { once: true });
  try {
    signal.throwIfAborted();
    const probes: ProbeResult[] = [];
    const exchanges: NamedExchange[] = [];
    for (const address of [OURS.ipv4, OURS.ipv6]) probes.push(await peer.probe(address));
    for (const address of [OURS.ipv4, OURS.ipv6]) exchanges.push(await peer.exchange(address, count));
    return { kind: 'result', probes, exchanges };
  } finally {
    peer.close();
  }
}

class ScriptedPeer implements NetworkDispatcher {
  readonly #endpoint: FdBasedEndpoint;
  readonly #list = new PacketList();
  #linkAddress: LinkAddress = LINK_BROADCAST;
  #exchange: Exchange | null = null;
  #driver: ExchangeDriver | null = null;
  #awaited: ((reply: Reply) => void) | null = null;

  static async open(fd: number): Promise<ScriptedPeer> {
    const { linkAddress } = THEIRS;
    const link = { mtu: MTU, ethernetHeader: true, vnetHeaderBytes: PEER_VNET_HEADER_BYTES, linkAddress } as const;
    return new ScriptedPeer(await openFdBased({ fds: [fd], ...link }));
  }

  constructor(endpoint: FdBasedEndpoint) {
    this.#endpoint = endpoint;
    endpoint.on('drain', () => this.#driver?.step());
    endpoint.attach(this);
  }

  /** Also ends an exchange that is under way, which would wait for answers. */
  close(): void {
    this.#endpoint.close();
    this.#driver?.fail(new LinkpointError('ERR_DEMO', 'the demo has ended'));
  }

  deliverNetworkPacket(protocol: number, packet: PacketBuffer): void {
    const reply = readReply(protocol, packet);
    if (reply === null) return;
    if (reply.kind === 'datagram') this.#checkEcho(packet, reply.at, reply.end);
    else this.#awaited?.(reply);
  }

  deliverBatchEnd(): void {
    this.#driver?.step();
  }

  /** Resolves our link address, then asks for an echo a few times. */
  async probe(address: IpAddress): Promise<ProbeResult> {
    let received = 0;
    const resolved = await this.#ask(() => this.#askForLinkAddress(address));
    if (resolved?.kind === 'link-address') this.#linkAddress = resolved.linkAddress;
    for (let sequence = 1; resolved !== null && sequence <= REQUESTS; sequence++) {
      const reply = await this.#ask(() => this.#askForEcho(address, sequence));
      if (reply?.kind === 'echo' && reply.sequence === sequence) received++;
    }
    return { address: formatIp(address), tool: 'script', sent: REQUESTS, received };
  }

  async exchange(address: IpAddress, count: number): Promise<NamedExchange> {
    const exchange = new Exchange(planExchange(count, address));
    this.#exchange = exchange;
    this.#driver = new ExchangeDriver(exchange, (sending) => this.#trySend(address, sending));
    await this.#driver.run();
    return { address: formatIp(address), ...exchange.result() };
  }

  #ask(send: () => void): Promise<Reply | null> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#awaited?.(null as never), REPLY_MILLISECONDS);
      this.#awaited = (reply) => {
        clearTimeout(timer);
        this.#awaited = null;
        resolve(reply);
      };
      send();
    });
  }

  #askForLinkAddress(address: IpAddress): void {
    if (typeof address === 'number') {
      const packet = this.#allocate(arp.HEADER_BYTES);
      arp.request(packet.view, packet.start, THEIRS.linkAddress, THEIRS.ipv4, address);
      packet.egress.remoteLinkAddress = LINK_BROADCAST;
      packet.egress.protocol = ETHERTYPE_ARP;
      this.#endpoint.addHeader(packet);
      this.#write(packet);
      return;
    }
    const group = solicitedNodeMulticast(address);
    const packet = this.#allocate(ndp.NEIGHBOR_BYTES + 8);
    ndp.neighborSolicitation(packet.view, packet.start, address, THEIRS.linkAddress);
    this.#sendIp(packet, group, PROTOCOL_ICMPV6, ipv6MulticastLinkAddress(group));
  }

  #askForEcho(address: IpAddress, sequence: number): void {
    const isIpv4 = typeof address === 'number';
    const packet = this.#allocate(icmpv4.HEADER_BYTES);
    const type = isIpv4 ? icmpv4.TYPE_ECHO_REQUEST : icmpv6.TYPE_ECHO_REQUEST;
    icmpv4.emit({ type, code: 0, checksum: 0, identifier: 1, sequence }, packet.view, packet.start);
    this.#sendIp(packet, address, isIpv4 ? PROTOCOL_ICMPV4 : PROTOCOL_ICMPV6, this.#linkAddress);
  }

  #trySend(address: IpAddress, sending: Sending): boolean {
    const bytes = udp.HEADER_BYTES + sending.bytes;
    const packet = this.#allocate(bytes);
    const { pattern } = this.#exchange as Exchange;
    packet.bytes.set(pattern.subarray(sending.at, sending.at + sending.bytes), packet.start + udp.HEADER_BYTES);
    const ports = { sourcePort: SOURCE_PORT, destinationPort: ECHO_PORT };
    udp.emit({ ...ports, payloadBytes: sending.bytes, checksum: 0 }, packet.view, packet.start);
    return this.#sendIp(packet, address, PROTOCOL_UDP, this.#linkAddress, sending.segmentBytes);
  }

  /** Puts IP and Ethernet before the packet and writes it. */
  #sendIp(packet: PacketBuffer, to: IpAddress, protocol: number, link: LinkAddress, segmentBytes = 0): boolean {
    const isIpv4 = typeof to === 'number';
    buildIp(
      {
        source: isIpv4 ? THEIRS.ipv4 : THEIRS.ipv6,
        destination: to,
        protocol,
        sourceLinkAddress: THEIRS.linkAddress,
        destinationLinkAddress: link,
      },
      packet,
    );
    packet.linkOffset = packet.start;
    packet.networkOffset = packet.start + this.#endpoint.maxHeaderLength;
    packet.egress.protocol = isIpv4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
    if (segmentBytes !== 0) requestSegmentation(packet, segmentBytes);
    return this.#write(packet);
  }

  #allocate(bytes: number): PacketBuffer {
    const packet = this.#endpoint.allocate(bytes);
    if (packet === null) throw new RangeError(`Cannot allocate ${bytes} bytes: all slots are taken`);
    return packet;
  }

  #write(packet: PacketBuffer): boolean {
    this.#list.clear();
    this.#list.push(packet);
    const accepted = this.#endpoint.writePackets(this.#list);
    packet.release();
    return accepted === 1;
  }

  /** A super-packet is checked as the datagrams that it stands for. */
  #checkEcho(packet: PacketBuffer, at: number, end: number): void {
    const step = packet.gsoType === 'none' ? Math.max(end - at, 1) : packet.gsoSize;
    for (let from = at; from < end; from += step) {
      this.#exchange?.answer(packet.bytes.subarray(from, Math.min(from + step, end)));
    }
  }
}
