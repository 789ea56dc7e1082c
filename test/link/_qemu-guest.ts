/**
 * A guest of QEMU whose firmware, iPXE, boots from the network, and the host that it finds there.
 *
 *     guest                                          us, 192.0.2.2
 *     DHCP discover, broadcast             ────►
 *                                          ◄────     offer 192.0.2.1
 *     DHCP request                         ────►
 *                                          ◄────     acknowledge; "boot" is at 192.0.2.2
 *     ARP who has 192.0.2.2                ────►
 *                                          ◄────     02:00:00:00:00:02
 *     TFTP read request, to that address   ────►
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

import type { ExecutionContext } from 'ava';

import { OURS, THEIRS } from '../../cli/demo-addresses.ts';
import { EchoDispatcher } from '../../cli/demo-echo.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV4 } from '../../header/ethernet.ts';
import * as ipv4 from '../../header/ipv4.ts';
import { PROTOCOL_UDP } from '../../header/protocol.ts';
import { buildIpFrame } from '../../header/send-ip.ts';
import * as udp from '../../header/udp.ts';
import type { LinkEndpoint, NetworkDispatcher, PacketBuffer } from '../../stack/index.ts';

/** 02:00:00:00:00:07, the guest. */
export const GUEST = 0x0200_0000_0007;
const QEMU = 'qemu-system-x86_64';

/** QEMU is there. */
export const hasQemu: boolean = spawnSync(QEMU, ['--version']).status === 0;

/** A guest that runs. */
export interface Guest {
  readonly child: ChildProcess;
  /** Ends it; idempotent. */
  readonly end: () => Promise<void>;
}

/** Starts a guest with the given network; it is ended by its process id when the test is over, also when it fails. */
export function startGuest(t: ExecutionContext, netdev: string): Guest {
  // The default ROM of the card is iPXE; given by `romfile` it does not start.
  return startQemu(t, ['-netdev', netdev, '-device', 'virtio-net-pci,netdev=n0,mac=02:00:00:00:00:07']);
}

/** As `startGuest`, with arguments for back end and card, and descriptors that are QEMU's from 3 on. */
export function startQemu(t: ExecutionContext, network: readonly string[], fds: readonly number[] = []): Guest {
  const machine = ['-machine', 'accel=tcg', '-display', 'none', '-nodefaults', '-m', '64', '-boot', 'n'];
  const child = spawn(QEMU, [...machine, ...network], { stdio: ['ignore', 'ignore', 'pipe', ...fds] });
  child.stderr?.on('data', (text: Buffer) => t.log(text.toString().trim()));
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    kill();
    await once(child, 'exit');
    process.off('exit', kill);
  };
  t.teardown(end);
  return { child, end };
}

const DHCP_SERVER_PORT = 67;
const DHCP_CLIENT_PORT = 68;
const TFTP_PORT = 69;
// RFC 2131 section 2: op, xid, yiaddr, siaddr, chaddr, file, and the options behind the magic cookie.
const DHCP = { xid: 4, yourAddress: 16, serverAddress: 20, clientLinkAddress: 28, file: 108, options: 240 } as const;
const DHCP_BYTES = 300;
const MESSAGE_TYPE = 53;
/** DHCPDISCOVER, and the offer that answers it; DHCPREQUEST, and the acknowledgement. RFC 2132 section 9.6. */
export const DISCOVER = 1;
const OFFER = 2;
/** DHCPREQUEST. */
export const REQUEST = 3;
const ACKNOWLEDGE = 5;

/** Gives the guest an address by DHCP; ARP and echo are answered by the demo's dispatcher. Records what it sees. */
export class BootHost implements NetworkDispatcher {
  /** Type of each DHCP message, in order. */
  readonly dhcpTypes: number[] = [];
  /** Frames of DHCP messages, as they came. */
  readonly dhcpFrames: Uint8Array[] = [];
  /** Senders of ARP requests for our address. */
  arpRequests = 0;
  /** File names of TFTP read requests that were sent to our link address. */
  readonly tftpFiles: string[] = [];
  readonly #endpoint: LinkEndpoint;
  readonly #echo: EchoDispatcher;

