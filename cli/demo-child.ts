/**
 * The demo's other half, a process of its own: it makes a network namespace and a device in it, passes the device's
 * descriptor to the demo, and then is the kernel's side: it pings and exchanges UDP through sockets of that namespace.
 *
 *     tap    | namespace:  "tap0" 192.0.2.1 ─── queue ────────────────────────┼──► descriptor
 *     veth   | namespace:  "veth0" 192.0.2.1 ═══ "veth1" ─── AF_PACKET ───────┼──► descriptor
 *
 * The namespace has no name: it goes with this process and the descriptor. This process goes with the demo, whatever
 * ends that: it notices the closed socket, descriptor 3.
 */

import { LinkpointError } from '../errors.ts';
import { formatIp } from '../header/address.ts';
import { openPacketSocket } from '../link/open-packet-socket.ts';
import { openTap } from '../link/open-tun.ts';
import {
  addIpv4Address,
  addIpv6Address,
  constants as c,
  createNetworkNamespace,
  disableDad,
  enterNamespace,
  setInterfaceMtu,
  setInterfaceUp,
} from '../native/index.ts';
import { createVeth } from '../sandbox/veth.ts';
import { listenToParent } from '../sandbox/child.ts';
import { IPV4_PREFIX_LENGTH, IPV6_PREFIX_LENGTH, MTU, OURS, THEIRS } from './demo-addresses.ts';
import { Exchange } from './demo-exchange.ts';
import type { ChildMessage, NamedExchange, Refusal, StartMessage, Tier } from './demo-messages.ts';
import { planExchange } from './demo-plan.ts';
import { probe } from './demo-probe.ts';
import { exchangeUdp } from './demo-udp.ts';
import type { MessageSocket } from '../sandbox/message-socket.ts';

type Parent = MessageSocket<StartMessage, ChildMessage>;

/** Of the AF_PACKET socket: the window and what the kernel charges for it. */
const PACKET_BUFFER_BYTES = 4 << 20;

/** Longer than duplicate address detection takes: up to a second of delay and one of waiting (RFC 4862 section 5.4). */
const DAD_MILLISECONDS = 2500;
let isTentative = false;

/** What the demo asks for, as the process's argument. */
export interface DemoTask {
  readonly tiers: readonly Tier[];
  /** Datagrams, super-sends not counted. */
  readonly count: number;
}

interface Device {
  readonly tier: Tier;
  readonly name: string;
  readonly fd: number;
  readonly offloads: boolean;
  close(): void;
}

/** Runs the child; `task` is the JSON of a DemoTask. */
export function runChild(task: string): void {
  const { tiers, count } = JSON.parse(task) as DemoTask;
  const ended = new AbortController();
  const parent = listenToParent<StartMessage, ChildMessage>(
    () => void talk(count, ended.signal).catch(failure).then((message) => parent.send(message)),
    () => ended.abort(), // which ends a ping
  );
  try {
    openDevice(tiers, parent);
  } catch (error) {
    parent.send(failure(error));
  }
}

/** Makes the first of the tiers that can be made, and passes its descriptor. */
function openDevice(tiers: readonly Tier[], parent: Parent): void {
  const refused: Refusal[] = [];
  for (const tier of tiers) {
    try {
      // A namespace each: what a refused tier has left behind is out of the way.
      enterNamespace(createNetworkNamespace());
      const device = tier === 'tap' ? makeTap() : makeVeth();
      parent.send({ kind: 'device', tier, name: device.name, offloads: device.offloads, refused }, [device.fd]);
      device.close();
      return;
    } catch (error) {
      refused.push({ tier, reason: (error as Error).message });
    }
  }
  const reasons = refused.map(({ tier, reason }) => `${tier}: ${reason}`).join('; ');
  parent.send({ kind: 'failure', message: reasons, code: 'ERR_NO_DEVICE', refused });
}

function makeTap(): Device {
  const tap = openTap({ name: 'tap0', vnetHeaderBytes: 12 });
  configure(tap.name);
  const offloads = (tap.offloads & c.TUN_F_USO4) !== 0;
  return { tier: 'tap', name: tap.name, fd: tap.fd, offloads, close: () => tap.close() };
}

function makeVeth(): Device {
  createVeth({ name: 'veth0', peerName: 'veth1' });
  setInterfaceUp('veth1', true);
  configure('veth0');
  const socket = openPacketSocket({ interfaceName: 'veth1', vnetHeaderBytes: 10, bufferBytes: PACKET_BUFFER_BYTES });
  return { tier: 'veth', name: socket.name, fd: socket.fd, offloads: true, close: () => socket.close() };
}

function configure(name: string): void {
  isTentative = !tryDisableDad(name);
  setInterfaceMtu(name, MTU);
  addIpv4Address(name, THEIRS.ipv4, IPV4_PREFIX_LENGTH);
  setInterfaceUp(name, true);
  addIpv6Address(name, THEIRS.ipv6, IPV6_PREFIX_LENGTH);
}

/** Whether duplicate address detection is off, so that the IPv6 address can be used at once. */
function tryDisableDad(name: string): boolean {
  try {
    disableDad(name);
    return true;
  } catch {
    return false; // /proc/sys is read-only in some containers: then it takes its time
  }
}

async function talk(count: number, signal: AbortSignal): Promise<ChildMessage> {
  const addresses = [OURS.ipv4, OURS.ipv6];
  if (isTentative) await new Promise((resolve) => setTimeout(resolve, DAD_MILLISECONDS));
  const probes = [];
  for (const address of addresses) probes.push(await probe(address, signal));
  const exchanges: NamedExchange[] = [];
  for (const address of addresses) {
    const exchange = new Exchange(planExchange(count, address));
    await exchangeUdp(address, exchange);
    exchanges.push({ address: formatIp(address), ...exchange.result() });
  }
  return { kind: 'result', probes, exchanges };
}

function failure(error: unknown): ChildMessage {
  const code = error instanceof LinkpointError ? error.code : 'ERR_DEMO';
  return { kind: 'failure', message: error instanceof Error ? error.message : String(error), code, refused: [] };
}
