import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { OURS } from '../../cli/demo-addresses.ts';
import { connectQemuStream, listenQemuStream } from '../../link/qemu-connect.ts';
import type { QemuStreamEndpoint } from '../../link/qemu-stream.ts';
import type { ClosedReason } from '../../stack/index.ts';
import { delay } from '../native/_support.ts';
import { BootHost, DISCOVER, GUEST, hasQemu, startGuest } from './_qemu-guest.ts';

const linkAddress = OURS.linkAddress;
/** Without KVM, on a machine that others use, too. */
const PATIENCE_MILLISECONDS = 90_000;
const signal = (): AbortSignal => AbortSignal.timeout(PATIENCE_MILLISECONDS);

// In CI a missing guest is a failure; elsewhere it is said what to do.
const withGuest = hasQemu || process.env['CI'] !== undefined ? test.serial : test.serial.skip;
const title = (text: string): string => (hasQemu ? text : `${text} (no qemu-system-x86_64: run scripts/setup)`);

/** Resolves once `condition` holds. */
async function eventually(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MILLISECONDS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Timed out waiting until ${what}`);
    await delay(20);
  }
}

async function tryConnect(path: string): Promise<QemuStreamEndpoint | null> {
  try {
    return await connectQemuStream({ path, linkAddress });
  } catch {
    return null; // the socket is not there yet, or is bound and nobody listens yet
  }
}

function socketPath(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'linkpoint-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  return join(directory, 'guest.sock');
}

/** Attaches a host to the guest's endpoint, and waits for the guest's first words. */
async function untilDiscovered(t: ExecutionContext, endpoint: QemuStreamEndpoint): Promise<BootHost> {
  t.teardown(() => endpoint.close());
  const host = new BootHost(endpoint);
  endpoint.attach(host);
  await eventually(() => host.dhcpTypes.length > 0, 'the guest asked for an address');
  t.is(host.dhcpTypes[0], DISCOVER);
  const view = new DataView((host.dhcpFrames[0] as Uint8Array).buffer);
  t.is(view.getUint16(0) * 0x1_0000_0000 + view.getUint32(2), 0xffff_ffff_ffff);
  t.is(view.getUint16(6) * 0x1_0000_0000 + view.getUint32(8), GUEST);
  return host;
}

withGuest(title('a guest of QEMU gets an address, resolves ours and asks us for a file; its end hangs up'), async (t) => {
  t.timeout(2 * PATIENCE_MILLISECONDS);
  const path = socketPath(t);
  await using server = await listenQemuStream({ path, linkAddress });
  const guest = startGuest(t, `stream,id=n0,server=off,addr.type=unix,addr.path=${path}`);
  const endpoint = await server.accept({ signal: signal() });
  const reasons: ClosedReason[] = [];
  endpoint.on('closed', (reason) => reasons.push(reason));
  const host = await untilDiscovered(t, endpoint);
  // Sent to our link address: the guest has believed our ARP reply.
  await eventually(() => host.tftpFiles.length > 0, 'the guest asked for its boot file');
  t.is(host.tftpFiles[0], 'boot');
  t.true(host.arpRequests > 0);
  const { statistics } = endpoint;
  t.is(statistics.get('receivedPackets'), statistics.get('deliveredPackets') + statistics.inboundDrops);
  await guest.end();
  await eventually(() => reasons.length > 0, 'closed was emitted');
  t.deepEqual(reasons, [{ kind: 'hangup', fd: endpoint.fd }]);
});

withGuest(title('a guest of QEMU that connects by tcp, -netdev socket, is heard'), async (t) => {
  t.timeout(2 * PATIENCE_MILLISECONDS);
  await using server = await listenQemuStream({ port: 0, linkAddress });
  startGuest(t, `socket,id=n0,connect=127.0.0.1:${server.port}`);
  await untilDiscovered(t, await server.accept({ signal: signal() }));
});

withGuest(title('a guest of QEMU that listens, server=on, is connected to and heard'), async (t) => {
  t.timeout(2 * PATIENCE_MILLISECONDS);
  const path = socketPath(t);
  startGuest(t, `stream,id=n0,server=on,addr.type=unix,addr.path=${path}`);
  let endpoint: QemuStreamEndpoint | null = null;
  await eventually(async () => (endpoint = await tryConnect(path)) !== null, 'QEMU listens');
  await untilDiscovered(t, endpoint as unknown as QemuStreamEndpoint);
});