  constructor(endpoint: LinkEndpoint) {
    this.#endpoint = endpoint;
    this.#echo = new EchoDispatcher(endpoint, OURS, true);
  }

  deliverNetworkPacket(protocol: number, packet: PacketBuffer): void {
    if (protocol === ETHERTYPE_ARP) this.arpRequests++;
    if (protocol !== ETHERTYPE_IPV4 || !this.#takeUdp(packet)) this.#echo.deliverNetworkPacket(protocol, packet);
  }

  deliverBatchEnd(): void {
    this.#echo.deliverBatchEnd();
  }

  #takeUdp(packet: PacketBuffer): boolean {
    const { view, networkOffset: at, end, bytes } = packet;
    if (!ipv4.isValid(view, at, end) || ipv4.protocol(view, at) !== PROTOCOL_UDP) return false;
    const transport = ipv4.payloadAt(view, at);
    const payload = bytes.slice(transport + udp.HEADER_BYTES, ipv4.packetEnd(view, at));
    const port = udp.destinationPort(view, transport);
    if (port === DHCP_SERVER_PORT) {
      this.dhcpFrames.push(packet.copyBytes());
      this.#answerDhcp(payload);
    } else if (port === TFTP_PORT && packet.packetType === 'host') {
      // | opcode 2 | file name, NUL | mode, NUL |
      this.tftpFiles.push(Buffer.from(payload.subarray(2)).toString('latin1').split('\0')[0] as string);
    } else return false;
    return true;
  }

  #answerDhcp(message: Uint8Array): void {
    const type = messageType(message);
    this.dhcpTypes.push(type);
    if (type !== DISCOVER && type !== REQUEST) return;
    const segment = udpSegment(dhcpReply(message, type === DISCOVER ? OFFER : ACKNOWLEDGE));
    const addresses = { sourceLinkAddress: OURS.linkAddress, destinationLinkAddress: GUEST };
    const route = { source: OURS.ipv4, destination: THEIRS.ipv4, protocol: PROTOCOL_UDP };
    this.#endpoint.writeRawPacket(buildIpFrame({ ...addresses, ...route }, segment));
  }
}

/** Options are | code 1 | length 1 | value |; 0 is padding. */
function messageType(message: Uint8Array): number {
  for (let at: number = DHCP.options; at + 2 < message.length; ) {
    const code = message[at] as number;
    if (code === MESSAGE_TYPE) return message[at + 2] as number;
    at += code === 0 ? 1 : 2 + (message[at + 1] as number);
  }
  return 0;
}

function dhcpReply(request: Uint8Array, type: number): Uint8Array {
  const reply = new Uint8Array(DHCP_BYTES);
  const view = new DataView(reply.buffer);
  reply.set([2, 1, 6, 0]); // BOOTREPLY, Ethernet, 6 bytes of link address
  reply.set(request.subarray(DHCP.xid, DHCP.xid + 4), DHCP.xid);
  view.setUint32(DHCP.yourAddress, THEIRS.ipv4);
  view.setUint32(DHCP.serverAddress, OURS.ipv4);
  reply.set(request.subarray(DHCP.clientLinkAddress, DHCP.clientLinkAddress + 16), DHCP.clientLinkAddress);
  reply.set(new TextEncoder().encode('boot'), DHCP.file);
  // Magic cookie, type, server 192.0.2.2, lease of an hour, mask 255.255.255.0, end.
  const server = [54, 4, 192, 0, 2, 2];
  reply.set([99, 130, 83, 99, MESSAGE_TYPE, 1, type, ...server, 51, 4, 0, 0, 14, 16, 1, 4, 255, 255, 255, 0, 255], 236);
  return reply;
}

function udpSegment(payload: Uint8Array): Uint8Array {
  const segment = new Uint8Array(udp.HEADER_BYTES + payload.length);
  const view = new DataView(segment.buffer);
  view.setUint16(0, DHCP_SERVER_PORT);
  view.setUint16(2, DHCP_CLIENT_PORT);
  view.setUint16(4, segment.length);
  segment.set(payload, udp.HEADER_BYTES);
  return segment;
}
