/** Namespaces that this process makes, opens, enters and deletes. */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { closeFd, createNetworkNamespace, createEventFd } from '../../native/index.ts';
import { createNetNamespace, currentNetNamespace, openNetNamespace } from '../../sandbox/index.ts';
import { fdCount } from '../native/_support.ts';
import { testAsRealRoot, testWithTun } from './_rights.ts';
import { iproute } from './sandbox-support.ts';

const here = (): string => readlinkSync('/proc/thread-self/ns/net');

/** A directory for names; it must be empty again in the end of a test that passed. */
function makeDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'linkpoint-ns-'));
  t.teardown(() => (t.passed ? rmdirSync(directory) : rmSync(directory, { recursive: true })));
  return directory;
}

test.serial('an anonymous namespace is entered synchronously, and left also when something throws', async (t) => {
  const before = fdCount();
  const home = here();
  const namespace = await createNetNamespace();
  t.false(namespace.isRootless);
  t.is(namespace.runSync(here), `net:[${namespace.inode}]`);
  t.is(here(), home);
  t.throws(() => namespace.runSync(() => { throw new Error('expected'); }), { message: 'expected' });
  t.is(here(), home);
  t.throws(() => namespace.runSync(async () => 1), { instanceOf: TypeError });
  t.is(here(), home);
  await namespace.delete();
  await namespace.delete();
  t.throws(() => namespace.runSync(here), { code: 'ERR_CLOSED' });
  t.is(fdCount(), before);
});

testAsRealRoot('a named namespace is a mounted file, opened by path and gone with delete()', async (t) => {
  const directory = makeDirectory(t);
  const namespace = await createNetNamespace({ name: 'box', directory });
  t.is(namespace.path, join(directory, 'box'));
  t.is(statSync(namespace.path!).ino, namespace.inode);
  await t.throwsAsync(createNetNamespace({ name: 'box', directory }), { code: 'EEXIST' });
  const again = openNetNamespace(namespace.path!);
  t.is(again.inode, namespace.inode);
  t.false(again.isOwned);
  await again.delete();
  t.true(existsSync(namespace.path!), 'what was only opened is left');
  await namespace.delete();
  t.deepEqual(readdirSync(directory), []);
});

testAsRealRoot('delete() leaves a name that is not the namespace made here any more', async (t) => {
  const directory = makeDirectory(t);
  const first = await createNetNamespace({ name: 'box', directory });
  const opened = openNetNamespace(first.path!);
  const second = await createNetNamespace({ name: 'other', directory });
  await first.delete();
  const replaced = await createNetNamespace({ name: 'box', directory });
  await first.delete();
  await opened.delete();
  t.deepEqual(readdirSync(directory).sort(), ['box', 'other']);
  await replaced.delete();
  await second.delete();
});

testAsRealRoot('ip-netns(8) sees the name, and deletes it', async (t) => {
  const name = `linkpoint-${process.pid}`;
  const namespace = await createNetNamespace({ name });
  const listed = iproute(namespace.fd, 'ip', 'netns list').map((one) => one['name']);
  t.true(listed.includes(name));
  await namespace.delete();
  t.false(existsSync(`/run/netns/${name}`));
});

test.serial('a namespace is opened by descriptor and by process', async (t) => {
  const fd = createNetworkNamespace();
  t.teardown(() => closeFd(fd));
  await using byFd = openNetNamespace(fd);
  const child = byFd.runSync(() => spawn('sleep', ['30'], { stdio: 'ignore' }));
  t.teardown(() => child.kill());
  await using byPid = openNetNamespace({ pid: child.pid! });
  t.is(byPid.inode, byFd.inode);
  t.not(byPid.fd, fd, 'the descriptor stays the caller\'s');
  await using current = currentNetNamespace();
  t.is(`net:[${current.inode}]`, here());
});

test.serial('what is no network namespace is refused, and nothing stays open', async (t) => {
  const directory = makeDirectory(t);
  const eventFd = createEventFd();
  t.teardown(() => closeFd(eventFd));
  const before = fdCount();
  t.throws(() => openNetNamespace(eventFd), { code: 'EINVAL', message: /a network namespace is required/ });
  t.throws(() => openNetNamespace('/proc/self/ns/mnt'), { code: 'EINVAL' });
  t.throws(() => openNetNamespace('/proc/self/ns/nonsense'), { code: 'ENOENT' });
  t.throws(() => openNetNamespace({ pid: 0 }), { code: 'ERR_INVALID_OPTION' });
  await t.throwsAsync(createNetNamespace({ name: '../box', directory }), { code: 'ERR_INVALID_OPTION' });
  await t.throwsAsync(createNetNamespace({ name: 'box', rootless: 'always' }), { code: 'ERR_INVALID_OPTION' });
  await t.throwsAsync(createNetNamespace({ name: 'box', directory: '/dev/null/nowhere' }), { name: 'SystemError' });
  t.is(fdCount(), before);
});

testWithTun('devices and rtnetlink are opened inside', async (t) => {
  await using namespace = await createNetNamespace();
  await using rtnl = await namespace.rtnl();
  const tap = await namespace.openDevice({ queues: 2 });
  t.like(tap, { kind: 'tap', name: 'tap0', refused: [] });
  t.is(tap.device.fds.length, 2);
  t.is(rtnl.links.get('tap0').tun!.multiQueue, true);
  const veth = await namespace.openDevice({ kinds: ['veth'], name: 'eth0' });
  t.like(veth, { kind: 'veth', name: 'eth0' });
  t.true(rtnl.links.get('eth0-out').isUp);
  const socket = await namespace.openPacketSocket({ interfaceName: 'eth0' });
  await t.throwsAsync(namespace.openDevice({ name: 'a/b' }), { code: 'ERR_NO_DEVICE', message: /tap: .*; veth: / });
  for (const device of [tap.device, veth.device, socket]) device.close();
  t.is(rtnl.links.find('tap0'), undefined);
});

test.serial('a file that is in the way of a name is left as it is', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'linkpoint-ns-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'box'), 'mine');
  await t.throwsAsync(createNetNamespace({ name: 'box', directory }), { code: 'EEXIST' });
  t.is(statSync(join(directory, 'box')).size, 4);
});
