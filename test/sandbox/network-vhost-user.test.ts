/** The vhost-user endpoint: found by its socket, handed over by path. */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import {
  type DeviceSink,
  findVhostUserSocket,
  type SinkVhostUser,
  VhostUserEndpoint,
  type VhostUserState,
} from '../../sandbox/index.ts';

const STATE: VhostUserState = {
  type: 'vhost-user',
  name: 'eth0',
  hardwareAddress: '02:00:00:00:00:01',
  socketPath: '/tmp/vhostuser_192.0.2.1/vhu.sock',
};

function makeDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'lp-vhu-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  return directory;
}

async function listen(t: ExecutionContext, path: string): Promise<void> {
  const server = createServer();
  t.teardown(() => void server.close());
  await new Promise<void>((resolve) => server.listen(path, resolve));
}

test('the socket of an address is found, and nothing else is one', async (t) => {
  const directory = makeDirectory(t);
  const addresses = ['192.0.2.1', '2001:db8::1', '192.0.2.2', '192.0.2.3'];
  for (const address of addresses) mkdirSync(join(directory, `vhostuser_${address}`));
  const path = join(directory, 'vhostuser_192.0.2.1/vhu.sock');
  await listen(t, path);
  await listen(t, join(directory, 'vhostuser_2001:db8::1/vhu.sock'));
  writeFileSync(join(directory, 'vhostuser_192.0.2.2/vhu.sock'), '');
  symlinkSync(path, join(directory, 'vhostuser_192.0.2.3/vhu.sock'));
  t.is(findVhostUserSocket(directory, '192.0.2.1'), path);
  t.is(findVhostUserSocket(directory, '2001:db8::1'), join(directory, 'vhostuser_2001:db8::1/vhu.sock'));
  t.is(findVhostUserSocket(directory, '192.0.2.2'), undefined, 'a plain file');
  t.is(findVhostUserSocket(directory, '192.0.2.3'), undefined, 'a symbolic link');
  t.is(findVhostUserSocket(directory, '192.0.2.4'), undefined, 'nothing');
});

test('what is no address never becomes a path', (t) => {
  for (const address of ['../x', '192.0.2.1/../..', '', '192.0.2.1\0']) {
    t.throws(() => findVhostUserSocket('/tmp', address), { instanceOf: TypeError }, JSON.stringify(address));
  }
});

test('attach hands the path over with an id of its own each time; detach only lets go', async (t) => {
  const devices: SinkVhostUser[] = [];
  let released = 0;
  const refuse = (): Promise<never> => Promise.reject(new Error('This sink takes vhost-user devices only'));
  const addVhostUser = async (device: SinkVhostUser): Promise<() => Promise<void>> => {
    devices.push(device);
    return async () => void released++;
  };
  const sink: DeviceSink = { addVhostUser, addTap: refuse, addPci: refuse };
  const steps: string[] = [];
  const endpoint = new VhostUserEndpoint({ onStep: (number, name) => void steps.push(`${number} ${name}`) }, STATE);
  t.deepEqual(endpoint.toJSON(), STATE);
  await endpoint.attach(sink);
  t.true(endpoint.isAttached);
  t.deepEqual(steps, [`1 hand ${STATE.socketPath} to the sink`]);
  t.like(devices[0], { socketPath: STATE.socketPath, linkAddress: '02:00:00:00:00:01' });
  t.regex(devices[0]!.id, /^[0-9a-f]{16}$/);
  await t.throwsAsync(endpoint.attach(sink), { code: 'ERR_ALREADY_ATTACHED' });
  await endpoint.detach();
  await endpoint.detach();
  t.is(released, 1);
  t.false(endpoint.isAttached);
  await endpoint.attach(sink);
  t.not(devices[1]!.id, devices[0]!.id);
  t.deepEqual(endpoint.toJSON(), STATE, 'ids and attachments are of this process');
});

test('a sink that refuses leaves the endpoint detached', async (t) => {
  const refuse = (): Promise<never> => Promise.reject(new Error('refused'));
  const endpoint = new VhostUserEndpoint({ onStep: () => undefined }, STATE);
  const sink: DeviceSink = { addVhostUser: refuse, addTap: refuse, addPci: refuse };
  await t.throwsAsync(endpoint.attach(sink), { message: 'refused' });
  t.false(endpoint.isAttached);
});
