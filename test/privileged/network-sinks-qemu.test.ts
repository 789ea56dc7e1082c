/**
 * QEMU drives the device of a sandbox network, by descriptors that it inherits: its firmware, iPXE, is offered an
 * address by a host on the other side of the veth, and asks for it.
 *
 *     packet socket on peer0 ══ eth0 ── model ── TAP or macvtap ── queues ── qemuSink ── QEMU, tcg ── iPXE
 */

import test, { type ExecutionContext } from 'ava';

import { OURS } from '../../cli/demo-addresses.ts';
import { openFdBased } from '../../link/fd-based.ts';
import { qemuSink } from '../../sandbox/index.ts';
import { until } from '../../testing/until.ts';
import { serialTestWithFeatures } from '../_features.ts';
import { BootHost, DISCOVER, GUEST, type Guest, hasQemu, REQUEST, startQemu } from '../link/_qemu-guest.ts';
import { type RegisterTest, withTun } from './_rights.ts';
import { attachNetwork, makeSite, type Site } from './_sinks-support.ts';

/** Without KVM, on a machine that others use, too. */
const PATIENCE_MILLISECONDS = 90_000;

/** In CI a missing guest is a failure; elsewhere it is said what to do. */
function withGuest(register: RegisterTest): RegisterTest {
  if (hasQemu || process.env['CI'] !== undefined) return register;
  return (title, run) => test.serial.skip(`${title} (no qemu-system-x86_64: run scripts/setup)`, run);
}

/** The host that the guest boots from, on the veth's far end. */
async function openBootHost(t: ExecutionContext, { peer }: Site): Promise<BootHost> {
  const socket = await peer.openPacketSocket({ interfaceName: 'peer0' });
  const endpoint = await openFdBased({ fds: socket.fds, linkAddress: OURS.linkAddress });
  t.teardown(async () => {
    endpoint.close();
    await endpoint.wait();
    socket.close();
  });
  const host = new BootHost(endpoint);
  endpoint.attach(host);
  return host;
}

const CASES = [
  ['tcfilter', 1, 1400],
  ['tcfilter', 2, 1500],
  ['bridged', 2, 1500],
  ['macvtap', 2, 1500],
] as const;

for (const [model, queues, mtu] of CASES) {
  const features = ['tap-multi-queue', ...(model === 'macvtap' ? [model] : [])] as const;
  const register = withGuest(withTun(serialTestWithFeatures(...features)));

  const title = `${model}, ${queues} queue(s): a guest of QEMU gets an offer from behind the veth, and asks for it`;
  register(title, async (t) => {
    t.timeout(2 * PATIENCE_MILLISECONDS);
    const site = await makeSite(t, GUEST, OURS.linkAddress);
    const host = await openBootHost(t, site);
    using rtnl = await site.sandbox.rtnl();
    rtnl.links.set('eth0', { mtu });
    let guest: Guest | undefined;
    const sink = qemuSink({ stop: async () => guest?.end() });
    const network = await attachNetwork(t, site, sink, { model, queues });
    t.is(sink.fds.length, queues);
    t.is(sink.argv.join().includes('host_mtu=1400'), mtu === 1400);
    guest = startQemu(t, sink.argv, sink.fds);
    await until('the guest asked for an address', () => host.dhcpTypes.length > 0, PATIENCE_MILLISECONDS);
    t.is(host.dhcpTypes[0], DISCOVER);
    const view = new DataView((host.dhcpFrames[0] as Uint8Array).buffer);
    t.is(view.getUint16(6) * 0x1_0000_0000 + view.getUint32(8), GUEST, 'it has the address of eth0');
    // It has believed our offer: frames go both ways.
    await until('the guest asked for what we offered', () => host.dhcpTypes.includes(REQUEST), PATIENCE_MILLISECONDS);
    await network.detach();
    t.true(guest.child.exitCode !== null || guest.child.signalCode !== null, 'QEMU has ended');
    t.deepEqual(sink.fds, []);
  });
}
