import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { connectQemuStream, listenQemuStream, type QemuStreamServer } from '../../link/qemu-connect.ts';
import type { QemuStreamEndpoint } from '../../link/qemu-stream.ts';
import { packetOver } from '../../link/raw-packet.ts';
import type { StreamAddress } from '../../link/stream-address.ts';
import { type ClosedReason, PacketList } from '../../stack/index.ts';
import { fdCount, until } from '../native/_support.ts';
import { ethernetFrame, Recorder } from './_fd-support.ts';

function socketPath(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'linkpoint-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  return join(directory, 'guest.sock');
}

async function listenOn(t: ExecutionContext, address: StreamAddress): Promise<QemuStreamServer> {
  const server = await listenQemuStream(address);
  t.teardown(() => server.close());
  return server;
}

function closeEndpoints(t: ExecutionContext, ...endpoints: QemuStreamEndpoint[]): void {
  t.teardown(() => endpoints.forEach((endpoint) => endpoint.close()));
}

const transports: Record<string, (t: ExecutionContext) => StreamAddress> = {
  'a unix socket': (t) => ({ path: socketPath(t) }),
  'an abstract unix socket': () => ({ path: `\0linkpoint-test-${process.pid}` }),
  'tcp over IPv4': () => ({ port: 0 }),
  'tcp over IPv6': () => ({ host: '::1', port: 0 }),
};

for (const [name, addressOf] of Object.entries(transports)) {
  test(`frames cross in both directions over ${name}, and a hang-up is seen`, async (t) => {
    const address = addressOf(t);
    const server = await listenOn(t, address);
    const target = address.path === undefined ? { ...address, port: server.port } : address;
    const [client, guest] = await Promise.all([connectQemuStream(target), server.accept()]);
    closeEndpoints(t, client, guest);
    const [up, down] = [new Recorder(), new Recorder()];
    const reasons: ClosedReason[] = [];
    guest.on('closed', (reason) => reasons.push(reason));
    guest.attach(up);
    client.attach(down);
    t.is(client.writePackets(PacketList.of(packetOver(ethernetFrame(100, 1), 14))), 1);
    t.is(guest.writePackets(PacketList.of(packetOver(ethernetFrame(1500, 2), 14))), 1);
    await until(() => up.frames.length === 1 && down.frames.length === 1, 'both frames were delivered');
    t.deepEqual([...up.frames, ...down.frames], [ethernetFrame(100, 1), ethernetFrame(1500, 2)]);
    client.close();
    await until(() => reasons.length > 0, 'closed was emitted');
    t.is(reasons[0]?.kind, 'hangup');
  });
}

test('every guest is an endpoint of its own, in the order of connecting, until the server is closed', async (t) => {
  const path = socketPath(t);
  const server = await listenOn(t, { path });
  const clients: QemuStreamEndpoint[] = [];
  for (let count = 0; count < 3; count++) clients.push(await connectQemuStream({ path }));
  closeEndpoints(t, ...clients);
  clients.forEach((client, index) => client.writeRawPacket(ethernetFrame(60, index)));
  const recorders: Recorder[] = [];
  for await (const guest of server) {
    closeEndpoints(t, guest);
    const recorder = new Recorder();
    recorders.push(recorder);
    guest.attach(recorder);
    if (recorders.length === 3) server.close();
  }
  await until(() => recorders.every(({ frames }) => frames.length === 1), 'every guest was heard');
  t.deepEqual(recorders.map(({ frames }) => frames[0]), [0, 1, 2].map((seed) => ethernetFrame(60, seed)));
});

test('close() ends the waiting, and removes the path', async (t) => {
  const path = socketPath(t);
  const server = await listenOn(t, { path });
  const waiting = [server.accept(), server.accept()];
  t.true(existsSync(path));
  server.close();
  server.close();
  for (const accepted of waiting) await t.throwsAsync(accepted, { code: 'ERR_LINK_CLOSED' });
  t.false(existsSync(path));
  await t.throwsAsync(server.accept(), { code: 'ERR_LINK_CLOSED' });
});

test('a signal ends one wait, and the next in line gets the guest', async (t) => {
  const path = socketPath(t);
  const server = await listenOn(t, { path });
  const controllers = [new AbortController(), new AbortController()];
  const [first, second] = controllers.map(({ signal }) => server.accept({ signal }));
  const third = server.accept();
  for (const controller of controllers.reverse()) controller.abort(new Error('enough'));
  await t.throwsAsync(second!, { message: 'enough' });
  await t.throwsAsync(first!, { message: 'enough' });
  const client = await connectQemuStream({ path });
  const guest = await third;
  closeEndpoints(t, client, guest);
  t.true(client.writeRawPacket(ethernetFrame(60)));
});

test('where nobody listens, the error names the address and what is required', async (t) => {
  const path = socketPath(t);
  await t.throwsAsync(connectQemuStream({ path }), { code: 'ENOENT', message: /guest\.sock.*a listener is required/ });
  const server = await listenOn(t, { port: 0 });
  const { port } = server;
  server.close();
  await t.throwsAsync(connectQemuStream({ port }), { code: 'ECONNREFUSED', message: /"127\.0\.0\.1:\d+".*a listener/ });
  await t.throwsAsync(connectQemuStream({ port: 65_536 }), { code: 'ERR_INVALID_OPTION' });
});

test('where another one listens, the error says so', async (t) => {
  const path = socketPath(t);
  await listenOn(t, { path });
  await t.throwsAsync(listenQemuStream({ path }), { code: 'EADDRINUSE', message: /another one listens there/ });
});

test('an option that is absurd closes the connection', async (t) => {
  const path = socketPath(t);
  const server = await listenOn(t, { path });
  await t.throwsAsync(connectQemuStream({ path, mtu: 0 }), { code: 'ERR_INVALID_OPTION' });
  const guest = await server.accept();
  closeEndpoints(t, guest);
  const reasons: ClosedReason[] = [];
  guest.on('closed', (reason) => reasons.push(reason));
  guest.attach(new Recorder());
  await until(() => reasons.length > 0, 'closed was emitted');
  t.is(reasons[0]?.kind, 'hangup');
});

test("a net.Socket of Node's is understood", async (t) => {
  const path = socketPath(t);
  const server = await listenOn(t, { path });
  const socket = connect(path);
  t.teardown(() => socket.destroy());
  const frame = ethernetFrame(60, 1);
  socket.write(Buffer.from([0, 0, 0, frame.length, ...frame]));
  const guest = await server.accept();
  closeEndpoints(t, guest);
  const recorder = new Recorder();
  guest.attach(recorder);
  await until(() => recorder.frames.length === 1, 'the frame was delivered');
  guest.writeRawPacket(recorder.frames[0]!);
  const echo = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
  t.deepEqual(new Uint8Array(echo), Uint8Array.of(0, 0, 0, frame.length, ...frame));
});

test.serial('100 connections leave the descriptors as they were', async (t) => {
  const path = socketPath(t);
  const round = async (): Promise<void> => {
    await using server = await listenQemuStream({ path });
    await using client = await connectQemuStream({ path });
    await using guest = await server.accept();
    guest.attach(new Recorder());
    client.writeRawPacket(ethernetFrame(60));
  };
  await round();
  const before = fdCount();
  for (let count = 0; count < 100; count++) await round();
  t.is(fdCount(), before);
});
