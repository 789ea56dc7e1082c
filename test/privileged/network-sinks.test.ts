/**
 * Our stack drives the device of a sandbox network, by every model: the kernel on the other side pings it, and speaks
 * UDP and TCP with it in super-packets.
 *
 *     peer0 ══ eth0 ── model ── TAP or macvtap ── 2 queues ── stackSink ── dispatcher
 */

import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { ExecutionContext } from 'ava';

import { type Identity, MTU, OURS } from '../../cli/demo-addresses.ts';
import { EchoDispatcher } from '../../cli/demo-echo.ts';
import { Exchange, type ExchangePlan } from '../../cli/demo-exchange.ts';
import { probe } from '../../cli/demo-probe.ts';
import { exchangeUdp } from '../../cli/demo-udp.ts';
import { formatIp, type IpAddress } from '../../header/address.ts';
import type { FdBasedEndpoint } from '../../link/fd-based.ts';
import { type NetNamespace, stackSink } from '../../sandbox/index.ts';
import { serialTestWithFeatures } from '../_features.ts';
import { assertInvariant, upTo } from '../regression/_support.ts';
import { attachNetwork, makeSite, MODELS, type Site } from './_sinks-support.ts';
import { withTun } from './_rights.ts';
import { TcpReceiver } from './_tcp-receiver.ts';

/** eth0's, which the stack uses: not the demo's. */
const LINK_ADDRESS = 0x0200_0000_0033;
const US: Identity = { ...OURS, linkAddress: LINK_ADDRESS };
const ADDRESSES = [OURS.ipv4, OURS.ipv6] as const;
/** Each a source port, for the kernel to spread over the queues: that all share one has a chance of 2 to the -31st. */
const FLOWS = 32;
/** Per address. */
const SUPER_SENDS = 10;
const LARGE: ExchangePlan = { count: 500, superSends: SUPER_SENDS, maxBytes: MTU - 48 };
const SMALL: ExchangePlan = { count: 4, superSends: 0, maxBytes: 100 };
const TCP_BYTES = 8 << 20;
/** Of an Ethernet frame's payload without offloads. */
const MSS = 1460;

/** Calls a function that begins in a namespace and goes on outside. */
function begin<T>(namespace: NetNamespace, fn: () => Promise<T>): Promise<T> {
  return namespace.runSync(() => ({ promise: fn() })).promise;
}

/** Sends by plan from a socket of its own, and has every byte verified. */
async function exchange(t: ExecutionContext, { peer }: Site, address: IpAddress, plan: ExchangePlan): Promise<void> {
  const sent = new Exchange(plan);
  await begin(peer, () => exchangeUdp(address, sent));
  const { right, wrong, missing, superSends } = sent.result();
  t.true(right > 0);
  t.deepEqual({ wrong, missing, superSends }, { wrong: 0, missing: 0, superSends: plan.superSends }, formatIp(address));
}

/** Has a process of the peer's namespace send bytes by TCP: what it says when it is through. */
function sendByTcp(t: ExecutionContext, { peer }: Site, bytes: number): Promise<string> {
  const script = fileURLToPath(new URL('_tcp-peer.js', import.meta.url));
  const args = [script, 'connect', formatIp(OURS.ipv4), String(bytes)];
  const stdio = ['ignore', 'pipe', 'inherit'] satisfies StdioOptions;
  const child: ChildProcess = peer.runSync(() => spawn(process.execPath, args, { stdio }));
  t.teardown(() => child.kill('SIGKILL'));
  let output = '';
  child.stdout?.on('data', (text: Buffer) => (output += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(output) : reject(new Error(`The peer ended with ${code}`))));
  });
}

for (const model of MODELS) {
  const features = ['tap-multi-queue', 'tap-udp-offload', ...(model === 'macvtap' ? [model] : [])] as const;
  const register = withTun(serialTestWithFeatures(...features));

  register(`${model}: ping and UDP cross from a veth into our stack and back, in super-packets`, async (t) => {
    const site = await makeSite(t, LINK_ADDRESS);
    const sink = stackSink({ dispatcher: (endpoint) => new EchoDispatcher(endpoint, US, false) });
    const network = await attachNetwork(t, site, sink, { model, queues: 2 });
    const [endpoint] = [...sink.endpoints.values()] as [FdBasedEndpoint];
    t.is(endpoint.linkAddress, LINK_ADDRESS);
    t.is(endpoint.fds.length, 2);
    for (const address of ADDRESSES) {
      const { sent, received } = await begin(site.peer, () => probe(address, AbortSignal.timeout(10_000)));
      t.is(received, sent, `${formatIp(address)} answers ping`);
    }
    for (const address of ADDRESSES) await exchange(t, site, address, LARGE);
    for (const flow of upTo(FLOWS)) await exchange(t, site, ADDRESSES[flow % 2]!, SMALL);
    // The kernel cuts UDP for a macvtap whatever offloads its reader takes (drivers/net/tap.c, set_offload).
    const least = model === 'macvtap' ? 0 : 2 * SUPER_SENDS;
    t.true(endpoint.statistics.get('receivedSuperPackets') >= least);
    t.true(endpoint.statistics.get('transmittedSuperPackets') >= least);
    t.is(endpoint.statistics.get('truncated'), 0);
    assertInvariant(t, endpoint);
    await network.detach();
    t.true(endpoint.isClosed);
    t.is(sink.endpoints.size, 0);
  });

  register(`${model}: the kernel's TCP sends to our stack in super-segments, and every byte arrives`, async (t) => {
    const site = await makeSite(t, LINK_ADDRESS);
    const receivers: TcpReceiver[] = [];
    const sink = stackSink({
      dispatcher: (endpoint) => {
        receivers.push(new TcpReceiver(endpoint, US));
        return receivers[0]!;
      },
    });
    await attachNetwork(t, site, sink, { model, queues: 2 });
    const said = JSON.parse(await sendByTcp(t, site, TCP_BYTES)) as { bytes: number; digest: string };
    const [receiver] = receivers as [TcpReceiver];
    t.deepEqual({ bytes: receiver.bytes, digest: receiver.digest() }, said);
    t.is(receiver.bytes, TCP_BYTES);
    t.true(receiver.longest > 10 * MSS, `the longest payload had ${receiver.longest} bytes`);
    const [endpoint] = [...sink.endpoints.values()] as [FdBasedEndpoint];
    t.true(endpoint.statistics.get('receivedSuperPackets') > 100);
    assertInvariant(t, endpoint);
  });
}
